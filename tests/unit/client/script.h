/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-class.h"
#include "wire-envelope.h"

/*
 * A scripted broker: functions that append its frames to a byte array for the client, and that parse the frames of a client
 * with the rules of the real broker.
 */

/* --- from the broker: appended to @out --- */

void script_frame (GByteArray *out, guint8 kind, guint8 flags, const WireEnvelope *envelope);

typedef struct
{
  guint32 version;         /* 0: that of the library */
  guint64 window_messages; /* of each class; 0: 1000 */
  guint64 window_bytes;    /* of each class; 0: 1 MiB */
  guint64 largest_payload; /* 0: 1 MiB */
  guint64 features;        /* the granted ones */
  guint64 epoch;           /* 0: always the same */
} ScriptWelcome;
void script_welcome (GByteArray *out, const ScriptWelcome *welcome);
void script_goodbye (GByteArray *out, guint32 status, const char *detail);
/* GOODBYE with the time after which the client may try again. */
void script_goodbye_for (GByteArray *out, guint32 status, const char *detail, guint64 retry_us);
void script_subscribe_reply (GByteArray *out, guint64 answers, guint64 window_messages, guint64 window_bytes);
/* The answer of a broker that also reports the policy; its bounds are 1,000 messages and 100,000 bytes. */
void
script_subscribed (GByteArray *out, guint64 answers, guint32 policy, guint64 window_messages, guint64 window_bytes);
/* The answer of a broker that looks for retained messages. */
void script_subscribed_retained (GByteArray *out, guint64 answers, guint64 window_messages, guint64 window_bytes);
void script_adjusted (GByteArray *out, guint64 answers, guint32 policy, guint64 queue_messages, guint64 queue_bytes);
/* A final reply. */
void script_reply (GByteArray *out, guint64 answers, const char *payload);
void script_error (GByteArray *out, guint64 answers, guint32 status);
/* ERROR after the longest block: @dropped messages were dropped, the last of which has the id @answers. */
void script_block_over (GByteArray *out, guint64 answers, guint64 dropped);
void script_ack (GByteArray *out, guint64 answers, guint matched, guint queued);
/* @subscription: up to two; 0: none. */
void script_deliver (GByteArray *out,
                     guint32 subscription,
                     guint32 second,
                     guint64 accept_seq,
                     const char *topic,
                     const void *payload,
                     gsize len);
/* A retained message, and the end of the retained messages of a subscription. */
void
script_retained (GByteArray *out, guint32 subscription, guint64 accept_seq, const char *topic, const char *payload);
void script_retained_end (GByteArray *out, guint32 subscription);
void script_request (GByteArray *out,
                     guint32 subscription,
                     guint64 route,
                     const char *topic,
                     const char *method,
                     const char *payload);
void script_credit (GByteArray *out, guint32 credit_class, guint64 messages, guint64 bytes);
/* A gap with the reason SLOW_CONSUMER, and one with any reason. */
void script_gap (GByteArray *out, guint32 subscription, guint64 from, guint64 to, guint64 count);
void script_gap_for (GByteArray *out, guint32 subscription, guint64 from, guint64 to, guint64 count, guint32 reason);

/* --- from the client --- */

typedef struct
{
  guint8 kind;
  guint8 flags;
  GBytes *body;
  WireEnvelope envelope; /* not for HELLO and GOODBYE */
} ScriptFrame;

void script_frame_free (ScriptFrame *frame);

/* Takes whole frames from the start of @bytes; a broker must accept each of them. (element-type ScriptFrame) */
GPtrArray *script_take (GByteArray *bytes);
/* Returns the first frame of @kind, or NULL. */
const ScriptFrame *script_find (GPtrArray *frames, guint8 kind);
guint script_count (GPtrArray *frames, guint8 kind);

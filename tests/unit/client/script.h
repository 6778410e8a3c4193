/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-class.h"
#include "wire-envelope.h"

/*
 * A scripted broker: functions that append its frames to a byte array for the client, and that take the frames of a client
 * apart with the rules of the real broker.
 */

/* --- from the broker: appended to @out --- */

void script_frame (GByteArray *out, guint8 kind, guint8 flags, const WireEnvelope *envelope);

typedef struct
{
  guint32 version;         /* 0: ours */
  guint64 window_messages; /* of each class; 0: 1000 */
  guint64 window_bytes;    /* of each class; 0: 1 MiB */
  guint64 largest_payload; /* 0: 1 MiB */
  guint64 features;        /* as granted */
  guint64 epoch;           /* 0: always the same */
} ScriptWelcome;
void script_welcome (GByteArray *out, const ScriptWelcome *welcome);
void script_goodbye (GByteArray *out, guint32 status, const char *detail);
/* The client may try again after that time. */
void script_goodbye_for (GByteArray *out, guint32 status, const char *detail, guint64 retry_us);
void script_subscribe_reply (GByteArray *out, guint64 answers, guint64 window_messages, guint64 window_bytes);
/* ... of a broker that reports the policy, too; its bounds are 1,000 messages and 100,000 bytes. */
void
script_subscribed (GByteArray *out, guint64 answers, guint32 policy, guint64 window_messages, guint64 window_bytes);
/* ... of a broker that looks for retained messages. */
void script_subscribed_retained (GByteArray *out, guint64 answers, guint64 window_messages, guint64 window_bytes);
void script_adjusted (GByteArray *out, guint64 answers, guint32 policy, guint64 queue_messages, guint64 queue_bytes);
/* Empty final reply. */
void script_reply (GByteArray *out, guint64 answers, const char *payload);
void script_error (GByteArray *out, guint64 answers, guint32 status);
/* @dropped messages, of which @answers was the last, after the longest block. */
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
/* A retained message, and the end of those of the subscription. */
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
/* For a slow consumer; and for any reason. */
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

/* Takes whole frames off the front of @bytes; each must be one that a broker accepts. Of ScriptFrame. */
GPtrArray *script_take (GByteArray *bytes);
/* The first of @kind, or NULL. */
const ScriptFrame *script_find (GPtrArray *frames, guint8 kind);
guint script_count (GPtrArray *frames, guint8 kind);

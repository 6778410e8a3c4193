/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-hop-private.h"
#include "deye-bus-options-private.h"
#include "wire-class.h"
#include "wire-envelope.h"

/*
 * A call, and its encoding as a frame.
 *
 * The head (frame header, fields and the front of the payload) is encoded; the payload behind it is only referenced. This module
 * checks and encodes calls, and sends nothing.
 *
 * Invariant: head_len is the number of bytes that write_head() writes.
 */

/* Marks a WireEnvelope that a function sets before anything reads it. An envelope has a kilobyte of tags, which would be cleared
 * for each message. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define DEYE_BUS_UNINITIALIZED __attribute__ ((uninitialized))
#endif
#endif
#ifndef DEYE_BUS_UNINITIALIZED
#define DEYE_BUS_UNINITIALIZED
#endif

typedef struct
{
  guint8 kind; /* PUBLISH, REQUEST or REPLY */
  guint8 flags;
  guint8 is_numbered; /* a gboolean: the client sets @message_id when the call starts */
  gboolean ahead;     /* a call of the library: it is sent while the session is held, and overtakes calls that wait */
  gboolean own;       /* a call that only concerns this connection, such as a heartbeat: it is not counted as unsent */
  const char *topic;  /* REPLY: of the request */
  const char *target; /* nullable; overrides the options' */
  const char *type_name; /* nullable; overrides the options' */
  /* REPLY: the first bytes of the payload, usually none. They are copied; those of @payload follow them. */
  WireSpan payload_front;
  GBytes *payload;               /* nullable */
  const DeyeBusOptions *options; /* nullable */
  guint64 deadline_us;           /* relative, sent to the broker; 0: none */
  guint64 message_id;            /* the broker recognises a repeated call by it; 0: the call is never repeated */
  guint64 route;                 /* REPLY */
  guint32 status;                /* REPLY: an error */
  const char *error_name;
  const char *detail;
  guint32 expect;          /* REQUEST to several members: number of answers that end it; 0: one member is asked */
  guint64 stall_us;        /* REQUEST: longest pause between two answers; 0: no limit */
  guint64 window_messages; /* REQUEST: of its answers; 0: not limited */
  guint64 window_bytes;
  const DeyeBusHops *request_hops; /* REPLY: of the request; NULL: its requester wants none */
} DeyeBusCall;

/* Points into the call; valid as long as the call is. */
typedef struct
{
  WireEnvelope envelope;
  guint8 kind;
  guint8 flags;
  gboolean own; /* as in DeyeBusCall */
  WireClass credit_class;
  gsize head_len;         /* header, fields and front */
  WireSpan payload_front; /* borrowed */
  GBytes *payload;        /* nullable; borrowed: the payload behind the front */
  guint8 hops_before[DEYE_BUS_HOPS_BEFORE_MAX];
} DeyeBusEncodedCall;

/* @features: of the connection; 0: there is no connection yet, and the class is set again when the call is sent */
WireClass deye_bus_call_class (const DeyeBusCall *call, guint64 features);
/* The credit class is set as for a connection without features. */
void deye_bus_call_encode (const DeyeBusCall *call, guint64 id, DeyeBusEncodedCall *encoded);

/* Adds the time of this call as a station, if the sender or the requester asked for hops. @request_hops: the hops of the request
 * that the call answers; NULL: it answers none, or its requester asked for none. The connection must have the feature DELIVERY. */
void deye_bus_encoded_call_stamp (DeyeBusEncodedCall *encoded, const DeyeBusHops *request_hops);

/* FALSE: the broker would refuse the call, or close the connection. */
gboolean deye_bus_encoded_call_check (const DeyeBusEncodedCall *encoded, guint64 largest_payload, GError **error);

/* The length of the whole frame. */
static inline gsize
deye_bus_encoded_call_size (const DeyeBusEncodedCall *encoded)
{
  return encoded->head_len - encoded->payload_front.len + encoded->envelope.payload.len;
}

/* Writes the head, head_len bytes. */
void deye_bus_encoded_call_write_head (const DeyeBusEncodedCall *encoded, guint8 *out);

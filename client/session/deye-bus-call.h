/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-hop-private.h"
#include "deye-bus-options-private.h"
#include "wire-class.h"
#include "wire-envelope.h"

/*
 * A call, and its encoding as a frame.
 *
 * The head, i.e. frame header and fields, is encoded; the payload behind it is only referenced. This module checks and
 * encodes, it sends nothing.
 */

/* For a WireEnvelope that is set before it is read: its kilobyte of tags need not be cleared for each message. */
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
  gboolean ahead;                /* of the library, while the session is held: overtakes calls that wait */
  const char *topic;             /* REPLY: of the request */
  const char *target;            /* nullable; overrides the options' */
  const char *type_name;         /* nullable; overrides the options' */
  GBytes *payload;               /* nullable */
  const DeyeBusOptions *options; /* nullable */
  guint64 deadline_us;           /* relative, sent to the broker; 0: none */
  guint64 message_id;            /* by which the broker recognises the call when it is sent again; 0: it is not */
  guint64 route;                 /* REPLY */
  guint32 status;                /* REPLY: an error */
  const char *error_name;
  const char *detail;
  guint32 expect;          /* REQUEST: answers after which it ends, when several members are asked; 0: one is asked */
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
  WireClass credit_class;
  gsize head_len;  /* header and fields */
  GBytes *payload; /* nullable; borrowed */
  guint8 hops_before[DEYE_BUS_HOPS_BEFORE_MAX];
} DeyeBusEncodedCall;

/* @features: of the connection; 0: there is none yet, the class is set again when it is sent */
WireClass deye_bus_call_class (const DeyeBusCall *call, guint64 features);
/* The class is that of a connection without features. */
void deye_bus_call_encode (const DeyeBusCall *call, guint64 id, DeyeBusEncodedCall *encoded);

/* Adds the time of this call, if the stations of the message are wanted. @request_hops: of the request that it answers; NULL:
 * there is none, or its requester wants none. The connection must have the feature DELIVERY. */
void deye_bus_encoded_call_stamp (DeyeBusEncodedCall *encoded, const DeyeBusHops *request_hops);

/* FALSE: the broker would refuse it, or close the connection. */
gboolean deye_bus_encoded_call_check (const DeyeBusEncodedCall *encoded, guint64 largest_payload, GError **error);
/* Writes the head, head_len bytes. */
void deye_bus_encoded_call_write_head (const DeyeBusEncodedCall *encoded, guint8 *out);

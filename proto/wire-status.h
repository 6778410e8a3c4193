/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Status codes: the results that the protocol reports in ERROR, ACK, REPLY, GAP and GOODBYE.
 *
 * One table in wire-status.c has the number, the name and a sentence for people. The numbers are part of the protocol,
 * so they are never reused. This module only names a status; it does not decide when one is sent.
 */

typedef enum
{
  WIRE_STATUS_OK = 0,
  WIRE_STATUS_UNKNOWN = 1, /* the outcome cannot be known */

  WIRE_STATUS_BAD_MAGIC = 10,
  WIRE_STATUS_BAD_FRAME = 11,
  WIRE_STATUS_FRAME_EMPTY = 12,
  WIRE_STATUS_FRAME_TOO_LARGE = 13,
  WIRE_STATUS_BAD_MESSAGE = 14,
  WIRE_STATUS_PROTOCOL_ORDER = 15,
  WIRE_STATUS_VERSION = 16,
  WIRE_STATUS_UNSUPPORTED = 17,
  WIRE_STATUS_CREDIT_EXCEEDED = 18,

  WIRE_STATUS_BAD_TOPIC = 20,
  WIRE_STATUS_BAD_PATTERN = 21,
  WIRE_STATUS_DENIED = 22,
  WIRE_STATUS_LIMIT = 23,
  WIRE_STATUS_WOULD_BLOCK = 24,
  WIRE_STATUS_DUPLICATE_ID = 25,
  WIRE_STATUS_NO_MEMORY = 26,
  WIRE_STATUS_CASCADE = 27,

  WIRE_STATUS_ABSENT = 30,
  WIRE_STATUS_NOT_SUBSCRIBED = 31,
  WIRE_STATUS_NO_RESPONDERS = 32,
  WIRE_STATUS_RESPONDER_GONE = 33,
  WIRE_STATUS_TIMEOUT = 34,
  WIRE_STATUS_CANCELLED = 35,
  WIRE_STATUS_EXPIRED = 36,
  WIRE_STATUS_STALE_LEASE = 37,
  WIRE_STATUS_QUARANTINED = 38,

  WIRE_STATUS_SLOW_CONSUMER = 40,
  WIRE_STATUS_HELLO_TIMEOUT = 41,
  WIRE_STATUS_SHUTTING_DOWN = 42,
  WIRE_STATUS_TAKEN_OVER = 43,
  WIRE_STATUS_INTERNAL = 44,
  WIRE_STATUS_UNRESPONSIVE = 45, /* in GOODBYE: the peer gave no sign of life (health-failed-action) */
  WIRE_STATUS_SUPERSEDED = 46,   /* in CANCEL: a newer lease of this task exists, or the task has ended */
  WIRE_STATUS_DRAINING = 47,     /* the receiver gets no new messages, and finishes those that it has */

  WIRE_STATUS_FAILED = 50,       /* an error of the application, which error_name and detail describe */
  WIRE_STATUS_PARTIAL = 51,      /* of a request to many: some of the wanted answers did not arrive */
  WIRE_STATUS_PAYLOAD_GONE = 52, /* of a task: its payload or its result is not kept any more */
} WireStatus;

/* Returns the name, such as "DENIED", or "UNNUMBERED" for a number that this version does not know. Never NULL. */
const char *wire_status_name (guint32 status);

/* Returns a short English sentence for logs and GOODBYE that says what happened and what to do. Never NULL. */
const char *wire_status_text (guint32 status);

/* TRUE if the number is in the table. */
gboolean wire_status_is_known (guint32 status);

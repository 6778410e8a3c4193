/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-status.h"

typedef struct
{
  guint32 number;
  const char *name;
  const char *text;
} WireStatusRow;

static const WireStatusRow rows[] = {
  { WIRE_STATUS_OK, "OK", "done" },
  { WIRE_STATUS_UNKNOWN, "UNKNOWN", "the outcome can't be known" },
  { WIRE_STATUS_BAD_MAGIC, "BAD_MAGIC", "these bytes are not this protocol: connect with the client library" },
  { WIRE_STATUS_BAD_FRAME, "BAD_FRAME", "the frame's header is malformed" },
  { WIRE_STATUS_FRAME_EMPTY, "FRAME_EMPTY", "the frame has no body" },
  { WIRE_STATUS_FRAME_TOO_LARGE, "FRAME_TOO_LARGE",
    "the frame is larger than the limit: send less, or raise max_payload" },
  { WIRE_STATUS_BAD_MESSAGE, "BAD_MESSAGE", "the frame's body is malformed" },
  { WIRE_STATUS_PROTOCOL_ORDER, "PROTOCOL_ORDER", "this frame is not allowed at this point" },
  { WIRE_STATUS_VERSION, "VERSION", "no common protocol version: update the older side" },
  { WIRE_STATUS_UNSUPPORTED, "UNSUPPORTED", "this version does not support it" },
  { WIRE_STATUS_CREDIT_EXCEEDED, "CREDIT_EXCEEDED", "more was sent than was granted: wait for CREDIT" },
  { WIRE_STATUS_BAD_TOPIC, "BAD_TOPIC", "the topic is malformed" },
  { WIRE_STATUS_BAD_PATTERN, "BAD_PATTERN", "the pattern is malformed" },
  { WIRE_STATUS_DENIED, "DENIED", "no right to do this" },
  { WIRE_STATUS_LIMIT, "LIMIT", "a limit is reached" },
  { WIRE_STATUS_WOULD_BLOCK, "WOULD_BLOCK", "a receiver's queue is full: try again later" },
  { WIRE_STATUS_DUPLICATE_ID, "DUPLICATE_ID", "this id is in use" },
  { WIRE_STATUS_NO_MEMORY, "NO_MEMORY", "the broker is out of memory: try again later" },
  { WIRE_STATUS_CASCADE, "CASCADE", "a message is among its own causes, or its chain of causes is too long" },
  { WIRE_STATUS_ABSENT, "ABSENT", "the peer is not connected" },
  { WIRE_STATUS_NOT_SUBSCRIBED, "NOT_SUBSCRIBED", "the peer neither subscribes to nor serves the topic" },
  { WIRE_STATUS_NO_RESPONDERS, "NO_RESPONDERS", "no peer serves the topic" },
  { WIRE_STATUS_RESPONDER_GONE, "RESPONDER_GONE", "the responder disconnected before it answered" },
  { WIRE_STATUS_TIMEOUT, "TIMEOUT", "the deadline passed" },
  { WIRE_STATUS_CANCELLED, "CANCELLED", "the other side cancelled it" },
  { WIRE_STATUS_EXPIRED, "EXPIRED", "a time limit has expired" },
  { WIRE_STATUS_STALE_LEASE, "STALE_LEASE", "the lease of this attempt has expired" },
  { WIRE_STATUS_QUARANTINED, "QUARANTINED", "quarantined after too many failed attempts" },
  { WIRE_STATUS_SLOW_CONSUMER, "SLOW_CONSUMER", "the receiver reads too slowly" },
  { WIRE_STATUS_HELLO_TIMEOUT, "HELLO_TIMEOUT", "no HELLO in time (hello_timeout_us)" },
  { WIRE_STATUS_SHUTTING_DOWN, "SHUTTING_DOWN", "the broker is stopping" },
  { WIRE_STATUS_TAKEN_OVER, "TAKEN_OVER", "another connection has taken over this id" },
  { WIRE_STATUS_INTERNAL, "INTERNAL", "a fault of the broker: please report it" },
  { WIRE_STATUS_UNRESPONSIVE, "UNRESPONSIVE", "three intervals without a sign of life (health-failed-action)" },
  { WIRE_STATUS_SUPERSEDED, "SUPERSEDED", "the task was given to another member, or has ended" },
  { WIRE_STATUS_DRAINING, "DRAINING", "the receiver is draining: it gets no new messages" },
  { WIRE_STATUS_FAILED, "FAILED", "the application reports an error" },
  { WIRE_STATUS_PARTIAL, "PARTIAL", "some of the required answers are missing" },
  { WIRE_STATUS_PAYLOAD_GONE, "PAYLOAD_GONE", "the payload is not kept any more" },
};

static const WireStatusRow *
status_find (guint32 status)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].number == status)
      return &rows[i];
  return NULL;
}

const char *
wire_status_name (guint32 status)
{
  const WireStatusRow *row = status_find (status);

  return row != NULL ? row->name : "UNNUMBERED";
}

const char *
wire_status_text (guint32 status)
{
  const WireStatusRow *row = status_find (status);

  return row != NULL ? row->text : "a status that this version does not know";
}

gboolean
wire_status_is_known (guint32 status)
{
  return status_find (status) != NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "base/bus-quota.h"
#include "base/bus-types.h"
#include "wire-envelope.h"

/*
 * The timeline: records of the outcomes of messages that belong together, from the first message of a chain to the last.
 *
 * A message that carries a correlation, parent or root id leaves a record: its fields without the payload, its sizes, and its
 * outcome. All other messages cost one comparison. Records are listed by root id, in the order in which the broker handled the
 * messages. A table also maps each correlation id to the first record that carries it (the record is *named* by the id), so that
 * the ancestors of a message can be found by their parent ids.
 *
 * All records together take at most timeline_bytes; beyond that the oldest records are dropped. They are not charged to a peer,
 * because a record outlives its sender, but their bytes count as memory of the broker. A message leaves no record if there is no
 * memory for it.
 *
 * Invariant: the named records form no circle by their parent ids, because bus-lineage refuses a message that would close one, and
 * the record of a refused message is not named.
 */

#define BUS_TIMELINE_SHARE 8u /* bound of timeline_bytes, as a part of broker_bytes */

/* Outcome of a message. */
typedef struct
{
  guint64 accept_seq; /* 0: it was refused */
  WireStatus status;  /* OK; WOULD_BLOCK: a receiver refused it; otherwise the reason for which the broker refused it */
  guint32 matched;
  guint32 queued;
  guint32 refused;
} BusFate;

typedef struct BusTimelineRoot BusTimelineRoot;

typedef struct
{
  guint64 number;  /* counts the messages that were to be recorded, from 1 on */
  guint64 time_us; /* wall clock */
  BusFate fate;
  guint8 kind;   /* WIRE_KIND_PUBLISH, _REQUEST or _REPLY */
  guint32 depth; /* as bus-lineage decided */
  guint64 payload_bytes;
  guint64 fields_bytes; /* of the client's frame, without the payload */
  WireSpan sender;      /* this and all further texts are copies behind the record */
  WireSpan target;
  WireSpan topic; /* empty for a reply */
  WireSpan method;
  WireSpan type_name;
  WireSpan correlation_id;
  WireSpan parent_id;
  WireSpan stage;
  WireSpan trace_id;
  WireSpan span_id;

  BusTimelineRoot *root;
  BusKey id; /* of correlation_id */
  gboolean is_named;
  gsize size;
  GList age_link;
  GList root_link;
} BusRecord;

struct BusTimelineRoot
{
  BusKey key;     /* own copy of its id */
  GQueue records; /* BusRecord, oldest first */
  guint64 lost;   /* records that were dropped or had no room, since the root exists */
  gsize size;
};

typedef struct
{
  GHashTable *roots; /* BusKey -> BusTimelineRoot */
  GHashTable *named; /* BusKey of a correlation id -> the BusRecord that it names */
  GQueue by_age;     /* BusRecord, oldest first */
  guint64 number;    /* of the newest message that was to be recorded */
  guint64 bytes;
  guint64 most; /* timeline_bytes */
  guint64 seed;
  BusQuota *quota;
} BusTimeline;

void bus_timeline_init (BusTimeline *timeline, guint64 most, guint64 seed, BusQuota *quota);
void bus_timeline_clear (BusTimeline *timeline);

/* Adds a record of a message of @sender. @depth: as bus-lineage decided. */
void bus_timeline_add (BusTimeline *timeline,
                       const char *sender,
                       guint8 kind,
                       gsize body_len,
                       const WireEnvelope *envelope,
                       guint32 depth,
                       const BusFate *fate,
                       gint64 time_us);

/* The record that the correlation id @id names. (transfer none) (nullable) */
const BusRecord *bus_timeline_find (const BusTimeline *timeline, WireSpan id);

/* The root with its records: of the message with the correlation id @id or, if there is none, of the root id @id. (transfer none)
 * (nullable) */
const BusTimelineRoot *bus_timeline_root (const BusTimeline *timeline, WireSpan id);

/* TRUE if a message leaves a record. */
static inline gboolean
bus_timeline_wants (const WireEnvelope *envelope)
{
  return (envelope->correlation_id.len | envelope->parent_id.len | envelope->root_id.len) != 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "base/bus-quota.h"
#include "base/bus-types.h"
#include "wire-envelope.h"

/*
 * The timeline: the outcomes of messages that belong together, from the first one of a chain to the last.
 *
 * A message that carries a correlation, parent or root id leaves a record: its fields without the payload, its sizes, and its
 * outcome. Records are listed by root, in the order in which the broker handled them. Each id also names the first record that
 * carries it as its correlation id, so that the ancestors of a message can be followed by their parent ids. Other messages cost
 * one comparison.
 *
 * All records together take at most timeline_bytes; the oldest ones make room. They belong to the broker and are charged to no
 * peer, because a record outlives its sender; their bytes count as memory of the broker. A message for which there is no memory
 * leaves no record.
 *
 * Invariant: the ancestors that are recorded form no circle, because bus-lineage refuses a message that would close one, and
 * a refused message gets no name.
 */

#define BUS_TIMELINE_SHARE 8u /* it takes at most this part of broker_bytes, whatever timeline_bytes is */

/* Outcome of a message. */
typedef struct
{
  guint64 accept_seq; /* 0: it was refused */
  WireStatus status;  /* OK; WOULD_BLOCK: a receiver refused it; or why the broker refused it */
  guint32 matched;
  guint32 queued;
  guint32 refused;
} BusFate;

typedef struct BusTimelineRoot BusTimelineRoot;

typedef struct
{
  guint64 number;  /* counts the records, from 1 on */
  guint64 time_us; /* wall clock */
  BusFate fate;
  guint8 kind;   /* WIRE_KIND_PUBLISH, _REQUEST or _REPLY */
  guint32 depth; /* the larger one of what the sender said and what its ancestors say */
  guint64 payload_bytes;
  guint64 fields_bytes; /* of the sender, without the payload */
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
  guint64 lost;   /* records of it that made room for others, or found none, as long as it has had any */
  gsize size;
};

typedef struct
{
  GHashTable *roots; /* BusKey -> BusTimelineRoot */
  GHashTable *named; /* BusKey of a correlation id -> BusRecord, the first one that is kept */
  GQueue by_age;     /* BusRecord, oldest first */
  guint64 number;    /* of the newest message that was to be recorded */
  guint64 bytes;
  guint64 most; /* timeline_bytes */
  guint64 seed;
  BusQuota *quota;
} BusTimeline;

void bus_timeline_init (BusTimeline *timeline, guint64 most, guint64 seed, BusQuota *quota);
void bus_timeline_clear (BusTimeline *timeline);

/* Records a message of @sender. @depth: as bus-lineage decided. */
void bus_timeline_add (BusTimeline *timeline,
                       const char *sender,
                       guint8 kind,
                       gsize body_len,
                       const WireEnvelope *envelope,
                       guint32 depth,
                       const BusFate *fate,
                       gint64 time_us);

/* The record of that name. (transfer none) (nullable) */
const BusRecord *bus_timeline_find (const BusTimeline *timeline, WireSpan id);

/* The records of the root of the message with this correlation id or, if there is none, of the root @id. (transfer none)
 * (nullable) */
const BusTimelineRoot *bus_timeline_root (const BusTimeline *timeline, WireSpan id);

/* TRUE if a message leaves a record. */
static inline gboolean
bus_timeline_wants (const WireEnvelope *envelope)
{
  return (envelope->correlation_id.len | envelope->parent_id.len | envelope->root_id.len) != 0;
}

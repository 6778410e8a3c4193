/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "wire-envelope.h"

/*
 * Topics seen: what was accepted for each since it is kept.
 *
 * A topic gets its counter with the first message that is accepted for it. There are topics_seen of them; when all are
 * taken, a new topic takes the one of a topic that was not counted recently (the clock algorithm: each further message
 * marks its topic, a hand goes round, takes marks away and stops at a topic that has none). So nobody blinds the table by
 * topics that he uses once, and one that is counted at least once while the hand goes round stays. The messages of a
 * topic that went are added to `unseen`, so that all that were counted are always told: in a topic, or in the sum. A
 * topic that comes again begins at zero.
 *
 * Who routes (BusMatch, BusServers) remembers a place: the slot and its generation, which changes when another topic takes
 * the slot. A message to a topic whose place is good pays one compare and no look-up.
 *
 * The memory is the broker's own and charged to nobody: a topic outlives its publishers. It is at most topics_seen
 * times 900 bytes (a topic of 512 bytes); about 1.5 MiB by default, touched as topics come.
 *
 * Invariant: slots are never freed or moved before bus_topics_clear(); order holds each topic that is kept once, by name.
 */

#define BUS_TOPIC_TYPE_MAX 128u

typedef struct
{
  guint64 generation; /* of the slot: grows with each topic that takes it */
  guint64 messages;
  guint64 bytes; /* of payloads */
  gint64 last_us;
  gboolean is_recent; /* counted since the hand was here, and not only when it came */
  guint8 type_len;
  char type_name[BUS_TOPIC_TYPE_MAX]; /* of the last payload, may be cut */
  BusKey key;                         /* of the topic; own copy */
  GSequenceIter *at;                  /* in order */
} BusTopic;

/* Zeroed: none, which is no topic's. */
typedef struct
{
  guint64 generation;
  guint32 slot;
} BusTopicPlace;

typedef struct
{
  BusTopic *slots;   /* [0] is nobody's and fits no place; then max of them */
  GHashTable *table; /* BusKey -> BusTopic */
  GSequence *order;  /* BusTopic, by name */
  guint32 max;
  guint32 hand;   /* the slot that it was at */
  guint64 unseen; /* messages to topics that are not kept any more */
} BusTopics;

void bus_topics_init (BusTopics *topics, guint64 max);
void bus_topics_clear (BusTopics *topics);

/* The topic's counter, made when there is none. Transfer none. */
BusTopic *bus_topics_place (BusTopics *topics, BusKey key);
void bus_topic_set_type (BusTopic *topic, WireSpan type_name);

/* Where in order the first topic behind that name stands, whether or not that one is kept; an empty name: the
 * beginning. */
GSequenceIter *bus_topics_after (const BusTopics *topics, WireSpan name);

/* An accepted message. @place remembers the counter of @key. */
static inline void
bus_topics_count (BusTopics *topics, BusTopicPlace *place, BusKey key, const WireEnvelope *envelope, gint64 now_us)
{
  BusTopic *topic = &topics->slots[place->slot];

  if (topic->generation != place->generation)
    {
      topic = bus_topics_place (topics, key);
      *place = (BusTopicPlace){ topic->generation, (guint32) (topic - topics->slots) };
    }
  topic->is_recent = topic->messages > 0; /* the first one marks nothing: what comes once goes first */
  topic->messages++;
  topic->bytes += envelope->payload.len;
  topic->last_us = now_us;
  if (!wire_span_equal (envelope->type_name, wire_span (topic->type_name, topic->type_len)))
    bus_topic_set_type (topic, envelope->type_name);
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "wire-envelope.h"

/*
 * Topics seen: what was accepted for each topic since it is kept.
 *
 * A topic gets a counter with the first message that is accepted for it. At most topics_seen topics are kept. When
 * all counters are in use, a new topic takes the counter of one that was not counted recently (the clock algorithm:
 * each further message marks its topic; a hand moves round, removes marks and stops at a topic without one). So a
 * peer cannot displace all topics by using many topics once, and a topic that is counted at least once while the hand
 * moves round stays. The messages of a displaced topic are added to `unseen`, so every message is reported: with its
 * topic, or in that sum. A topic that returns begins at zero.
 *
 * The modules that route (BusMatch, BusServers) remember a place: the slot and its generation, which changes when
 * another topic takes the slot. A message to a topic whose place is valid costs one comparison and no look-up.
 *
 * The memory belongs to the broker and is charged to no peer, because a topic outlives its publishers. It is at most
 * topics_seen times 900 bytes (for topics of 512 bytes), about 1.5 MiB by default, and used as topics arrive.
 *
 * Invariant: slots are never freed or moved before bus_topics_clear(); order holds each topic that is kept once, by
 * name.
 */

#define BUS_TOPIC_TYPE_MAX 128u

typedef struct
{
  guint64 generation; /* of the slot: grows with each topic that takes it */
  guint64 messages;
  guint64 bytes; /* of payloads */
  gint64 last_us;
  gboolean is_recent; /* counted again since the hand passed, and not only once */
  guint8 type_len;
  char type_name[BUS_TOPIC_TYPE_MAX]; /* of the last payload, may be cut */
  BusKey key;                         /* of the topic; own copy */
  GSequenceIter *at;                  /* in order */
} BusTopic;

/* Zeroed: no place. */
typedef struct
{
  guint64 generation;
  guint32 slot;
} BusTopicPlace;

typedef struct
{
  BusTopic *slots;   /* [0] belongs to no topic and matches no place; then max of them */
  GHashTable *table; /* BusKey -> BusTopic */
  GSequence *order;  /* BusTopic, by name */
  guint32 max;
  guint32 hand;   /* the slot that it passed last */
  guint64 unseen; /* messages to topics that are not kept any more */
} BusTopics;

void bus_topics_init (BusTopics *topics, guint64 max);
void bus_topics_clear (BusTopics *topics);

/* The topic's counter, made when there is none. Transfer none. */
BusTopic *bus_topics_place (BusTopics *topics, BusKey key);
void bus_topic_set_type (BusTopic *topic, WireSpan type_name);

/* The first topic in order after that name, whether or not a topic of that name is kept; an empty name: the
 * beginning. */
GSequenceIter *bus_topics_after (const BusTopics *topics, WireSpan name);

/* Counts an accepted message. @place remembers the counter of @key. */
static inline void
bus_topics_count (BusTopics *topics, BusTopicPlace *place, BusKey key, const WireEnvelope *envelope, gint64 now_us)
{
  BusTopic *topic = &topics->slots[place->slot];

  if (topic->generation != place->generation)
    {
      topic = bus_topics_place (topics, key);
      *place = (BusTopicPlace){ topic->generation, (guint32) (topic - topics->slots) };
    }
  topic->is_recent = topic->messages > 0; /* the first message sets no mark */
  topic->messages++;
  topic->bytes += envelope->payload.len;
  topic->last_us = now_us;
  if (!wire_span_equal (envelope->type_name, wire_span (topic->type_name, topic->type_len)))
    bus_topic_set_type (topic, envelope->type_name);
}

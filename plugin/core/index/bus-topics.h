/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "base/bus-table.h"
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
 * A topic that displaces another one costs two changes of the hash table, so peers that use more topics than are kept
 * cost little more than others. Topics are sorted by name only when somebody lists them.
 *
 * Invariant: slots are never freed or moved before bus_topics_clear(); each topic that is kept is in the table, and has
 * one place in the order by name.
 */

#define BUS_TOPIC_TYPE_MAX 128u

typedef struct
{
  guint64 generation; /* of the slot: grows with each topic that takes it */
  guint64 messages;
  guint64 bytes; /* of payloads */
  gint64 last_us;
  BusKey key;         /* of the topic; its bytes are in name */
  gboolean is_recent; /* counted again since the hand passed, and not only once */
  guint8 type_len;
  char type_name[BUS_TOPIC_TYPE_MAX]; /* of the last payload, may be cut */
  guint8 *name;                       /* own copy; the next topic of the slot uses it again */
  gsize name_room;
} BusTopic;

/* Zeroed: no place. */
typedef struct
{
  guint64 generation;
  guint32 slot;
} BusTopicPlace;

typedef struct
{
  BusTopic *slots;  /* [0] belongs to no topic and matches no place; then max of them */
  BusTable table;   /* BusTopic by the hash of its name */
  GPtrArray *order; /* BusTopic, by name; valid while is_sorted */
  gboolean is_sorted;
  guint32 max;
  guint32 hand;   /* the slot that it passed last */
  guint64 unseen; /* messages to topics that are not kept any more */
} BusTopics;

void bus_topics_init (BusTopics *topics, guint64 max);
void bus_topics_clear (BusTopics *topics);

/* NULL: the topic is not kept. */
BusTopic *bus_topics_find (const BusTopics *topics, BusKey key);
/* The topic's counter, made when there is none. Transfer none. */
BusTopic *bus_topics_place (BusTopics *topics, BusKey key);
void bus_topic_set_type (BusTopic *topic, WireSpan type_name);

/* All topics by name; sorts them if topics came since the last call. Transfer none; valid until the next topic comes. */
const GPtrArray *bus_topics_by_name (BusTopics *topics);
/* The number in that order of the first topic after @name, whether or not a topic of that name is kept; an empty name:
 * the beginning. */
guint bus_topics_after (BusTopics *topics, WireSpan name);

/* Counts accepted messages, @bytes of payload in all. @place remembers the counter of @key. @type_name: of the last one */
static inline void
bus_topics_count_run (BusTopics *topics,
                      BusTopicPlace *place,
                      BusKey key,
                      guint messages,
                      gsize bytes,
                      WireSpan type_name,
                      gint64 now_us)
{
  BusTopic *topic = &topics->slots[place->slot];

  if (topic->generation != place->generation)
    {
      topic = bus_topics_place (topics, key);
      *place = (BusTopicPlace){ topic->generation, (guint32) (topic - topics->slots) };
    }
  topic->is_recent = topic->messages + messages > 1; /* the first message sets no mark */
  topic->messages += messages;
  topic->bytes += bytes;
  topic->last_us = now_us;
  if (!wire_span_equal (type_name, wire_span (topic->type_name, topic->type_len)))
    bus_topic_set_type (topic, type_name);
}

/* The same for one. */
static inline void
bus_topics_count (BusTopics *topics, BusTopicPlace *place, BusKey key, const WireEnvelope *envelope, gint64 now_us)
{
  bus_topics_count_run (topics, place, key, 1, envelope->payload.len, envelope->type_name, now_us);
}

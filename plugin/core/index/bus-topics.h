/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "base/bus-table.h"
#include "wire-envelope.h"

/*
 * Topics seen: counts the accepted messages of each topic, for statistics and listings.
 *
 * A topic gets a counter with the first message that is accepted for it. There are at most topics_seen counters. When all are in
 * use, a new topic takes the counter of a topic that was not counted recently, by the clock algorithm: each message but the first
 * marks its topic; a hand moves through the slots in a circle, removes marks, and stops at a topic without a mark. So a peer
 * cannot displace all topics by using many topics once, and a topic that is counted at least once in each round of the hand is
 * never displaced. The messages of a displaced topic are added to `unseen`, so each message is in the counter of its topic or in
 * that sum. A topic that returns begins at zero.
 *
 * Displacing a topic costs more than routing a message. If more topics are in use than there are counters, nearly each message
 * would displace a topic, and few counters would contain more than one message. All messages of one read have the same @now_us. The
 * first BUS_TOPICS_DISPLACED new topics of that time displace others, and of the further ones one in BUS_TOPICS_SHARE. The messages
 * to the rest are added to `unseen` at once. Which of the further topics get a counter differs from read to read, so that a topic
 * that always comes late in a batch gets one after some reads.
 *
 * The modules that route (BusMatch, BusServers) store the place of a counter: its slot and the generation of the slot, which
 * changes when another topic takes the slot. So a message to a topic with a valid place costs one comparison and no look-up.
 *
 * The memory belongs to the broker and is not charged to a peer, because a topic outlives its publishers. It is at most
 * topics_seen times 900 bytes (for topics of 512 bytes), about 1.5 MiB by default, and is used as topics arrive.
 *
 * Topics are sorted by name only when they are listed.
 *
 * Invariant: slots are never freed or moved before bus_topics_clear(); each topic with a counter is in the table, and has one
 * place in the order by name.
 */

#define BUS_TOPIC_TYPE_MAX   128u
#define BUS_TOPICS_DISPLACED 8u
#define BUS_TOPICS_SHARE     32u

typedef struct
{
  guint64 generation; /* of the slot: grows when another topic takes the slot */
  guint64 messages;
  guint64 bytes; /* of payloads */
  gint64 last_us;
  BusKey key;         /* of the topic; its bytes are in name */
  gboolean is_recent; /* the mark: counted since the hand has passed, and not for the first time */
  guint8 type_len;
  char type_name[BUS_TOPIC_TYPE_MAX]; /* of the last payload, may be cut */
  guint8 *name;                       /* own copy; the next topic of the slot reuses the memory */
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
  BusTopic *slots;  /* slot 0 belongs to no topic and matches no place; max slots follow */
  BusTable table;   /* BusTopic by the hash of its name */
  GPtrArray *order; /* BusTopic, by name; valid while is_sorted */
  gboolean is_sorted;
  guint32 max;
  guint32 hand;        /* the slot that the hand passed last */
  gint64 displaced_us; /* the time at which a topic was displaced last */
  guint32 n_displaced; /* topics that were displaced at that time */
  guint32 further;     /* selects further topics */
  guint64 unseen;      /* messages of topics without a counter */
} BusTopics;

void bus_topics_init (BusTopics *topics, guint64 max);
void bus_topics_clear (BusTopics *topics);

/* NULL: the topic has no counter. */
BusTopic *bus_topics_find (const BusTopics *topics, BusKey key);
/* The counter of the topic, which gets one if it has none. Transfer none. NULL: others were displaced at
 * @now_us, and this topic is not selected. */
BusTopic *bus_topics_place (BusTopics *topics, BusKey key, gint64 now_us);
void bus_topic_set_type (BusTopic *topic, WireSpan type_name);

/* All topics by name; sorts them if there are new ones since the last call. Transfer none; valid until a new topic is counted. */
const GPtrArray *bus_topics_by_name (BusTopics *topics);
/* The number in that order of the first topic after @name, which need not have a counter itself. With an empty @name: 0. */
guint bus_topics_after (BusTopics *topics, WireSpan name);

/* Finds the counter of a topic whose @place is not valid, and updates the place. NULL: the topic gets no counter now. */
BusTopic *bus_topics_find_place (BusTopics *topics, BusTopicPlace *place, BusKey key, gint64 now_us);

/* Counts accepted messages with @bytes of payload in total. @place: (inout): place of the counter of @key, updated if it is not
 * valid. @type_name: of the last message */
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
    topic = bus_topics_find_place (topics, place, key, now_us);
  if (topic == NULL)
    {
      topics->unseen += messages;
      return;
    }
  topic->is_recent = topic->messages + messages > 1; /* the first message sets no mark */
  topic->messages += messages;
  topic->bytes += bytes;
  topic->last_us = now_us;
  if (!wire_span_equal (type_name, wire_span (topic->type_name, topic->type_len)))
    bus_topic_set_type (topic, type_name);
}

/* The same for one message. */
static inline void
bus_topics_count (BusTopics *topics, BusTopicPlace *place, BusKey key, const WireEnvelope *envelope, gint64 now_us)
{
  bus_topics_count_run (topics, place, key, 1, envelope->payload.len, envelope->type_name, now_us);
}

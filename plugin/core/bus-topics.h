/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-key.h"
#include "wire-envelope.h"

/*
 * Topics seen: what was accepted for each since the start.
 *
 * A topic gets its counter with the first message that is accepted for it and keeps it as long as the core lives. So
 * who routes (BusMatch, BusServers) remembers the pointer, and a message pays no look-up. The table is bounded by
 * topics_seen: all further topics share one counter, of which only the messages are told.
 *
 * The memory is the broker's own and charged to nobody: a topic outlives its publishers. It is at most topics_seen
 * times 800 bytes (a topic of 512 bytes); about 1 MiB by default.
 *
 * Invariant: a counter is never freed or moved before bus_topics_clear(); order holds each one once, by topic.
 */

#define BUS_TOPIC_TYPE_MAX 128u

typedef struct
{
  BusKey key;     /* of the topic, whose bytes are behind the struct */
  guint32 number; /* from 1, in order of coming; 0: the one for all further topics */
  guint64 messages;
  guint64 bytes; /* of payloads */
  gint64 last_us;
  guint8 type_len;
  char type_name[BUS_TOPIC_TYPE_MAX]; /* of the last payload, may be cut */
} BusTopic;

typedef struct
{
  GHashTable *table;    /* BusKey -> BusTopic */
  GPtrArray *by_number; /* BusTopic, in order of coming */
  GPtrArray *order;     /* the same by topic */
  BusTopic rest;        /* beyond the bound */
  guint64 max;
} BusTopics;

void bus_topics_init (BusTopics *topics, guint64 max);
void bus_topics_clear (BusTopics *topics);

/* The topic's counter, made when there is none; the shared one beyond the bound. Transfer none. */
BusTopic *bus_topics_place (BusTopics *topics, BusKey key);
void bus_topic_set_type (BusTopic *topic, WireSpan type_name);

/* Where in order the first topic after that number's stands; 0: the beginning. */
guint bus_topics_after (const BusTopics *topics, guint32 number);

/* An accepted message. @place remembers the counter of @key. */
static inline void
bus_topics_count (BusTopics *topics, BusTopic **place, BusKey key, const WireEnvelope *envelope, gint64 now_us)
{
  BusTopic *topic = *place;

  if (topic == NULL)
    *place = topic = bus_topics_place (topics, key);
  topic->messages++;
  topic->bytes += envelope->payload.len;
  topic->last_us = now_us;
  if (!wire_span_equal (envelope->type_name, wire_span (topic->type_name, topic->type_len)))
    bus_topic_set_type (topic, envelope->type_name);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "index/bus-topics.h"

#include "base/bus-text.h"

void
bus_topics_init (BusTopics *topics, guint64 max)
{
  bus_table_init (&topics->table);
  topics->order = g_ptr_array_new ();
  topics->is_sorted = TRUE;
  topics->max = (guint32) max; /* at most 65536 */
  topics->slots = g_new0 (BusTopic, max + 1);
  topics->slots[0].generation = 1; /* so a zeroed place does not match it */
}

void
bus_topics_clear (BusTopics *topics)
{
  guint n = bus_table_size (&topics->table);

  for (guint slot = 1; slot <= n; slot++)
    g_free (topics->slots[slot].name);
  g_clear_pointer (&topics->order, g_ptr_array_unref);
  bus_table_clear (&topics->table);
  g_clear_pointer (&topics->slots, g_free);
}

/* Removes a topic from its slot: adds its messages to `unseen`. */
static void
topics_forget_oldest (BusTopics *topics, BusTopic *topic)
{
  topics->unseen += topic->messages;
  bus_table_remove (&topics->table, topic->key.hash, topic);
}

/* Selects one in BUS_TOPICS_SHARE calls. The steps of a Weyl sequence with the golden ratio are spread evenly, and no period of the
 * calls always hits the same ones (H. Weyl, "Ueber die Gleichverteilung von Zahlen mod. Eins", 1916). */
static gboolean
topics_select_further (BusTopics *topics)
{
  topics->further += 2654435769u; /* 2^32 divided by the golden ratio */
  return topics->further < G_MAXUINT32 / BUS_TOPICS_SHARE;
}

static gboolean
topics_may_displace (BusTopics *topics, gint64 now_us)
{
  if (topics->displaced_us != now_us)
    {
      topics->displaced_us = now_us;
      topics->n_displaced = 0;
    }
  return topics->n_displaced < BUS_TOPICS_DISPLACED || topics_select_further (topics);
}

/* A slot that is free, or that is taken from another topic. The loop ends: each step but the last removes a mark, so the hand
 * makes at most one round and one step. Each mark was made by a message, so the steps are at most as many as the messages. NULL:
 * others were displaced at @now_us, and this topic is not selected. */
static BusTopic *
topics_take_slot (BusTopics *topics, gint64 now_us)
{
  guint n = bus_table_size (&topics->table);
  BusTopic *topic;

  if (n < topics->max)
    return &topics->slots[n + 1];
  if (!topics_may_displace (topics, now_us))
    return NULL;
  topics->n_displaced++;
  for (;;)
    {
      topics->hand = topics->hand % topics->max + 1;
      topic = &topics->slots[topics->hand];
      if (!topic->is_recent)
        break;
      topic->is_recent = FALSE;
    }
  topics_forget_oldest (topics, topic);
  return topic;
}

static void
topics_set_name (BusTopic *topic, BusKey key)
{
  if (topic->name_room < key.text.len)
    {
      topic->name = g_realloc (topic->name, key.text.len); /* a valid topic, so short */
      topic->name_room = key.text.len;
    }
  memcpy (topic->name, key.text.data, key.text.len);
  topic->key = (BusKey){ key.hash, wire_span (topic->name, key.text.len) };
}

BusTopic *
bus_topics_find (const BusTopics *topics, BusKey key)
{
  guint at;
  BusTopic *topic = bus_table_first (&topics->table, key.hash, &at);

  while (topic != NULL && !wire_span_equal (topic->key.text, key.text))
    topic = bus_table_next (&topics->table, key.hash, &at);
  return topic;
}

BusTopic *
bus_topics_place (BusTopics *topics, BusKey key, gint64 now_us)
{
  BusTopic *topic = bus_topics_find (topics, key);

  if (topic != NULL)
    return topic;
  topic = topics_take_slot (topics, now_us);
  if (topic == NULL)
    return NULL;
  topic->generation++;
  topic->messages = topic->bytes = 0;
  topic->last_us = 0;
  topic->is_recent = FALSE;
  topic->type_len = 0;
  topics_set_name (topic, key);
  bus_table_add (&topics->table, key.hash, topic);
  topics->is_sorted = FALSE;
  return topic;
}

BusTopic *
bus_topics_find_place (BusTopics *topics, BusTopicPlace *place, BusKey key, gint64 now_us)
{
  BusTopic *topic = bus_topics_place (topics, key, now_us);

  *place = topic != NULL ? (BusTopicPlace){ topic->generation, (guint32) (topic - topics->slots) }
                         : (BusTopicPlace){ 0, 0 };
  return topic;
}

void
bus_topic_set_type (BusTopic *topic, WireSpan type_name)
{
  WireSpan cut = bus_text_cut (type_name, BUS_TOPIC_TYPE_MAX);

  if (cut.len > 0)
    memcpy (topic->type_name, cut.data, cut.len);
  topic->type_len = (guint8) cut.len;
}

/* --- by name --- */

static gint
topics_compare (gconstpointer a, gconstpointer b)
{
  const BusTopic *const *first = a;
  const BusTopic *const *second = b;

  return bus_key_compare_text ((*first)->key.text, (*second)->key.text);
}

const GPtrArray *
bus_topics_by_name (BusTopics *topics)
{
  guint n = bus_table_size (&topics->table);

  if (topics->is_sorted)
    return topics->order;
  g_ptr_array_set_size (topics->order, 0);
  for (guint slot = 1; slot <= n; slot++)
    g_ptr_array_add (topics->order, &topics->slots[slot]);
  g_ptr_array_sort (topics->order, topics_compare);
  topics->is_sorted = TRUE;
  return topics->order;
}

guint
bus_topics_after (BusTopics *topics, WireSpan name)
{
  const GPtrArray *order = bus_topics_by_name (topics);
  guint first = 0;
  guint end = order->len;

  while (first < end)
    {
      guint middle = first + (end - first) / 2;

      if (bus_key_compare_text (((const BusTopic *) g_ptr_array_index (order, middle))->key.text, name) <= 0)
        first = middle + 1;
      else
        end = middle;
    }
  return first;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "index/bus-topics.h"

#include "base/bus-text.h"

void
bus_topics_init (BusTopics *topics, guint64 max)
{
  topics->table = g_hash_table_new (bus_key_hash, bus_key_equal);
  topics->order = g_sequence_new (NULL);
  topics->max = (guint32) max; /* at most 65536 */
  topics->slots = g_new0 (BusTopic, max + 1);
  topics->slots[0].generation = 1; /* a zeroed place is not its */
}

static void
topics_free_name (BusTopic *topic)
{
  g_free ((gpointer) (gsize) topic->key.text.data);
}

void
bus_topics_clear (BusTopics *topics)
{
  guint n = g_hash_table_size (topics->table);

  for (guint slot = 1; slot <= n; slot++)
    topics_free_name (&topics->slots[slot]);
  g_clear_pointer (&topics->order, g_sequence_free);
  g_clear_pointer (&topics->table, g_hash_table_unref);
  g_clear_pointer (&topics->slots, g_free);
}

static int
topics_compare (gconstpointer a, gconstpointer b, G_GNUC_UNUSED gpointer data)
{
  return bus_key_compare_text (((const BusTopic *) a)->key.text, ((const BusTopic *) b)->key.text);
}

/* Takes the slot from its topic. */
static void
topics_forget_oldest (BusTopics *topics, BusTopic *topic)
{
  topics->unseen += topic->messages;
  g_hash_table_remove (topics->table, &topic->key);
  g_sequence_remove (topic->at);
  topics_free_name (topic);
}

/* A slot that is free, or gets free. The hand goes round at most once more than it finds marks, and each mark was
 * made by a message. */
static BusTopic *
topics_take_slot (BusTopics *topics)
{
  guint n = g_hash_table_size (topics->table);
  BusTopic *topic;

  if (n < topics->max)
    return &topics->slots[n + 1];
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

BusTopic *
bus_topics_place (BusTopics *topics, BusKey key)
{
  BusTopic *topic = g_hash_table_lookup (topics->table, &key);

  if (topic != NULL)
    return topic;
  topic = topics_take_slot (topics);
  *topic = (BusTopic){ .generation = topic->generation + 1,
                       .key = { key.hash, wire_span (g_memdup2 (key.text.data, key.text.len), key.text.len) } };
  g_hash_table_insert (topics->table, &topic->key, topic);
  topic->at = g_sequence_insert_sorted (topics->order, topic, topics_compare, NULL);
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

GSequenceIter *
bus_topics_after (const BusTopics *topics, WireSpan name)
{
  BusTopic like = { .key = { 0, name } };

  return g_sequence_search (topics->order, &like, topics_compare, NULL); /* behind an equal one */
}

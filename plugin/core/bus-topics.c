/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-topics.h"

void
bus_topics_init (BusTopics *topics, guint64 max)
{
  topics->table = g_hash_table_new_full (bus_key_hash, bus_key_equal, NULL, g_free);
  topics->by_number = g_ptr_array_new ();
  topics->order = g_ptr_array_new ();
  topics->max = max;
}

void
bus_topics_clear (BusTopics *topics)
{
  g_clear_pointer (&topics->order, g_ptr_array_unref);
  g_clear_pointer (&topics->by_number, g_ptr_array_unref);
  g_clear_pointer (&topics->table, g_hash_table_unref);
}

/* Where the first topic stands that is not before @text. */
static guint
find (const BusTopics *topics, WireSpan text)
{
  guint low = 0;
  guint high = topics->order->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      const BusTopic *topic = g_ptr_array_index (topics->order, middle);

      if (bus_key_compare_text (topic->key.text, text) < 0)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

BusTopic *
bus_topics_place (BusTopics *topics, BusKey key)
{
  BusTopic *topic = g_hash_table_lookup (topics->table, &key);
  guint8 *copy;

  if (topic != NULL)
    return topic;
  if (g_hash_table_size (topics->table) >= topics->max)
    return &topics->rest;
  topic = g_malloc0 (sizeof (BusTopic) + key.text.len); /* a topic is at most 512 bytes */
  copy = (guint8 *) (topic + 1);
  memcpy (copy, key.text.data, key.text.len);
  topic->key = (BusKey){ key.hash, wire_span (copy, key.text.len) };
  g_hash_table_insert (topics->table, &topic->key, topic);
  g_ptr_array_add (topics->by_number, topic);
  topic->number = topics->by_number->len;
  g_ptr_array_insert (topics->order, (gint) find (topics, key.text), topic);
  return topic;
}

void
bus_topic_set_type (BusTopic *topic, WireSpan type_name)
{
  gsize len = MIN (type_name.len, BUS_TOPIC_TYPE_MAX);

  /* Not within a character: what is told is UTF-8. */
  while (len > 0 && len < type_name.len && (type_name.data[len] & 0xc0) == 0x80)
    len--;
  if (len > 0)
    memcpy (topic->type_name, type_name.data, len);
  topic->type_len = (guint8) len;
}

guint
bus_topics_after (const BusTopics *topics, guint32 number)
{
  const BusTopic *topic;

  if (number == 0)
    return 0;
  g_assert (number <= topics->by_number->len);
  topic = g_ptr_array_index (topics->by_number, number - 1);
  return find (topics, topic->key.text) + 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "index/bus-topics.h"

/* Counters of topics: a bounded table whose sums include every message. test-bus-topics.c tests it from the view of clients. */

#define SEED 42u

typedef struct
{
  BusTopics topics;
  gint64 now_us;
} Fixture;

static void
setup (Fixture *f, gconstpointer max)
{
  bus_topics_init (&f->topics, GPOINTER_TO_UINT (max));
  f->now_us = 1000;
}

static void
teardown (Fixture *f, gconstpointer data)
{
  bus_topics_clear (&f->topics);
}

/* Counts a message at the time of the last one. */
static void
count_now (Fixture *f, BusTopicPlace *place, const char *topic, const char *payload)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.payload = wire_span_str (payload);
  bus_topics_count (&f->topics, place, bus_key (SEED, wire_span_str (topic)), &envelope, f->now_us);
}

static void
count_at (Fixture *f, BusTopicPlace *place, const char *topic, const char *payload)
{
  f->now_us++;
  count_now (f, place, topic, payload);
}

static void
count (Fixture *f, const char *topic)
{
  BusTopicPlace place = { 0, 0 };

  count_at (f, &place, topic, "payload");
}

/* Returns the number of messages in all kept topics and in the sum of the others. */
static guint64
all_messages (Fixture *f)
{
  const GPtrArray *order = bus_topics_by_name (&f->topics);
  guint64 sum = f->topics.unseen;

  for (guint i = 0; i < order->len; i++)
    sum += ((const BusTopic *) g_ptr_array_index (order, i))->messages;
  return sum;
}

static const BusTopic *
kept (Fixture *f, const char *name)
{
  BusKey key = bus_key (SEED, wire_span_str (name));

  return bus_topics_find (&f->topics, key);
}

static void
test_counts (Fixture *f, gconstpointer data)
{
  BusTopicPlace place = { 0, 0 };
  const BusTopic *topic;

  count_at (f, &place, "a.b", "four");
  count_at (f, &place, "a.b", "sixsix");
  topic = kept (f, "a.b");
  g_assert_nonnull (topic);
  g_assert_cmpuint (topic->messages, ==, 2);
  g_assert_cmpuint (topic->bytes, ==, 10);
  g_assert_cmpint (topic->last_us, ==, f->now_us);
  g_assert_true (&f->topics.slots[place.slot] == topic);
  g_assert_cmpuint (place.generation, ==, topic->generation);
  count (f, "a.b"); /* without the cached place, the same counter is found */
  g_assert_cmpuint (topic->messages, ==, 3);
  g_assert_cmpuint (bus_topics_by_name (&f->topics)->len, ==, 1);
}

/* A cached place does not count for another topic that has reused its slot. */
static void
test_stale_place (Fixture *f, gconstpointer data)
{
  BusTopicPlace place = { 0, 0 };

  count_at (f, &place, "old", "x");
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *name = g_strdup_printf ("new.%u", i);

      count (f, name);
    }
  g_assert_null (kept (f, "old"));
  count_at (f, &place, "old", "x");
  g_assert_nonnull (kept (f, "old"));
  g_assert_cmpuint (kept (f, "old")->messages, ==, 1);
  g_assert_cmpuint (all_messages (f), ==, 6);
}

/* Topics with one message each replace each other; a topic that is counted repeatedly stays, and the sums include every
 * message. */
static void
test_flood (Fixture *f, gconstpointer data)
{
  guint64 n = 0;

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *once = g_strdup_printf ("once.%u", i);

      count (f, "often");
      count (f, once);
      n += 2;
      g_assert_cmpuint (bus_table_size (&f->topics.table), <=, 4);
      g_assert_cmpuint (all_messages (f), ==, n);
    }
  g_assert_cmpuint (kept (f, "often")->messages, ==, 1000);
  g_assert_cmpuint (bus_table_size (&f->topics.table), ==, 4);
  g_assert_cmpuint (bus_topics_by_name (&f->topics)->len, ==, 4);
}

/* A topic that returns starts at zero; its earlier messages stay in the sum. */
static void
test_returning_topic_starts_at_zero (Fixture *f, gconstpointer data)
{
  count (f, "one");
  count (f, "two");
  g_assert_null (kept (f, "one"));
  count (f, "one");
  g_assert_cmpuint (kept (f, "one")->messages, ==, 1);
  g_assert_cmpuint (f->topics.unseen, ==, 2);
}

/* The number of topics prefix.0, prefix.1 and so on, below @n, that have a counter. */
static guint
count_kept (Fixture *f, const char *prefix, guint n)
{
  guint kept_topics = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s.%u", prefix, i);

      kept_topics += kept (f, name) != NULL;
    }
  return kept_topics;
}

static void
count_many_now (Fixture *f, const char *prefix, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s.%u", prefix, i);
      BusTopicPlace place = { 0, 0 };

      count_now (f, &place, name, "x");
    }
}

/* At one time only some new topics displace others; the sums include the messages of the rest. A topic with a counter is counted
 * as before, and later times allow further topics to displace others. */
static void
test_displaced_at_one_time (Fixture *f, gconstpointer data)
{
  BusTopicPlace stale = { 0, 0 };
  BusTopicPlace place = { 0, 0 };

  f->now_us = 1;
  count_now (f, &stale, "first", "x");
  count_many_now (f, "old", 63); /* all slots are taken now */
  count_many_now (f, "new", 40);
  g_assert_cmpuint (count_kept (f, "new", 40), >=, BUS_TOPICS_DISPLACED);
  g_assert_cmpuint (count_kept (f, "new", 40), <=, BUS_TOPICS_DISPLACED + 4);
  g_assert_cmpuint (f->topics.unseen, ==, 40);
  g_assert_null (kept (f, "first"));
  count_now (f, &stale, "first", "x"); /* it has lost its counter, and gets none at this time */
  g_assert_null (kept (f, "first"));
  g_assert_cmpuint (f->topics.unseen, ==, 41);
  count_now (f, &place, "new.0", "x");
  g_assert_cmpuint (kept (f, "new.0")->messages, ==, 2);
  f->now_us++;
  count_now (f, &stale, "first", "x");
  g_assert_cmpuint (kept (f, "first")->messages, ==, 1);
  count_many_now (f, "newer", 40);
  g_assert_cmpuint (count_kept (f, "newer", 40), >=, BUS_TOPICS_DISPLACED - 1);
  g_assert_cmpuint (count_kept (f, "newer", 40), <=, BUS_TOPICS_DISPLACED + 3);
  g_assert_cmpuint (bus_table_size (&f->topics.table), ==, 64);
  g_assert_cmpuint (all_messages (f), ==, 1 + 63 + 40 + 1 + 1 + 1 + 40);
}

/* A topic that is always the last one of a batch gets a counter as well. */
static void
test_last_of_a_batch (Fixture *f, gconstpointer data)
{
  guint had_counter = 0;

  for (f->now_us = 1; f->now_us <= 320; f->now_us++)
    {
      BusTopicPlace place = { 0, 0 };

      count_many_now (f, "batch", 159);
      count_now (f, &place, "summary", "x");
      had_counter += kept (f, "summary") != NULL;
      g_assert_cmpuint (all_messages (f), ==, (guint64) f->now_us * 160);
    }
  g_assert_cmpuint (had_counter, >, 0);
}

static const char *
name_after (Fixture *f, const char *name, char *out, gsize size)
{
  const GPtrArray *order = bus_topics_by_name (&f->topics);
  guint at = bus_topics_after (&f->topics, wire_span_str (name));
  const BusTopic *topic;

  if (at == order->len)
    return NULL;
  topic = g_ptr_array_index (order, at);
  g_strlcpy (out, (const char *) topic->key.text.data, MIN (size, topic->key.text.len + 1));
  return out;
}

static void
test_after (Fixture *f, gconstpointer data)
{
  char name[32];

  g_assert_null (name_after (f, "", name, sizeof name));
  count (f, "b");
  count (f, "a.b");
  count (f, "a");
  count (f, "b.a");
  g_assert_cmpstr (name_after (f, "", name, sizeof name), ==, "a");
  g_assert_cmpstr (name_after (f, "a", name, sizeof name), ==, "a.b");
  g_assert_cmpstr (name_after (f, "a.a", name, sizeof name), ==, "a.b"); /* "a.a" itself is not kept */
  g_assert_cmpstr (name_after (f, "a.b", name, sizeof name), ==, "b");
  g_assert_null (name_after (f, "b.a", name, sizeof name));
}

/* The order stays correct when topics are added and replaced, also while they are being listed. */
static void
test_order_changes (Fixture *f, gconstpointer data)
{
  char last[32] = "";

  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *name = g_strdup_printf ("t.%u", i * 7919 % 1000);
      const GPtrArray *order;

      count (f, name);
      if (i % 3 == 0)
        continue;
      order = bus_topics_by_name (&f->topics);
      g_assert_cmpuint (order->len, ==, bus_table_size (&f->topics.table));
      g_assert_nonnull (name_after (f, "", last, sizeof last));
      for (guint k = 1; k < order->len; k++)
        {
          char next[32];

          g_assert_true (kept (f, last) == g_ptr_array_index (order, k - 1));
          g_assert_nonnull (name_after (f, last, next, sizeof next));
          g_assert_cmpstr (last, <, next);
          g_strlcpy (last, next, sizeof last);
        }
      g_assert_null (name_after (f, last, last, sizeof last));
    }
}

/* A topic has the type of its last payload, cut between characters. */
static void
test_type (Fixture *f, gconstpointer data)
{
  g_autofree char *text = g_strnfill (BUS_TOPIC_TYPE_MAX - 1, 't');
  g_autofree char *too_long = g_strconcat (text, "\xc3\xa9", NULL);
  BusTopicPlace place = { 0, 0 };
  BusTopic *topic = bus_topics_place (&f->topics, bus_key (SEED, wire_span_str ("a")), 1);
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.type_name = wire_span_str ("first.Type");
  bus_topics_count (&f->topics, &place, topic->key, &envelope, 1);
  g_assert_cmpmem (topic->type_name, topic->type_len, "first.Type", 10);
  envelope.type_name = wire_span_str (too_long);
  bus_topics_count (&f->topics, &place, topic->key, &envelope, 2);
  g_assert_cmpmem (topic->type_name, topic->type_len, text, BUS_TOPIC_TYPE_MAX - 1);
  envelope.type_name = wire_span (NULL, 0);
  bus_topics_count (&f->topics, &place, topic->key, &envelope, 3);
  g_assert_cmpuint (topic->type_len, ==, 0);
}

/* The table keeps a copy of the name. */
static void
test_name_is_copied (Fixture *f, gconstpointer data)
{
  char name[] = "mine";
  BusTopic *topic = bus_topics_place (&f->topics, bus_key (SEED, wire_span_str (name)), 1);

  memset (name, 'x', strlen (name));
  g_assert_cmpmem (topic->key.text.data, topic->key.text.len, "mine", 4);
  g_assert_true (kept (f, "mine") == topic);
}

#define ADD(path, max, function) g_test_add (path, Fixture, GUINT_TO_POINTER (max), setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/topics/counts", 4, test_counts);
  ADD ("/core/topics/stale-place", 4, test_stale_place);
  ADD ("/core/topics/M23-flood", 4, test_flood);
  ADD ("/core/topics/M23-displaced-at-one-time", 64, test_displaced_at_one_time);
  ADD ("/core/topics/M23-last-of-a-batch", 64, test_last_of_a_batch);
  ADD ("/core/topics/returning-topic-starts-at-zero", 1, test_returning_topic_starts_at_zero);
  ADD ("/core/topics/after", 8, test_after);
  ADD ("/core/topics/order-changes", 8, test_order_changes);
  ADD ("/core/topics/type", 2, test_type);
  ADD ("/core/topics/name-is-copied", 2, test_name_is_copied);
  return g_test_run ();
}

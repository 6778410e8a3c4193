/* SPDX-License-Identifier: Apache-2.0 */
#include "index-fixture.h"

#include "wire-topic.h"

/* The index against the oracle: every pattern and every topic of a small alphabet, and the shared vectors. */

static gboolean
naive_is_topic (char *const *split)
{
  for (guint i = 0; split[i] != NULL; i++)
    if (g_str_equal (split[i], "#") || g_str_equal (split[i], "+"))
      return FALSE;
  return oracle_is_pattern (split);
}

static guint
levels_to_try (void)
{
  return g_test_thorough () ? 8 : 5;
}

static void
test_random_against_a_linear_search (void)
{
  g_autoptr (GPtrArray) patterns = oracle_good_patterns (levels_to_try ());
  g_autoptr (GPtrArray) topics = oracle_topics (levels_to_try ());
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (IndexEntry));
  BusIndex *index = bus_index_new (1);

  for (guint i = 0; i < patterns->len; i++)
    index_add_entry (index, entries, oracle_line (patterns, i), GUINT_TO_POINTER (i + 1));
  g_assert_cmpuint (bus_index_size (index), ==, patterns->len);
  for (guint i = 0; i < topics->len; i++)
    index_assert_matches (index, entries, oracle_line (topics, i));
  index_remove_all (index, entries);
  bus_index_free (index);
}

/* The same pairs with only one pattern filed at a time, so that no result can be caused by another pattern. */
static void
test_random_against_a_linear_search_one_by_one (void)
{
  g_autoptr (GPtrArray) patterns = oracle_good_patterns (5);
  g_autoptr (GPtrArray) topics = oracle_topics (5);
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (IndexEntry));
  BusIndex *index = bus_index_new (2);

  for (guint i = 0; i < patterns->len; i++)
    {
      index_add_entry (index, entries, oracle_line (patterns, i), GUINT_TO_POINTER (i + 1));
      for (guint k = 0; k < topics->len; k++)
        index_assert_matches (index, entries, oracle_line (topics, k));
      index_remove_all (index, entries);
    }
  bus_index_free (index);
}

/* Of all enumerated texts, the grammar accepts exactly the patterns that the other tests file. */
static void
test_bad_patterns (void)
{
  static const char *const first[] = { "events", "system", "+", "#", "*", "", "a+" };
  static const char *const letters[] = { "a", "b", "+", "#", "*", "", "a#" };
  g_autoptr (GPtrArray) lines = oracle_enumerate (first, letters, G_N_ELEMENTS (letters), 5);
  WireTopicLimits limits = WIRE_TOPIC_LIMITS_DEFAULT;
  guint good = 0;

  for (guint i = 0; i < lines->len; i++)
    {
      const OracleLine *line = oracle_line (lines, i);
      gboolean is_pattern = oracle_is_pattern (line->split);
      gboolean is_topic = naive_is_topic (line->split);
      WireTopicCheck pattern = wire_pattern_check (wire_span_str (line->text), &limits);
      WireTopicCheck topic = wire_topic_check (wire_span_str (line->text), &limits);

      if ((pattern.status == WIRE_STATUS_OK) != is_pattern || (topic.status == WIRE_STATUS_OK) != is_topic)
        g_test_message ("'%s' is judged wrongly", line->text);
      g_assert_cmpint (pattern.status, ==, is_pattern ? WIRE_STATUS_OK : WIRE_STATUS_BAD_PATTERN);
      g_assert_cmpint (topic.status, ==, is_topic ? WIRE_STATUS_OK : WIRE_STATUS_BAD_TOPIC);
      if (is_pattern)
        g_assert_cmpint (pattern.wildcard, ==, !is_topic);
      good += is_pattern ? 1 : 0;
    }
  g_assert_cmpuint (good, ==, 4 * (1 + 3 + 9 + 27 + 81));
}

static void
test_vectors (void)
{
  static const struct
  {
    const char *pattern;
    const char *topic;
    gboolean matches;
  } vectors[] = {
    { "events.#", "events", TRUE },
    { "events.#", "events.process", TRUE },
    { "events.#", "events.process.new", TRUE },
    { "events.process.new.#", "events.process.new", TRUE },
    { "events.process.new.#", "events.process", FALSE },
    { "events.+", "events", FALSE },
    { "events.+", "events.a", TRUE },
    { "events.+", "events.a.b", FALSE },
    { "events.+.#", "events", FALSE },
    { "events.+.#", "events.a", TRUE },
    { "events.+.#", "events.a.b.c", TRUE },
    { "events.process.new", "events.process.new", TRUE },
    { "events.process.new", "events.process.newer", FALSE },
    { "events.process.new", "events.process", FALSE },
    { "events.+.new", "events.process.new", TRUE },
    { "events.+.new", "events.process.old", FALSE },
    { "+.process", "events.process", TRUE },
    { "#", "events", TRUE },
    { "#", "control.bus.stats", TRUE },
    { "#", "system", FALSE },
    { "#", "system.peer", FALSE },
    { "+", "system", FALSE },
    { "+", "health", TRUE },
    { "+.peer", "system.peer", FALSE },
    { "+.#", "system.peer", FALSE },
    { "system.#", "system", TRUE },
    { "system.#", "system.peer.joined", TRUE },
    { "system.+", "system.peer", TRUE },
    { "system.peer", "system.peer", TRUE },
    { "events.#", "events.system", TRUE },
    { "events.+", "events.system", TRUE },
    { "events.pro", "events.process", FALSE },
    { "events.process", "events.pro", FALSE },
    { "events.ab.c", "events.a.bc", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      g_autoptr (GPtrArray) items = g_ptr_array_new ();
      BusIndex *index = bus_index_new (i);
      BusFiled filed = { .entry = NULL };

      bus_index_add (index, wire_span_str (vectors[i].pattern), &items, &filed, &items);
      bus_index_match (index, wire_span_str (vectors[i].topic), items);
      if ((items->len == 1) != vectors[i].matches)
        g_test_message ("%s with %s", vectors[i].pattern, vectors[i].topic);
      g_assert_cmpuint (items->len, ==, vectors[i].matches ? 1 : 0);
      bus_index_remove (index, &filed);
      bus_index_free (index);
    }
}

static void
test_vectors_bad (void)
{
  static const char *const topics[]
      = { "Events.a", "events..a", ".events", "events.", "", "events.a+", "events.+", "#", "systemx.y" };
  static const char *const patterns[] = { "events.#.a", "events.*.a", "events.a+", "events.a#", "systemx.#", "" };
  WireTopicLimits limits = WIRE_TOPIC_LIMITS_DEFAULT;

  for (guint i = 0; i < G_N_ELEMENTS (topics); i++)
    g_assert_cmpint (wire_topic_check (wire_span_str (topics[i]), &limits).status, ==, WIRE_STATUS_BAD_TOPIC);
  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    g_assert_cmpint (wire_pattern_check (wire_span_str (patterns[i]), &limits).status, ==, WIRE_STATUS_BAD_PATTERN);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/index/T07-random-against-a-linear-search", test_random_against_a_linear_search);
  g_test_add_func ("/core/index/T07-random-against-a-linear-search-one-by-one",
                   test_random_against_a_linear_search_one_by_one);
  g_test_add_func ("/core/index/T07-bad-patterns", test_bad_patterns);
  g_test_add_func ("/core/index/M03-vectors", test_vectors);
  g_test_add_func ("/core/index/M03-vectors-bad", test_vectors_bad);
  return g_test_run ();
}

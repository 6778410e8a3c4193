/* SPDX-License-Identifier: Apache-2.0 */
#include "index-fixture.h"

#include "index/bus-trie.h"

/* Many patterns: in random order, in copies, the memory of unused nodes, and patterns that are chosen to be slow. */

/* Adds and removes patterns at random; each result is compared with a search over all filed patterns. */
static void
test_random (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  g_autoptr (GPtrArray) patterns = oracle_good_patterns (3);
  g_autoptr (GPtrArray) topics = oracle_topics (4);
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (IndexEntry));
  BusIndex *index = bus_index_new (3);

  for (guint step = 0; step < 20000; step++)
    {
      const OracleLine *pattern = oracle_line (patterns, (guint) g_rand_int_range (rand, 0, (gint) patterns->len));
      gpointer item = GINT_TO_POINTER (g_rand_int_range (rand, 1, 6));
      gboolean is_growing = step / 2000 % 2 == 0; /* in turns, so that the trie fills and empties */
      guint found = 0;

      while (found < entries->len
             && (g_array_index (entries, IndexEntry, found).pattern != pattern
                 || g_array_index (entries, IndexEntry, found).item != item))
        found++;
      if (found == entries->len && g_rand_int_range (rand, 0, 100) < (is_growing ? 90 : 10))
        {
          index_add_entry (index, entries, pattern, item);
        }
      else
        {
          if (found < entries->len)
            index_remove_entry (index, entries, found);
        }
      g_assert_cmpuint (bus_index_size (index), ==, entries->len);
      index_assert_matches (index, entries,
                            oracle_line (topics, (guint) g_rand_int_range (rand, 0, (gint) topics->len)));
    }
  index_remove_all (index, entries);
  bus_index_free (index);
}

/* The index copies a pattern: the caller's bytes may be freed after adding, and removing needs none. */
static void
test_copies (void)
{
  static const char *const patterns[] = { "events.process.new", "events.+.new", "events.process.#" };
  g_autoptr (GPtrArray) items = g_ptr_array_new ();
  BusFiled filed[G_N_ELEMENTS (patterns)] = { { .entry = NULL } };
  BusIndex *index = bus_index_new (4);

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    {
      g_autofree char *text = g_strdup (patterns[i]);

      bus_index_add (index, wire_span_str (text), items, &filed[i], items);
      memset (text, 'x', strlen (text));
    }
  bus_index_match (index, WIRE_SPAN_LITERAL ("events.process.new"), items);
  g_assert_cmpuint (items->len, ==, G_N_ELEMENTS (patterns));
  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    bus_index_remove (index, &filed[i]);
  bus_index_free (index);
}

static BusPlace *
add_place (BusTrie *trie, const char *pattern)
{
  BusPlace *place = bus_trie_reach (trie, wire_span_str (pattern));

  g_queue_push_tail (&place->filed, trie);
  return place;
}

static void
drop (BusTrie *trie, const char *pattern)
{
  BusPlace *place = bus_trie_find (trie, wire_span_str (pattern));

  g_assert_nonnull (place);
  g_assert_nonnull (g_queue_pop_head (&place->filed));
  bus_trie_prune (trie, place);
}

static void
test_nodes_freed_with_the_last_pattern (void)
{
  BusTrie *trie = bus_trie_new (5);

  add_place (trie, "events.process.+.a");
  g_assert_cmpuint (bus_trie_size (trie), ==, 4);
  add_place (trie, "events.process.#");
  g_assert_cmpuint (bus_trie_size (trie), ==, 4);
  add_place (trie, "events.process.+.b");
  g_assert_cmpuint (bus_trie_size (trie), ==, 5);
  add_place (trie, "#");
  g_assert_cmpuint (bus_trie_size (trie), ==, 5);
  g_assert_true (add_place (trie, "events.process.+.b")
                 == bus_trie_find (trie, WIRE_SPAN_LITERAL ("events.process.+.b")));

  drop (trie, "events.process.+.b");
  g_assert_cmpuint (bus_trie_size (trie), ==, 5);
  drop (trie, "events.process.+.b");
  g_assert_cmpuint (bus_trie_size (trie), ==, 4);
  g_assert_null (bus_trie_find (trie, WIRE_SPAN_LITERAL ("events.process.+.b")));
  drop (trie, "events.process.+.a");
  g_assert_cmpuint (bus_trie_size (trie), ==, 2);
  drop (trie, "events.process.#");
  g_assert_cmpuint (bus_trie_size (trie), ==, 0);
  drop (trie, "#");
  bus_trie_free (trie);
}

/* 10^5 subscriptions with many alternatives at each level: {events,+}.{a,+}... of 16 segments, or of 15 and a #. */
static void
test_pathological (void)
{
  enum
  {
    LEVELS = 16
  };
  g_autoptr (GPtrArray) patterns = oracle_lines_new ();
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (IndexEntry));
  g_autoptr (GString) text = g_string_new (NULL);
  BusIndex *index = bus_index_new (6);

  for (guint i = 0; i < 100000; i++)
    {
      gboolean whole = i < 1u << LEVELS;

      g_string_assign (text, (i & 1) != 0 ? "+" : "events");
      for (guint k = 1; k < (whole ? LEVELS : LEVELS - 1u); k++)
        g_string_append (text, (i >> k & 1) != 0 ? ".+" : ".a");
      if (i >= (1u << LEVELS) + (1u << (LEVELS - 1)))
        g_string_append_printf (text, ".x%u", i); /* these match no topic, but add nodes */
      else if (!whole)
        g_string_append (text, ".#");
      oracle_lines_add (patterns, text->str);
    }
  for (guint i = 0; i < patterns->len; i++)
    index_add_entry (index, entries, oracle_line (patterns, i), GUINT_TO_POINTER (i + 1));

  for (guint other = 0; other <= LEVELS; other++)
    {
      g_autoptr (GPtrArray) topic = oracle_lines_new ();

      g_string_assign (text, other == 0 ? "health" : "events");
      for (guint k = 1; k < LEVELS; k++)
        g_string_append (text, k == other ? ".b" : ".a");
      oracle_lines_add (topic, text->str);
      index_assert_matches (index, entries, oracle_line (topic, 0));
    }
  index_remove_all (index, entries);
  bus_index_free (index);
}

/* 10^5 subscriptions to one pattern, of a hundred owners or of 10^5, are removed, latest first and then at random. Removing one
 * does not search the others. */
static void
test_100000_of_one_pattern (void)
{
  static const struct
  {
    const char *pattern;
    guint n_owners;
  } subscribers[]
      = { { "events.a.b", 100 }, { "events.+.b", 100 }, { "events.a.b", 100000 }, { "events.+.b", 100000 } };
  const guint n = 100000;
  g_autoptr (GRand) rand = g_rand_new_with_seed (8);
  g_autofree guint *order = g_new (guint, n);
  g_autofree BusFiled *filed = g_new0 (BusFiled, n);
  BusIndex *index = bus_index_new (7);

  for (guint k = 0; k < G_N_ELEMENTS (subscribers); k++)
    {
      g_autoptr (GPtrArray) found = g_ptr_array_new ();
      g_autoptr (GPtrArray) items = g_ptr_array_new ();

      for (guint i = 0; i < n; i++)
        {
          bus_index_add (index, wire_span_str (subscribers[k].pattern), order + i % subscribers[k].n_owners, &filed[i],
                         GUINT_TO_POINTER (i + 1));
          order[i] = i;
        }
      bus_index_match (index, WIRE_SPAN_LITERAL ("events.a.b"), found);
      g_assert_cmpuint (found->len, ==, subscribers[k].n_owners);
      g_assert_cmpuint (bus_index_count_entries (index), ==, subscribers[k].n_owners);
      bus_index_append_items (items, found);
      g_assert_cmpuint (items->len, ==, n);
      for (guint i = 0; i < n; i++)
        g_assert_true (g_ptr_array_index (items, i) == GUINT_TO_POINTER (i + 1));

      for (guint i = n / 2; i > 1; i--)
        {
          guint other = (guint) g_rand_int_range (rand, 0, (gint) i);
          guint kept = order[i - 1];

          order[i - 1] = order[other];
          order[other] = kept;
        }
      for (guint i = n; i > 0; i--)
        bus_index_remove (index, &filed[order[i - 1]]);
      g_assert_cmpuint (bus_index_size (index), ==, 0);
    }
  bus_index_free (index);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/index/random", test_random);
  g_test_add_func ("/core/index/copies", test_copies);
  g_test_add_func ("/core/index/nodes-freed-with-the-last-pattern", test_nodes_freed_with_the_last_pattern);
  g_test_add_func ("/core/index/T06-pathological", test_pathological);
  g_test_add_func ("/core/index/T06-100000-of-one-pattern", test_100000_of_one_pattern);
  return g_test_run ();
}

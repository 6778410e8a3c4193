/* SPDX-License-Identifier: Apache-2.0 */
#include "index/bus-trie.h"

/*
 * The trie of patterns: nodes exist only for filed patterns, and a walk finds each matching place once. test-index.c compares
 * the results of the walk with those of a naive matcher.
 */

#define SEED 42u

static BusPlace *
add_place (BusTrie *trie, const char *pattern)
{
  BusPlace *place = bus_trie_reach (trie, wire_span_str (pattern));

  g_queue_push_tail (&place->filed, (gpointer) pattern);
  return place;
}

static void
take_out (BusTrie *trie, const char *pattern)
{
  BusPlace *place = bus_trie_find (trie, wire_span_str (pattern));

  g_assert_nonnull (place);
  g_assert_nonnull (g_queue_pop_head (&place->filed));
  bus_trie_prune (trie, place);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Returns the patterns that a walk finds, sorted and joined with commas; asserts that each place is found at most once. */
static char *
walk (const BusTrie *trie, const char *topic)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  BusTrieWalk walk;
  BusPlace *place;

  bus_trie_walk_init (&walk, trie, wire_span_str (topic));
  while ((place = bus_trie_walk_next (&walk)) != NULL)
    {
      g_assert_true (g_hash_table_add (seen, place));
      g_assert_false (g_queue_is_empty (&place->filed));
      g_ptr_array_add (found, g_queue_peek_head (&place->filed));
    }
  g_assert_null (bus_trie_walk_next (&walk));
  g_ptr_array_sort (found, compare);
  g_ptr_array_add (found, NULL);
  return g_strjoinv (",", (char **) found->pdata);
}

static void
assert_walk (const BusTrie *trie, const char *topic, const char *expected)
{
  g_autofree char *found = walk (trie, topic);

  g_assert_cmpstr (found, ==, expected);
}

static void
test_places (void)
{
  BusTrie *trie = bus_trie_new (SEED);
  BusPlace *place = add_place (trie, "a.+.c");

  g_assert_cmpuint (bus_trie_size (trie), ==, 3);
  g_assert_true (bus_trie_reach (trie, wire_span_str ("a.+.c")) == place);
  g_assert_true (bus_trie_find (trie, wire_span_str ("a.+.c")) == place);
  g_assert_null (bus_trie_find (trie, wire_span_str ("a.b.c")));
  g_assert_null (bus_trie_find (trie, wire_span_str ("a.+.c.d")));

  /* A pattern that ends with # uses the second place of the node in front of the #, so it makes no node. */
  g_assert_true (add_place (trie, "a.+.c.#") != place);
  g_assert_true (bus_trie_find (trie, wire_span_str ("a.+.#")) != bus_trie_find (trie, wire_span_str ("a.+.c.#")));
  g_assert_cmpuint (bus_trie_size (trie), ==, 3);

  /* The place in the middle exists, and is empty. */
  g_assert_true (g_queue_is_empty (&bus_trie_find (trie, wire_span_str ("a"))->filed));
  take_out (trie, "a.+.c");
  take_out (trie, "a.+.c.#");
  g_assert_cmpuint (bus_trie_size (trie), ==, 0);
  bus_trie_free (trie);
}

/* Pruning frees exactly the nodes that are not needed. */
static void
test_prune (void)
{
  BusTrie *trie = bus_trie_new (SEED);

  add_place (trie, "a.b.c.d");
  add_place (trie, "a.b");
  add_place (trie, "a.b.+.x");
  g_assert_cmpuint (bus_trie_size (trie), ==, 6);
  take_out (trie, "a.b.c.d");
  g_assert_cmpuint (bus_trie_size (trie), ==, 4); /* a.b has something filed */
  take_out (trie, "a.b");
  g_assert_cmpuint (bus_trie_size (trie), ==, 4); /* a.b has a child */
  add_place (trie, "a.#");
  take_out (trie, "a.b.+.x");
  g_assert_cmpuint (bus_trie_size (trie), ==, 1); /* a has something filed behind # */
  take_out (trie, "a.#");
  g_assert_cmpuint (bus_trie_size (trie), ==, 0);
  bus_trie_free (trie);
}

/* An unused place is pruned like a place that has become empty. */
static void
test_prune_unused (void)
{
  BusTrie *trie = bus_trie_new (SEED);

  bus_trie_prune (trie, bus_trie_reach (trie, wire_span_str ("x.y.z")));
  g_assert_cmpuint (bus_trie_size (trie), ==, 0);
  add_place (trie, "x");
  add_place (trie, "x");
  take_out (trie, "x");
  g_assert_cmpuint (bus_trie_size (trie), ==, 1); /* another item is filed there */
  take_out (trie, "x");
  g_assert_cmpuint (bus_trie_size (trie), ==, 0);
  bus_trie_free (trie);
}

static void
test_walk (void)
{
  static const char *const patterns[] = { "a.b", "a.+", "+.b", "+.+", "a.#", "#", "a.b.#", "a.b.c", "+.#", "a" };
  BusTrie *trie = bus_trie_new (SEED);

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    add_place (trie, patterns[i]);
  assert_walk (trie, "a.b", "#,+.#,+.+,+.b,a.#,a.+,a.b,a.b.#");
  assert_walk (trie, "a.b.c", "#,+.#,a.#,a.b.#,a.b.c");
  assert_walk (trie, "a", "#,+.#,a,a.#");
  assert_walk (trie, "x.y", "#,+.#,+.+");
  /* + and # are not ordinary bytes in a topic; a first segment "system" is matched only by name. */
  assert_walk (trie, "system.b", "");
  add_place (trie, "system.+");
  add_place (trie, "system.#");
  assert_walk (trie, "system.b", "system.#,system.+");
  assert_walk (trie, "system", "system.#");
  take_out (trie, "system.+");
  take_out (trie, "system.#");
  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    take_out (trie, patterns[i]);
  assert_walk (trie, "a.b", "");
  bus_trie_free (trie);
}

/* The stack of the walk is large enough for the deepest topic when it can continue by name and by + at each level. */
static void
test_deepest (void)
{
  g_autoptr (GPtrArray) patterns = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) topic = g_string_new (NULL);
  BusTrie *trie = bus_trie_new (SEED);
  BusTrieWalk walk;
  guint n = 0;

  for (guint level = 0; level < WIRE_TOPIC_SEGMENTS_CEILING; level++)
    {
      const char *dot = level > 0 ? "." : "";

      g_ptr_array_add (patterns, g_strdup_printf ("%s%s#", topic->str, dot));
      g_ptr_array_add (patterns, g_strdup_printf ("%s%s+.#", topic->str, dot));
      g_string_append_printf (topic, "%sa", dot);
    }
  g_ptr_array_add (patterns, g_strdup_printf ("%s.#", topic->str));
  g_ptr_array_add (patterns, g_strdup (topic->str));
  for (guint i = 0; i < patterns->len; i++)
    add_place (trie, g_ptr_array_index (patterns, i));
  bus_trie_walk_init (&walk, trie, wire_span_str (topic->str));
  while (bus_trie_walk_next (&walk) != NULL)
    n++;
  g_assert_cmpuint (n, ==, patterns->len);
  for (guint i = 0; i < patterns->len; i++)
    take_out (trie, g_ptr_array_index (patterns, i));
  bus_trie_free (trie);
}

static void
test_free_with_nodes (void)
{
  if (g_test_subprocess ())
    {
      BusTrie *trie = bus_trie_new (SEED);

      add_place (trie, "a.b");
      bus_trie_free (trie);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/trie/places", test_places);
  g_test_add_func ("/core/trie/prune", test_prune);
  g_test_add_func ("/core/trie/prune-unused", test_prune_unused);
  g_test_add_func ("/core/trie/M03-walk", test_walk);
  g_test_add_func ("/core/trie/T03-deepest", test_deepest);
  g_test_add_func ("/core/trie/free-with-nodes", test_free_with_nodes);
  return g_test_run ();
}

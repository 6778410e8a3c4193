/* SPDX-License-Identifier: Apache-2.0 */
#include "index-fixture.h"

#include "base/bus-hash.h"

/* Properties that the cache of matches needs: equal patterns share an entry, the mark of a topic changes when its subscriptions
 * change, and no result depends on the seed. */

/* Equal patterns of one owner share an entry, those of two owners do not. Results have the order of adding. */
static void
test_equal_patterns (void)
{
  static const char *const patterns[] = { "events.#", "events.a", "events.#", "events.#", "events.a" };
  static const guint owners[] = { 0, 0, 1, 0, 1 };
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  g_autoptr (GPtrArray) items = g_ptr_array_new ();
  BusFiled filed[G_N_ELEMENTS (patterns)] = { { .entry = NULL } };
  BusIndex *index = bus_index_new (9);
  guint sizes[2] = { 0, 0 };

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    bus_index_add (index, wire_span_str (patterns[i]), &owners[owners[i]], &filed[i], GUINT_TO_POINTER (i + 1));
  g_assert_cmpuint (bus_index_size (index), ==, 5);
  g_assert_cmpuint (bus_index_count_entries (index), ==, 4);
  bus_index_match (index, WIRE_SPAN_LITERAL ("events.a"), found);
  g_assert_cmpuint (found->len, ==, 4);
  for (guint i = 0; i < found->len; i++)
    {
      const BusIndexEntry *entry = g_ptr_array_index (found, i);
      gsize owner = (gsize) ((const guint *) bus_index_entry_owner (entry) - owners);

      g_assert_cmpuint (owner, <, 2);
      sizes[owner] += bus_index_entry_size (entry);
    }
  g_assert_cmpuint (sizes[0], ==, 3);
  g_assert_cmpuint (sizes[1], ==, 2);
  bus_index_append_items (items, found);
  g_assert_cmpuint (items->len, ==, 5);
  for (guint i = 0; i < items->len; i++)
    g_assert_true (g_ptr_array_index (items, i) == GUINT_TO_POINTER (i + 1));
  /* An entry exists as long as one of its items. */
  bus_index_remove (index, &filed[0]);
  g_assert_cmpuint (bus_index_count_entries (index), ==, 4);
  bus_index_remove (index, &filed[3]);
  g_assert_cmpuint (bus_index_count_entries (index), ==, 3);
  for (guint i = 1; i < G_N_ELEMENTS (patterns); i++)
    if (i != 3)
      bus_index_remove (index, &filed[i]);
  g_assert_cmpuint (bus_index_count_entries (index), ==, 0);
  bus_index_free (index);
}

/* A change of a matching pattern changes the mark of a topic, also if its place is freed and made again. A change of another
 * pattern does not. */
static void
test_mark (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (10);
  g_autoptr (GPtrArray) patterns = oracle_good_patterns (3);
  g_autoptr (GPtrArray) topics = oracle_topics (3);
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (IndexEntry));
  g_autofree BusIndexMark *marks = g_new0 (BusIndexMark, topics->len);
  const guint64 *changes;
  BusIndex *index = bus_index_new (11);
  guint changed = 0, kept = 0;

  changes = bus_index_changes (index);
  for (guint step = 0; step < 4000; step++)
    {
      gboolean adds = entries->len == 0 || g_rand_int_range (rand, 0, 100) < (step / 200 % 2 == 0 ? 70 : 30);
      guint at = adds ? (guint) g_rand_int_range (rand, 0, (gint) patterns->len)
                      : (guint) g_rand_int_range (rand, 0, (gint) entries->len);
      const OracleLine *pattern = adds ? oracle_line (patterns, at) : g_array_index (entries, IndexEntry, at).pattern;
      guint64 before = *changes;

      if (adds)
        index_add_entry (index, entries, pattern, GINT_TO_POINTER (g_rand_int_range (rand, 1, 100)));
      else
        index_remove_entry (index, entries, at);
      g_assert_cmpuint (*changes, >, before);
      for (guint i = 0; i < topics->len; i++)
        {
          const OracleLine *topic = oracle_line (topics, i);
          BusIndexMark mark = bus_index_mark (index, wire_span_str (topic->text));
          gboolean concerns = oracle_match (pattern->split, topic->split);

          if (bus_index_mark_equal (mark, marks[i]) == concerns)
            g_test_message ("step %u: %s and %s", step, pattern->text, topic->text);
          g_assert_cmpint (bus_index_mark_equal (mark, marks[i]), ==, !concerns);
          changed += concerns ? 1 : 0;
          kept += concerns ? 0 : 1;
          marks[i] = mark;
        }
    }
  g_assert_cmpuint (changed, >, 1000);
  g_assert_cmpuint (kept, >, 1000);
  index_remove_all (index, entries);
  bus_index_free (index);
}

static void
test_seed (void)
{
  const guint n = 4096;
  const guint64 mask = 0xffff;
  g_autoptr (GHashTable) low_bits = g_hash_table_new (NULL, NULL);
  guint collisions = 0, repeated = 0, same = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.t%u", i);
      WireSpan span = wire_span_str (topic);
      guint low = (guint) (bus_hash (1, span) & mask);
      guint former = GPOINTER_TO_UINT (g_hash_table_lookup (low_bits, GUINT_TO_POINTER (low)));

      g_assert_cmpuint (bus_hash (1, span), ==, bus_hash (1, span));
      same += bus_hash (1, span) == bus_hash (2, span) ? 1 : 0;
      if (former > 0)
        {
          g_autofree char *twin = g_strdup_printf ("events.process.t%u", former - 1);

          collisions++;
          if ((bus_hash (2, span) & mask) == (bus_hash (2, wire_span_str (twin)) & mask))
            repeated++;
        }
      g_hash_table_insert (low_bits, GUINT_TO_POINTER (low), GUINT_TO_POINTER (i + 1));
    }
  /* 4096 hashes of 16 bits: about 125 pairs collide by chance. With another seed, almost none of these pairs collides again. */
  g_assert_cmpuint (same, ==, 0);
  g_assert_cmpuint (collisions, >, 60);
  g_assert_cmpuint (collisions, <, 250);
  g_assert_cmpuint (repeated, <, 4);
}

/* The hash depends on the length and on each byte, not on the address. */
static void
test_hash_bytes (void)
{
  char text[40];

  for (gsize len = 0; len < sizeof (text); len++)
    {
      memset (text, 'a', sizeof (text));
      for (gsize i = 0; i < len; i++)
        {
          guint64 before = bus_hash (9, wire_span (text, len));

          text[i] = 'b';
          g_assert_cmpuint (bus_hash (9, wire_span (text, len)), !=, before);
          text[i] = 'a';
          g_assert_cmpuint (bus_hash (9, wire_span (text, len)), ==, before);
        }
      if (len > 0)
        g_assert_cmpuint (bus_hash (9, wire_span (text, len)), !=, bus_hash (9, wire_span (text, len - 1)));
      if (len + 1 < sizeof (text))
        g_assert_cmpuint (bus_hash (9, wire_span (text, len)), ==, bus_hash (9, wire_span (text + 1, len)));
    }
  g_assert_cmpuint (bus_hash (9, wire_span (NULL, 0)), ==, bus_hash (9, wire_span (text, 0)));
  memset (text, 0, sizeof (text));
  g_assert_cmpuint (bus_hash (9, wire_span (text, 1)), !=, bus_hash (9, wire_span (text, 2)));
  g_assert_cmpuint (bus_hash (9, wire_span (text, 7)), !=, bus_hash (9, wire_span (text, 8)));
}

/* Results have the order of adding, with each seed. */
static void
test_seed_and_order (void)
{
  g_autoptr (GPtrArray) patterns = oracle_good_patterns (4);
  g_autoptr (GPtrArray) topics = oracle_topics (4);

  for (guint64 seed = 10; seed < 20; seed++)
    {
      g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (IndexEntry));
      BusIndex *index = bus_index_new (seed * G_GUINT64_CONSTANT (0x123456789abcdef));

      for (guint i = patterns->len; i > 0; i--)
        index_add_entry (index, entries, oracle_line (patterns, i - 1), GUINT_TO_POINTER (i));
      for (guint i = 0; i < topics->len; i++)
        index_assert_matches (index, entries, oracle_line (topics, i));
      index_remove_all (index, entries);
      bus_index_free (index);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/index/T07-equal-patterns", test_equal_patterns);
  g_test_add_func ("/core/index/T07-mark", test_mark);
  g_test_add_func ("/core/index/T09-seed", test_seed);
  g_test_add_func ("/core/index/T09-hash-bytes", test_hash_bytes);
  g_test_add_func ("/core/index/T09-order", test_seed_and_order);
  return g_test_run ();
}

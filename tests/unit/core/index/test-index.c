/* SPDX-License-Identifier: Apache-2.0 */
#include "index/bus-index.h"

#include "base/bus-hash.h"
#include "index/bus-trie.h"
#include "wire-topic.h"

/* The oracle: split text, one segment after the other, nothing shared with the room under test. */
static gboolean
naive_rest (char *const *pattern, char *const *topic)
{
  if (*pattern == NULL)
    return *topic == NULL;
  if (g_str_equal (*pattern, "#"))
    return TRUE;
  if (*topic == NULL)
    return FALSE;
  return (g_str_equal (*pattern, "+") || g_str_equal (*pattern, *topic)) && naive_rest (pattern + 1, topic + 1);
}

static gboolean
naive_match (char *const *pattern, char *const *topic)
{
  if (g_str_equal (topic[0], "system") && !g_str_equal (pattern[0], "system"))
    return FALSE;
  return naive_rest (pattern, topic);
}

/* Text and its segments, many of them. */
typedef struct
{
  char *text;
  char **split;
} Line;

static void
line_free (gpointer data)
{
  Line *line = data;

  g_free (line->text);
  g_strfreev (line->split);
  g_free (line);
}

static GPtrArray *
lines_new (void)
{
  return g_ptr_array_new_with_free_func (line_free);
}

static void
lines_add (GPtrArray *lines, const char *text)
{
  Line *line = g_new (Line, 1);

  line->text = g_strdup (text);
  line->split = g_strsplit (text, ".", -1);
  if (*text == '\0') /* one empty segment, where g_strsplit() gives none */
    {
      g_strfreev (line->split);
      line->split = g_new0 (char *, 2);
      line->split[0] = g_strdup ("");
    }
  g_ptr_array_add (lines, line);
}

static const Line *
line_at (const GPtrArray *lines, guint i)
{
  return g_ptr_array_index (lines, i);
}

/* Every text of 1 to @levels segments over @letters; the first segment is taken from @first. */
static GPtrArray *
enumerate (const char *const *first, const char *const *letters, guint n_letters, guint levels)
{
  GPtrArray *lines = lines_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  guint count = 1;

  for (guint level = 1; level <= levels; level++)
    {
      count *= n_letters;
      for (guint i = 0; i < count; i++)
        {
          guint digits = i;

          g_string_assign (text, first[digits % n_letters]);
          for (guint k = 1; k < level; k++)
            {
              digits /= n_letters;
              g_string_append_printf (text, ".%s", letters[digits % n_letters]);
            }
          lines_add (lines, text->str);
        }
    }
  return lines;
}

/* Bad ones included. The two letters stand for events and system where a domain has to be. */
static GPtrArray *
all_patterns (guint levels)
{
  static const char *const first[] = { "events", "system", "+", "#" };
  static const char *const letters[] = { "a", "b", "+", "#" };

  return enumerate (first, letters, G_N_ELEMENTS (letters), levels);
}

static GPtrArray *
all_topics (guint levels)
{
  static const char *const first[] = { "events", "system" };
  static const char *const letters[] = { "a", "b" };

  return enumerate (first, letters, G_N_ELEMENTS (letters), levels);
}

static gboolean
naive_is_pattern (char *const *split)
{
  for (guint i = 0; split[i] != NULL; i++)
    {
      if (g_str_equal (split[i], "#") && split[i + 1] != NULL)
        return FALSE;
      if (*split[i] == '\0')
        return FALSE;
      if (!g_str_equal (split[i], "#") && !g_str_equal (split[i], "+")
          && strspn (split[i], "abcdefghijklmnopqrstuvwxyz") != strlen (split[i]))
        return FALSE;
    }
  return TRUE;
}

static gboolean
naive_is_topic (char *const *split)
{
  for (guint i = 0; split[i] != NULL; i++)
    if (g_str_equal (split[i], "#") || g_str_equal (split[i], "+"))
      return FALSE;
  return naive_is_pattern (split);
}

static GPtrArray *
good_patterns (guint levels)
{
  g_autoptr (GPtrArray) all = all_patterns (levels);
  GPtrArray *good = lines_new ();

  for (guint i = 0; i < all->len; i++)
    if (naive_is_pattern (line_at (all, i)->split))
      lines_add (good, line_at (all, i)->text);
  return good;
}

static guint
levels_to_try (void)
{
  return g_test_thorough () ? 8 : 5;
}

/* The filed items, in order: the oracle's index. Three owners share the items. */
typedef struct
{
  const Line *pattern;
  gpointer item;
  BusFiled *filed;
} Entry;

static gconstpointer
owner_of (gpointer item)
{
  static const int owners[3];

  return &owners[GPOINTER_TO_UINT (item) % G_N_ELEMENTS (owners)];
}

static void
assert_matches (const BusIndex *index, const GArray *entries, const Line *topic)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  g_autoptr (GPtrArray) items = g_ptr_array_new ();
  gpointer before = GUINT_TO_POINTER (G_MAXUINT);
  guint at = 1, n = 0;

  g_ptr_array_add (items, before); /* what is there stays */
  g_assert_true (bus_index_mark_equal (bus_index_match (index, wire_span_str (topic->text), found),
                                       bus_index_mark (index, wire_span_str (topic->text))));
  bus_index_append_items (items, found);
  g_assert_true (g_ptr_array_index (items, 0) == before);
  for (guint i = 0; i < entries->len; i++)
    {
      const Entry *entry = &g_array_index (entries, Entry, i);

      if (!naive_match (entry->pattern->split, topic->split))
        continue;
      if (at >= items->len || g_ptr_array_index (items, at) != entry->item)
        g_test_message ("%s is expected at %u for %s", entry->pattern->text, at, topic->text);
      g_assert_cmpuint (at, <, items->len);
      g_assert_true (g_ptr_array_index (items, at) == entry->item);
      at++;
    }
  if (at != items->len)
    g_test_message ("%u too many for %s", items->len - at, topic->text);
  g_assert_cmpuint (at, ==, items->len);
  for (guint i = 0; i < found->len; i++)
    n += bus_index_entry_size (g_ptr_array_index (found, i));
  g_assert_cmpuint (n, ==, items->len - 1);
}

static void
file (BusIndex *index, GArray *entries, const Line *pattern, gpointer item)
{
  Entry entry = { pattern, item, g_new0 (BusFiled, 1) };

  bus_index_add (index, wire_span_str (pattern->text), owner_of (item), entry.filed, item);
  g_array_append_val (entries, entry);
}

static void
unfile (BusIndex *index, GArray *entries, guint at)
{
  BusFiled *filed = g_array_index (entries, Entry, at).filed;

  bus_index_remove (index, filed);
  g_assert_null (filed->entry);
  g_free (filed);
  g_array_remove_index (entries, at);
}

static void
remove_all (BusIndex *index, GArray *entries)
{
  while (entries->len > 0)
    unfile (index, entries, entries->len - 1);
  g_assert_cmpuint (bus_index_size (index), ==, 0);
  g_assert_cmpuint (bus_index_count_entries (index), ==, 0);
}

static void
test_oracle (void)
{
  g_autoptr (GPtrArray) patterns = good_patterns (levels_to_try ());
  g_autoptr (GPtrArray) topics = all_topics (levels_to_try ());
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  BusIndex *index = bus_index_new (1);

  for (guint i = 0; i < patterns->len; i++)
    file (index, entries, line_at (patterns, i), GUINT_TO_POINTER (i + 1));
  g_assert_cmpuint (bus_index_size (index), ==, patterns->len);
  for (guint i = 0; i < topics->len; i++)
    assert_matches (index, entries, line_at (topics, i));
  remove_all (index, entries);
  bus_index_free (index);
}

/* The same pairs, but with nothing else filed: no answer may come from a neighbour. */
static void
test_oracle_one_by_one (void)
{
  g_autoptr (GPtrArray) patterns = good_patterns (5);
  g_autoptr (GPtrArray) topics = all_topics (5);
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  BusIndex *index = bus_index_new (2);

  for (guint i = 0; i < patterns->len; i++)
    {
      file (index, entries, line_at (patterns, i), GUINT_TO_POINTER (i + 1));
      for (guint k = 0; k < topics->len; k++)
        assert_matches (index, entries, line_at (topics, k));
      remove_all (index, entries);
    }
  bus_index_free (index);
}

/* The grammar lets in exactly the patterns that the index is asked about, out of all that the enumeration has. */
static void
test_bad_patterns (void)
{
  static const char *const first[] = { "events", "system", "+", "#", "*", "", "a+" };
  static const char *const letters[] = { "a", "b", "+", "#", "*", "", "a#" };
  g_autoptr (GPtrArray) lines = enumerate (first, letters, G_N_ELEMENTS (letters), 5);
  WireTopicLimits limits = WIRE_TOPIC_LIMITS_DEFAULT;
  guint good = 0;

  for (guint i = 0; i < lines->len; i++)
    {
      const Line *line = line_at (lines, i);
      gboolean is_pattern = naive_is_pattern (line->split);
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

/* Adds and removes at random; each answer is compared with a search over all that is filed. */
static void
test_random (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  g_autoptr (GPtrArray) patterns = good_patterns (3);
  g_autoptr (GPtrArray) topics = all_topics (4);
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  BusIndex *index = bus_index_new (3);

  for (guint step = 0; step < 20000; step++)
    {
      const Line *pattern = line_at (patterns, (guint) g_rand_int_range (rand, 0, (gint) patterns->len));
      gpointer item = GINT_TO_POINTER (g_rand_int_range (rand, 1, 6));
      gboolean is_growing = step / 2000 % 2 == 0; /* in turns, so that the trie fills and empties */
      guint found = 0;

      while (found < entries->len
             && (g_array_index (entries, Entry, found).pattern != pattern
                 || g_array_index (entries, Entry, found).item != item))
        found++;
      if (found == entries->len && g_rand_int_range (rand, 0, 100) < (is_growing ? 90 : 10))
        {
          file (index, entries, pattern, item);
        }
      else
        {
          if (found < entries->len)
            unfile (index, entries, found);
        }
      g_assert_cmpuint (bus_index_size (index), ==, entries->len);
      assert_matches (index, entries, line_at (topics, (guint) g_rand_int_range (rand, 0, (gint) topics->len)));
    }
  remove_all (index, entries);
  bus_index_free (index);
}

/* The bytes that were given may go, and come back elsewhere. */
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
hang (BusTrie *trie, const char *pattern)
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
test_nodes_go (void)
{
  BusTrie *trie = bus_trie_new (5);

  hang (trie, "events.process.+.a");
  g_assert_cmpuint (bus_trie_size (trie), ==, 4);
  hang (trie, "events.process.#");
  g_assert_cmpuint (bus_trie_size (trie), ==, 4);
  hang (trie, "events.process.+.b");
  g_assert_cmpuint (bus_trie_size (trie), ==, 5);
  hang (trie, "#");
  g_assert_cmpuint (bus_trie_size (trie), ==, 5);
  g_assert_true (hang (trie, "events.process.+.b") == bus_trie_find (trie, WIRE_SPAN_LITERAL ("events.process.+.b")));

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

/* 10^5 subscriptions made to be many at each level: {events,+}.{a,+}... of 16 segments, or of 15 and a #. */
static void
test_pathological (void)
{
  enum
  {
    LEVELS = 16
  };
  g_autoptr (GPtrArray) patterns = lines_new ();
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_autoptr (GString) text = g_string_new (NULL);
  BusIndex *index = bus_index_new (6);

  for (guint i = 0; i < 100000; i++)
    {
      gboolean whole = i < 1u << LEVELS;

      g_string_assign (text, (i & 1) != 0 ? "+" : "events");
      for (guint k = 1; k < (whole ? LEVELS : LEVELS - 1u); k++)
        g_string_append (text, (i >> k & 1) != 0 ? ".+" : ".a");
      if (i >= (1u << LEVELS) + (1u << (LEVELS - 1)))
        g_string_append_printf (text, ".x%u", i); /* these match nothing, but are in the way */
      else if (!whole)
        g_string_append (text, ".#");
      lines_add (patterns, text->str);
    }
  for (guint i = 0; i < patterns->len; i++)
    file (index, entries, line_at (patterns, i), GUINT_TO_POINTER (i + 1));

  for (guint other = 0; other <= LEVELS; other++)
    {
      g_autoptr (GPtrArray) topic = lines_new ();

      g_string_assign (text, other == 0 ? "health" : "events");
      for (guint k = 1; k < LEVELS; k++)
        g_string_append (text, k == other ? ".b" : ".a");
      lines_add (topic, text->str);
      assert_matches (index, entries, line_at (topic, 0));
    }
  remove_all (index, entries);
  bus_index_free (index);
}

/* 10^5 subscriptions of one pattern, of a hundred owners or of as many as there are, taken out latest first and then at
 * random: no search in what is filed there. */
static void
test_crowd (void)
{
  static const struct
  {
    const char *pattern;
    guint n_owners;
  } crowds[] = { { "events.a.b", 100 }, { "events.+.b", 100 }, { "events.a.b", 100000 }, { "events.+.b", 100000 } };
  const guint n = 100000;
  g_autoptr (GRand) rand = g_rand_new_with_seed (8);
  g_autofree guint *order = g_new (guint, n);
  g_autofree BusFiled *filed = g_new0 (BusFiled, n);
  BusIndex *index = bus_index_new (7);

  for (guint k = 0; k < G_N_ELEMENTS (crowds); k++)
    {
      g_autoptr (GPtrArray) found = g_ptr_array_new ();
      g_autoptr (GPtrArray) items = g_ptr_array_new ();

      for (guint i = 0; i < n; i++)
        {
          bus_index_add (index, wire_span_str (crowds[k].pattern), order + i % crowds[k].n_owners, &filed[i],
                         GUINT_TO_POINTER (i + 1));
          order[i] = i;
        }
      bus_index_match (index, WIRE_SPAN_LITERAL ("events.a.b"), found);
      g_assert_cmpuint (found->len, ==, crowds[k].n_owners);
      g_assert_cmpuint (bus_index_count_entries (index), ==, crowds[k].n_owners);
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

/* Equal patterns of one owner are one entry, those of two owners two, and the order is that of adding over all of them. */
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
  /* The entry lives as long as one of its items. */
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

/* A change that matches a topic changes its mark, also when the place goes and returns; any other change leaves it. */
static void
test_mark (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (10);
  g_autoptr (GPtrArray) patterns = good_patterns (3);
  g_autoptr (GPtrArray) topics = all_topics (3);
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
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
      const Line *pattern = adds ? line_at (patterns, at) : g_array_index (entries, Entry, at).pattern;
      guint64 before = *changes;

      if (adds)
        file (index, entries, pattern, GINT_TO_POINTER (g_rand_int_range (rand, 1, 100)));
      else
        unfile (index, entries, at);
      g_assert_cmpuint (*changes, >, before);
      for (guint i = 0; i < topics->len; i++)
        {
          const Line *topic = line_at (topics, i);
          BusIndexMark mark = bus_index_mark (index, wire_span_str (topic->text));
          gboolean concerns = naive_match (pattern->split, topic->split);

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
  remove_all (index, entries);
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
  /* 4096 of 65536: about 125 pairs by chance, of which none or one again under another seed. */
  g_assert_cmpuint (same, ==, 0);
  g_assert_cmpuint (collisions, >, 60);
  g_assert_cmpuint (collisions, <, 250);
  g_assert_cmpuint (repeated, <, 4);
}

/* Length and each byte count, wherever the bytes lie. */
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

/* Order is that of adding, whatever the seed. */
static void
test_seed_and_order (void)
{
  g_autoptr (GPtrArray) patterns = good_patterns (4);
  g_autoptr (GPtrArray) topics = all_topics (4);

  for (guint64 seed = 10; seed < 20; seed++)
    {
      g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
      BusIndex *index = bus_index_new (seed * G_GUINT64_CONSTANT (0x123456789abcdef));

      for (guint i = patterns->len; i > 0; i--)
        file (index, entries, line_at (patterns, i - 1), GUINT_TO_POINTER (i));
      for (guint i = 0; i < topics->len; i++)
        assert_matches (index, entries, line_at (topics, i));
      remove_all (index, entries);
      bus_index_free (index);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/index/T07-oracle", test_oracle);
  g_test_add_func ("/core/index/T07-oracle-one-by-one", test_oracle_one_by_one);
  g_test_add_func ("/core/index/T07-bad-patterns", test_bad_patterns);
  g_test_add_func ("/core/index/M03-vectors", test_vectors);
  g_test_add_func ("/core/index/M03-vectors-bad", test_vectors_bad);
  g_test_add_func ("/core/index/random", test_random);
  g_test_add_func ("/core/index/copies", test_copies);
  g_test_add_func ("/core/index/nodes-go", test_nodes_go);
  g_test_add_func ("/core/index/T06-pathological", test_pathological);
  g_test_add_func ("/core/index/T06-crowd", test_crowd);
  g_test_add_func ("/core/index/T07-equal-patterns", test_equal_patterns);
  g_test_add_func ("/core/index/T07-mark", test_mark);
  g_test_add_func ("/core/index/T09-seed", test_seed);
  g_test_add_func ("/core/index/T09-hash-bytes", test_hash_bytes);
  g_test_add_func ("/core/index/T09-order", test_seed_and_order);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "index-fixture.h"

/* The oracle: compares one segment after the other, and shares no code with the index. */
static gboolean
oracle_match_rest (char *const *pattern, char *const *topic)
{
  if (*pattern == NULL)
    return *topic == NULL;
  if (g_str_equal (*pattern, "#"))
    return TRUE;
  if (*topic == NULL)
    return FALSE;
  return (g_str_equal (*pattern, "+") || g_str_equal (*pattern, *topic)) && oracle_match_rest (pattern + 1, topic + 1);
}

gboolean
oracle_match (char *const *pattern, char *const *topic)
{
  if (g_str_equal (topic[0], "system") && !g_str_equal (pattern[0], "system"))
    return FALSE;
  return oracle_match_rest (pattern, topic);
}

static void
oracle_line_free (gpointer data)
{
  OracleLine *line = data;

  g_free (line->text);
  g_strfreev (line->split);
  g_free (line);
}

GPtrArray *
oracle_lines_new (void)
{
  return g_ptr_array_new_with_free_func (oracle_line_free);
}

void
oracle_lines_add (GPtrArray *lines, const char *text)
{
  OracleLine *line = g_new (OracleLine, 1);

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

const OracleLine *
oracle_line (const GPtrArray *lines, guint i)
{
  return g_ptr_array_index (lines, i);
}

GPtrArray *
oracle_enumerate (const char *const *first, const char *const *letters, guint n_letters, guint levels)
{
  GPtrArray *lines = oracle_lines_new ();
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
          oracle_lines_add (lines, text->str);
        }
    }
  return lines;
}

/* Includes invalid patterns. At the place of the domain, the two letters stand for events and system. */
static GPtrArray *
oracle_patterns (guint levels)
{
  static const char *const first[] = { "events", "system", "+", "#" };
  static const char *const letters[] = { "a", "b", "+", "#" };

  return oracle_enumerate (first, letters, G_N_ELEMENTS (letters), levels);
}

GPtrArray *
oracle_topics (guint levels)
{
  static const char *const first[] = { "events", "system" };
  static const char *const letters[] = { "a", "b" };

  return oracle_enumerate (first, letters, G_N_ELEMENTS (letters), levels);
}

gboolean
oracle_is_pattern (char *const *split)
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

GPtrArray *
oracle_good_patterns (guint levels)
{
  g_autoptr (GPtrArray) all = oracle_patterns (levels);
  GPtrArray *good = oracle_lines_new ();

  for (guint i = 0; i < all->len; i++)
    if (oracle_is_pattern (oracle_line (all, i)->split))
      oracle_lines_add (good, oracle_line (all, i)->text);
  return good;
}

static gconstpointer
index_owner_of (gpointer item)
{
  static const int owners[3];

  return &owners[GPOINTER_TO_UINT (item) % G_N_ELEMENTS (owners)];
}

void
index_assert_matches (const BusIndex *index, const GArray *entries, const OracleLine *topic)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  g_autoptr (GPtrArray) items = g_ptr_array_new ();
  gpointer before = GUINT_TO_POINTER (G_MAXUINT);
  guint at = 1, n = 0;

  g_ptr_array_add (items, before); /* existing items must stay */
  g_assert_true (bus_index_mark_equal (bus_index_match (index, wire_span_str (topic->text), found),
                                       bus_index_mark (index, wire_span_str (topic->text))));
  bus_index_append_items (items, found);
  g_assert_true (g_ptr_array_index (items, 0) == before);
  for (guint i = 0; i < entries->len; i++)
    {
      const IndexEntry *entry = &g_array_index (entries, IndexEntry, i);

      if (!oracle_match (entry->pattern->split, topic->split))
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

void
index_add_entry (BusIndex *index, GArray *entries, const OracleLine *pattern, gpointer item)
{
  IndexEntry entry = { pattern, item, g_new0 (BusFiled, 1) };

  bus_index_add (index, wire_span_str (pattern->text), index_owner_of (item), entry.filed, item);
  g_array_append_val (entries, entry);
}

void
index_remove_entry (BusIndex *index, GArray *entries, guint at)
{
  BusFiled *filed = g_array_index (entries, IndexEntry, at).filed;

  bus_index_remove (index, filed);
  g_assert_null (filed->entry);
  g_free (filed);
  g_array_remove_index (entries, at);
}

void
index_remove_all (BusIndex *index, GArray *entries)
{
  while (entries->len > 0)
    index_remove_entry (index, entries, entries->len - 1);
  g_assert_cmpuint (bus_index_size (index), ==, 0);
  g_assert_cmpuint (bus_index_count_entries (index), ==, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-filter.h"

/* Filters: the messages that pass, and the filters that are refused. */

/* Texts of a message or of a filter; NULL: not set. */
typedef struct
{
  const char *correlation;
  const char *root;
  const char *stage;
  const char *tags[4];
} Words;

static BusFilter
filter_of (const Words *words)
{
  BusFilter filter = { .correlation_id = wire_span_str (words->correlation),
                       .root_id = wire_span_str (words->root),
                       .stage = wire_span_str (words->stage) };

  for (; filter.n_tags < G_N_ELEMENTS (words->tags) && words->tags[filter.n_tags] != NULL; filter.n_tags++)
    filter.tags[filter.n_tags] = wire_span_str (words->tags[filter.n_tags]);
  return filter;
}

static void
fill_envelope (WireEnvelope *envelope, const Words *words)
{
  wire_envelope_init (envelope);
  envelope->correlation_id = wire_span_str (words->correlation);
  envelope->root_id = wire_span_str (words->root);
  envelope->stage = wire_span_str (words->stage);
  for (; envelope->n_tags < G_N_ELEMENTS (words->tags) && words->tags[envelope->n_tags] != NULL; envelope->n_tags++)
    envelope->tags[envelope->n_tags] = wire_span_str (words->tags[envelope->n_tags]);
}

static const struct
{
  const char *name;
  Words filter;
  Words message;
  gboolean passes;
} cases[] = {
  { "nothing is asked for", { .root = NULL }, { "c", "r", "s", { "a=1" } }, TRUE },
  { "correlation", { .correlation = "c" }, { .correlation = "c" }, TRUE },
  { "another correlation", { .correlation = "c" }, { .correlation = "cc" }, FALSE },
  { "no correlation", { .correlation = "c" }, { .root = "c" }, FALSE },
  { "root", { .root = "r" }, { .correlation = "c", .root = "r" }, TRUE },
  { "another root", { .root = "r" }, { .correlation = "r", .root = "x" }, FALSE },
  { "the root itself", { .root = "r" }, { .correlation = "r" }, TRUE },
  { "stage", { .stage = "s" }, { .stage = "s" }, TRUE },
  { "another stage", { .stage = "s" }, { .stage = "S" }, FALSE },
  { "tag", { .tags = { "a=1" } }, { .tags = { "b=2", "a=1" } }, TRUE },
  { "another value", { .tags = { "a=1" } }, { .tags = { "a=12" } }, FALSE },
  { "any value", { .tags = { "a" } }, { .tags = { "a=12" } }, TRUE },
  { "any value, another key", { .tags = { "a" } }, { .tags = { "ab=12" } }, FALSE },
  { "a value that contains the mark", { .tags = { "a=1" } }, { .tags = { "a=1=2" } }, FALSE },
  { "a tag without a value", { .tags = { "a" } }, { .tags = { "a" } }, TRUE },
  { "all tags", { .tags = { "a=1", "b" } }, { .tags = { "b=2", "a=1" } }, TRUE },
  { "not all tags", { .tags = { "a=1", "c" } }, { .tags = { "b=2", "a=1" } }, FALSE },
  { "no tags", { .tags = { "a=1" } }, { .root = NULL }, FALSE },
  { "all fields", { "c", "r", "s", { "a=1" } }, { "c", "r", "s", { "a=1" } }, TRUE },
  { "all fields but one", { "c", "r", "s", { "a=1" } }, { "c", "r", "t", { "a=1" } }, FALSE },
};

static void
test_passes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      BusFilter filter = filter_of (&cases[i].filter);
      WireEnvelope envelope;

      g_test_message ("%s", cases[i].name);
      fill_envelope (&envelope, &cases[i].message);
      g_assert_cmpint (bus_filter_passes (&filter, &envelope), ==, cases[i].passes);
    }
}

/* A copy equals the filter, independent of later changes of the texts. */
static void
test_copy (void)
{
  char text[] = "wxyz";
  BusFilter filter
      = { wire_span (text, 1), wire_span (text + 1, 1), wire_span (text + 2, 1), 1, { wire_span (text + 3, 1) } };
  g_autofree BusFilter *copy = bus_filter_copy (&filter);
  WireEnvelope envelope;

  memset (text, '-', sizeof text - 1);
  fill_envelope (&envelope, &(Words){ "w", "x", "y", { "z=1" } });
  g_assert_true (bus_filter_passes (copy, &envelope));
  g_assert_false (bus_filter_passes (&filter, &envelope));
  g_assert_cmpuint (bus_filter_size (&filter), ==, sizeof (BusFilter) + 4);
}

static void
test_empty (void)
{
  BusFilter filter = { .n_tags = 0 };

  g_assert_true (bus_filter_is_empty (&filter));
  for (guint i = 0; i < 4; i++)
    {
      BusFilter set = filter_of (
          &(Words){ i == 0 ? "c" : NULL, i == 1 ? "r" : NULL, i == 2 ? "s" : NULL, { i == 3 ? "t" : NULL } });

      g_assert_false (bus_filter_is_empty (&set));
    }
}

static void
assert_refused (const BusFilter *filter, WireStatus expected)
{
  WireStatus status;

  g_assert_cmpint (bus_filter_check (filter, &status) != NULL, ==, expected != WIRE_STATUS_OK);
  g_assert_cmpint (status, ==, expected);
}

static void
test_bounds_of_requests (void)
{
  g_autofree char *text = g_strnfill (WIRE_TAG_KEY_MAX + WIRE_TAG_VALUE_MAX + 2, 'x');
  const struct
  {
    gsize most;
    BusFilter filter;
  } rows[] = {
    { WIRE_ID_MAX, { .correlation_id = wire_span (text, WIRE_ID_MAX + 1) } },
    { WIRE_ID_MAX, { .root_id = wire_span (text, WIRE_ID_MAX + 1) } },
    { WIRE_STAGE_MAX, { .stage = wire_span (text, WIRE_STAGE_MAX + 1) } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      BusFilter longest = rows[i].filter;

      assert_refused (&rows[i].filter, WIRE_STATUS_LIMIT);
      longest.correlation_id.len = MIN (longest.correlation_id.len, rows[i].most);
      longest.root_id.len = MIN (longest.root_id.len, rows[i].most);
      longest.stage.len = MIN (longest.stage.len, rows[i].most);
      assert_refused (&longest, WIRE_STATUS_OK);
    }
  assert_refused (&(BusFilter){ .n_tags = 1, .tags = { wire_span_str (text) } }, WIRE_STATUS_LIMIT);
  assert_refused (&(BusFilter){ .n_tags = 1, .tags = { wire_span_str ("") } }, WIRE_STATUS_BAD_MESSAGE);
  assert_refused (&(BusFilter){ .n_tags = 1, .tags = { wire_span_str ("=1") } }, WIRE_STATUS_BAD_MESSAGE);
  assert_refused (&(BusFilter){ .n_tags = 2, .tags = { wire_span_str ("a"), wire_span_str ("b=") } }, WIRE_STATUS_OK);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/filter/M24-passes", test_passes);
  g_test_add_func ("/core/filter/copy", test_copy);
  g_test_add_func ("/core/filter/empty", test_empty);
  g_test_add_func ("/core/filter/M24-bounds-of-requests", test_bounds_of_requests);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "demo/job-compare.h"
#include "demo/job-proc.h"

/* Tests of the comparison between a table of processes and two snapshots, without any process. */

#define SINCE 100u

/* A set of words: "1:10 2:20" is pid and start time of each process. */
static GHashTable *
snapshot (const char *text)
{
  GHashTable *set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  for (char **word = words; *word != NULL; word++)
    if (**word != '\0')
      g_hash_table_add (set, g_strdup (*word));
  return set;
}

static GPtrArray *
table (const char *text)
{
  GPtrArray *records = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  for (char **word = words; *word != NULL; word++)
    if (**word != '\0')
      {
        JobRecord *record = g_new0 (JobRecord, 1);
        char *end;

        record->pid = (guint32) g_ascii_strtoull (*word, &end, 10);
        record->start_time = g_ascii_strtoull (end + 1, NULL, 10);
        g_ptr_array_add (records, record);
      }
  return records;
}

static void
test_compare (void)
{
  static const struct
  {
    const char *before, *records, *after;
    JobVerdict want; /* stayed, missing, twice, unknown, passing */
    gboolean disturbed;
  } rows[] = {
    { "1:10 2:20", "1:10 2:20", "1:10 2:20", { 2, 0, 0, 0, 0 }, FALSE },
    { "1:10 2:20", "1:10", "1:10 2:20", { 2, 1, 0, 0, 0 }, FALSE },
    { "1:10 2:20", "1:10 2:20", "1:10", { 1, 0, 0, 0, 0 }, FALSE },        /* one exited */
    { "1:10", "1:10 3:120", "1:10 3:120", { 1, 0, 0, 0, 0 }, FALSE },      /* one started */
    { "1:10", "1:10 1:10", "1:10", { 1, 0, 1, 0, 0 }, FALSE },             /* listed twice */
    { "1:10", "1:10 4:40", "1:10", { 1, 0, 0, 1, 0 }, FALSE },             /* started before, but unknown */
    { "1:10", "1:10 4:140", "1:10", { 1, 0, 0, 0, 1 }, TRUE },             /* 4 may have run only between them */
    { "1:10 2:20", "1:10 4:140", "1:10 2:20", { 2, 1, 0, 0, 1 }, FALSE },  /* the same, but 2 is missing as well */
    { "1:10 2:20", "1:10 2:130", "1:10 2:130", { 1, 0, 0, 0, 0 }, FALSE }, /* a pid that was used again */
    { "", "", "", { 0, 0, 0, 0, 0 }, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GHashTable) before = snapshot (rows[i].before);
      g_autoptr (GHashTable) after = snapshot (rows[i].after);
      g_autoptr (GPtrArray) records = table (rows[i].records);
      JobVerdict got = job_compare (records, before, after, SINCE);

      g_assert_cmpmem (&got, sizeof got, &rows[i].want, sizeof rows[i].want);
      g_assert_cmpint (job_verdict_is_disturbed (&got), ==, rows[i].disturbed);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/agent/compare/table-and-snapshots", test_compare);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-pack.h"

#include "collection.pb-c.h"
#include "proc-source.h"
#include "wire-guard.h"

#include <string.h>

/* Tests of procmond's table of processes, of the changes between two tables, and of their packed form. */

static ProcRecord *
record (guint32 pid, guint64 start_time)
{
  ProcRecord *one = g_new0 (ProcRecord, 1);

  one->pid = pid;
  one->start_time = start_time;
  one->name = g_strdup ("name");
  one->exe = g_strdup ("");
  one->command_line = g_new0 (char *, 1);
  return one;
}

/* "1:10 2:20": pid and start time. */
static ProcTable *
table (const char *text)
{
  ProcTable *made = proc_table_new ();
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  for (char **word = words; *word != NULL; word++)
    if (**word != '\0')
      {
        g_auto (GStrv) parts = g_strsplit (*word, ":", 2);

        g_ptr_array_add (made->records, record ((guint32) g_ascii_strtoull (parts[0], NULL, 10),
                                                g_ascii_strtoull (parts[1], NULL, 10)));
      }
  return made;
}

static char *
look (ProcWatch *watch, const char *text)
{
  g_autoptr (GArray) events = proc_watch_look (watch, table (text));
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < events->len; i++)
    {
      const ProcEvent *event = &g_array_index (events, ProcEvent, i);

      g_string_append_printf (out, "%s%c%u:%" G_GUINT64_FORMAT, out->len > 0 ? " " : "",
                              event->kind == PROC_STARTED ? '+' : '-', event->record->pid, event->record->start_time);
    }
  return g_string_free (out, FALSE);
}

static void
test_watch (void)
{
  static const struct
  {
    const char *now;
    const char *want;
  } looks[] = {
    { "1:1 5:50", "" }, /* the baseline */
    { "1:1 5:50", "" },
    { "1:1 5:50 6:60", "+6:60" },
    { "1:1 6:60", "-5:50" },
    { "1:1 6:70", "-6:60 +6:70" }, /* the pid was used again */
    { "1:1 2:80 6:70 9:90", "+2:80 +9:90" },
    { "", "-1:1 -2:80 -6:70 -9:90" },
    { "3:100", "+3:100" },
  };
  ProcWatch watch;

  proc_watch_init (&watch);
  for (guint i = 0; i < G_N_ELEMENTS (looks); i++)
    {
      g_autofree char *got = look (&watch, looks[i].now);

      g_assert_cmpstr (got, ==, looks[i].want);
    }
  /* A look that failed is no machine without processes. */
  {
    g_autoptr (GArray) events = proc_watch_look (&watch, NULL);
    g_autofree char *after = look (&watch, "3:100");

    g_assert_cmpuint (events->len, ==, 0);
    g_assert_cmpstr (after, ==, "");
  }
  proc_watch_clear (&watch);
}

static void
test_escape (void)
{
  static const struct
  {
    const char *bytes;
    const char *want;
  } cases[] = {
    { "", "" },
    { "plain", "plain" },
    { "\xc3\xa4", "\xc3\xa4" },
    { "a\xff"
      "b",
      "a\\xffb" },
    { "\xff\xfe", "\\xff\\xfe" },
    { "back\\slash", "back\\x5cslash" },
    { "\xc3", "\\xc3" },
    { "\xe4\xb8\xad\xff", "\xe4\xb8\xad\\xff" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *got = proc_text_escape (cases[i].bytes, -1);

      g_assert_cmpstr (got, ==, cases[i].want);
    }
}

/* A process chooses its arguments: however many and long, they are cut, and the cut can't be faked. */
static void
test_bounded (void)
{
  g_autofree char *longest = g_strnfill (PROC_COMMAND_LINE_BYTES, 'x');
  const char *fits[] = { longest, NULL };
  const char *too_long[] = { "a", longest, "b", NULL };
  const char *faked[] = { PROC_COMMAND_LINE_CUT, NULL };
  const char *too_many[PROC_COMMAND_LINE_ARGS + 2] = { NULL };
  g_auto (GStrv) none = proc_command_line_bound (NULL);
  g_auto (GStrv) all = proc_command_line_bound (fits);
  g_auto (GStrv) cut = proc_command_line_bound (too_long);
  g_auto (GStrv) fake = proc_command_line_bound (faked);
  g_auto (GStrv) few = NULL;

  g_assert_null (none[0]);
  g_assert_cmpuint (g_strv_length (all), ==, 1);
  g_assert_cmpstr (all[0], ==, longest);
  g_assert_cmpuint (g_strv_length (cut), ==, 3);
  g_assert_cmpuint (strlen (cut[1]), ==, PROC_COMMAND_LINE_BYTES - 1);
  g_assert_cmpstr (cut[2], ==, PROC_COMMAND_LINE_CUT);
  g_assert_cmpstr (fake[0], !=, PROC_COMMAND_LINE_CUT);

  for (guint i = 0; i <= PROC_COMMAND_LINE_ARGS; i++)
    too_many[i] = "";
  few = proc_command_line_bound (too_many);
  g_assert_cmpuint (g_strv_length (few), ==, PROC_COMMAND_LINE_ARGS + 1);
  g_assert_cmpstr (few[PROC_COMMAND_LINE_ARGS], ==, PROC_COMMAND_LINE_CUT);
}

static void
test_pack (void)
{
  g_autoptr (ProcTable) all = proc_table_read (0, 1);
  g_autoptr (GBytes) packed = proc_pack_table (all);
  ProcEvent event = { PROC_STARTED, g_ptr_array_index (all->records, 0) };
  g_autoptr (GBytes) packed_event = proc_pack_event (&event, 123, 500000);
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (WireGuard) event_guard = NULL;
  const Daemoneye__Eventbus__V1__ProcessTable *got;
  const Daemoneye__Eventbus__V1__ProcessEvent *got_event;
  gsize len;
  const void *bytes = g_bytes_get_data (packed, &len);

  guard = wire_guard_unpack (&daemoneye__eventbus__v1__process_table__descriptor, wire_span (bytes, len), 0, NULL);
  g_assert_nonnull (guard);
  got = wire_guard_message (guard);
  g_assert_cmpuint (got->n_processes, ==, all->records->len);
  for (gsize i = 0; i < got->n_processes; i++)
    {
      const ProcRecord *one = g_ptr_array_index (all->records, i);

      g_assert_cmpuint (got->processes[i]->pid, ==, one->pid);
      g_assert_cmpstr (got->processes[i]->name, ==, one->name);
      g_assert_cmpuint (got->processes[i]->n_command_line, ==, g_strv_length (one->command_line));
    }

  bytes = g_bytes_get_data (packed_event, &len);
  event_guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__process_event__descriptor, wire_span (bytes, len), 0, NULL);
  g_assert_nonnull (event_guard);
  got_event = wire_guard_message (event_guard);
  g_assert_cmpuint (got_event->kind, ==, 1);
  g_assert_cmpuint (got_event->poll_interval_us, ==, 500000);
  g_assert_cmpuint (got_event->process->pid, ==, event.record->pid);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  proc_source_init ();
  g_test_add_func ("/procmond/watch/exactly-once", test_watch);
  g_test_add_func ("/procmond/table/escape", test_escape);
  g_test_add_func ("/procmond/table/bounded", test_bounded);
  g_test_add_func ("/procmond/pack/real-table", test_pack);
  status = g_test_run ();
  proc_source_clear ();
  return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-pack.h"

#include "collection.pb-c.h"
#include "proc-source.h"
#include "wire-guard.h"

#include <string.h>

/* Tests of procmond's table of processes, of the changes between two tables, and of their packed form. */

/* "1:10 2:20:sh": pid, start time and name. */
static ProcTable *
table (const char *text)
{
  ProcTable *made = proc_table_new ();
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  for (char **word = words; *word != NULL; word++)
    if (**word != '\0')
      {
        g_auto (GStrv) parts = g_strsplit (*word, ":", 3);
        ProcRecord *record
            = proc_record_new ((guint32) g_ascii_strtoull (parts[0], NULL, 10), g_ascii_strtoull (parts[1], NULL, 10));

        record->virtual_bytes = 4096;
        g_free (record->exe);
        record->exe = g_strdup ("/bin/program");
        g_free (record->name);
        record->name = g_strdup (parts[2] != NULL ? parts[2] : "name");
        g_ptr_array_add (made->records, record);
      }
  return made;
}

static char *
compare (ProcWatch *watch, const char *text)
{
  g_autoptr (GArray) events = proc_watch_compare (watch, table (text));
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < events->len; i++)
    {
      const ProcEvent *event = &g_array_index (events, ProcEvent, i);

      g_string_append_printf (out, "%s%c%u:%" G_GUINT64_FORMAT, out->len > 0 ? " " : "", " +-!"[event->kind],
                              event -> record -> pid, event -> record -> start_time);
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

  proc_watch_init (&watch, 0);
  for (guint i = 0; i < G_N_ELEMENTS (looks); i++)
    {
      g_autofree char *got = compare (&watch, looks[i].now);

      g_assert_cmpstr (got, ==, looks[i].want);
    }
  /* A failed read does not mean that all processes have ended. */
  {
    g_autoptr (GArray) events = proc_watch_compare (&watch, NULL);
    g_autofree char *after = compare (&watch, "3:100");

    g_assert_cmpuint (events->len, ==, 0);
    g_assert_cmpstr (after, ==, "");
  }
  proc_watch_clear (&watch);
}

/* A process that executes another program stays the same process. */
static void
test_watch_exec (void)
{
  static const struct
  {
    const char *now;
    const char *want;
  } looks[] = {
    { "1:1:init 5:50:sh", "" },
    { "1:1:init 5:50:sleep", "!5:50" },
    { "1:1:init 5:50:sleep", "" },
    { "1:1:init 5:60:cat", "-5:50 +5:60" }, /* another process */
    { "1:1:init 5:60:dog 6:70:sh", "!5:60 +6:70" },
    { "1:1:init", "-5:60 -6:70" },
  };
  ProcWatch watch;

  proc_watch_init (&watch, 0);
  for (guint i = 0; i < G_N_ELEMENTS (looks); i++)
    {
      g_autofree char *got = compare (&watch, looks[i].now);

      g_assert_cmpstr (got, ==, looks[i].want);
    }
  proc_watch_clear (&watch);
}

static ProcTable *
table_with_program (const char *name, const char *exe, guint64 virtual_bytes, guint unknown)
{
  ProcTable *made = table ("5:50");
  ProcRecord *record = g_ptr_array_index (made->records, 0);

  g_free (record->name);
  record->name = g_strdup (name);
  g_free (record->exe);
  record->exe = g_strdup (exe);
  record->virtual_bytes = virtual_bytes;
  record->unknown = unknown;
  return made;
}

/* Only a value that is known in both tables can change, and only a process with an address space can execute a program. */
static void
test_watch_program (void)
{
  static const struct
  {
    const char *name;
    const char *exe;
    guint64 virtual_bytes;
    guint unknown;
    guint events;
  } looks[] = {
    { "kworker/1:2-events", "", 0, 0, 0 },
    { "kworker/1:2-writeback", "", 0, 0, 0 }, /* a kernel thread */
    { "modprobe", "/sbin/modprobe", 1, 0, 1 },
    { "a", "/bin/a", 1, 0, 1 },
    { "a", "/bin/b", 1, 0, 1 },
    { "b", "/bin/b", 1, 0, 1 },
    { "b", "", 1, PROC_FIELD_EXE, 0 }, /* the right to read it is gone */
    { "b", "/bin/c", 1, 0, 0 },        /* it can be read again */
    { "", "/bin/c", 1, PROC_FIELD_NAME, 0 },
    { "c", "/bin/c", 0, PROC_FIELD_VIRTUAL, 0 },
    { "d", "/bin/c", 0, PROC_FIELD_VIRTUAL, 1 },
    { "d", "", 0, 0, 0 }, /* a zombie */
    { "e", "/bin/e", 1, 0, 1 },
    { "e", "", 1, 0, 0 }, /* it ended after its size had been read */
    { "e", "/bin/e (deleted)", 1, 0, 1 },
    { "e", "/bin/e (deleted)", 1, PROC_FIELD_EXE_DELETED, 0 }, /* the mark may be part of the name */
    { "e", "/bin/e", 1, 0, 0 },                                /* so it was the mark */
    { "e", "/bin/e (deleted)", 1, PROC_FIELD_EXE_DELETED, 0 },
    { "e", "/bin/f (deleted)", 1, PROC_FIELD_EXE_DELETED, 1 },
  };
  ProcWatch watch;

  proc_watch_init (&watch, 0);
  for (guint i = 0; i < G_N_ELEMENTS (looks); i++)
    {
      g_autoptr (GArray) events = proc_watch_compare (
          &watch, table_with_program (looks[i].name, looks[i].exe, looks[i].virtual_bytes, looks[i].unknown));

      g_test_message ("look %u", i);
      g_assert_cmpuint (events->len, ==, looks[i].events);
      if (events->len > 0)
        g_assert_cmpint (g_array_index (events, ProcEvent, 0).kind, ==, PROC_CHANGED);
    }
  proc_watch_clear (&watch);
}

/* A process that could not be read before has not started when it is read for the first time. */
static void
test_watch_appears (void)
{
  static const struct
  {
    const char *now;
    const char *want;
  } looks[] = {
    { "1:1 7:70", "" },
    { "1:1 4:40 7:70", "" },
    { "1:1 4:40 5:95 7:70", "" }, /* before this process, whose own record is in another shard */
    { "1:1 4:40 5:95 7:70 8:100", "+8:100" },
  };
  ProcWatch watch;

  proc_watch_init (&watch, 96);
  for (guint i = 0; i < G_N_ELEMENTS (looks); i++)
    {
      g_autofree char *got = compare (&watch, looks[i].now);

      g_assert_cmpstr (got, ==, looks[i].want);
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

static ProcRecord *
record_with_args (const char *const *args)
{
  ProcRecord *record = proc_record_new (5, 50);

  proc_record_set_command_line (record, args);
  return record;
}

static gsize
args_bytes (const ProcRecord *record)
{
  gsize bytes = 0;

  for (char **arg = record->command_line; *arg != NULL; arg++)
    bytes += g_str_equal (*arg, PROC_CUT) ? 0 : strlen (*arg);
  return bytes;
}

/* A process chooses its arguments: they are cut in any case, and the mark of the cut can't be faked. */
static void
test_bounded (void)
{
  g_autofree char *longest = g_strnfill (PROC_COMMAND_LINE_BYTES, 'x');
  const char *fits[] = { longest, NULL };
  const char *too_long[] = { "a", longest, "b", NULL };
  const char *faked[] = { PROC_CUT, NULL };
  const char *too_many[PROC_COMMAND_LINE_ARGS + 2] = { NULL };
  g_autoptr (ProcRecord) none = record_with_args (NULL);
  g_autoptr (ProcRecord) all = record_with_args (fits);
  g_autoptr (ProcRecord) cut = record_with_args (too_long);
  g_autoptr (ProcRecord) fake = record_with_args (faked);
  g_autoptr (ProcRecord) few = NULL;

  g_assert_null (none->command_line[0]);
  g_assert_cmpuint (g_strv_length (all->command_line), ==, 1);
  g_assert_cmpstr (all->command_line[0], ==, longest);
  g_assert_false (all->shortened);
  g_assert_cmpuint (g_strv_length (cut->command_line), ==, 3);
  g_assert_cmpuint (strlen (cut->command_line[1]), ==, PROC_COMMAND_LINE_BYTES - 1);
  g_assert_cmpstr (cut->command_line[2], ==, PROC_CUT);
  g_assert_true (cut->shortened);
  g_assert_cmpstr (fake->command_line[0], !=, PROC_CUT);

  for (guint i = 0; i <= PROC_COMMAND_LINE_ARGS; i++)
    too_many[i] = "";
  few = record_with_args (too_many);
  g_assert_cmpuint (g_strv_length (few->command_line), ==, PROC_COMMAND_LINE_ARGS + 1);
  g_assert_cmpstr (few->command_line[PROC_COMMAND_LINE_ARGS], ==, PROC_CUT);
}

/* The bound applies to the text that is sent: an escaped byte has four bytes, and is never cut in two. */
static void
test_bounded_escapes (void)
{
  static const char *const units[]
      = { "\\", "\xff", "\xc3\xa4", "\xe4\xb8\xad", "\xf0\x9f\x98\x80", "a\\", "\xc3\xa4\xff" };

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      const char *args[] = { NULL, "last", NULL };
      g_autoptr (ProcRecord) record = NULL;

      while (text->len < 3 * PROC_COMMAND_LINE_BYTES)
        g_string_append (text, units[i]);
      args[0] = text->str;
      record = record_with_args (args);
      g_assert_true (record->shortened);
      g_assert_cmpuint (args_bytes (record), <=, PROC_COMMAND_LINE_BYTES);
      g_assert_cmpuint (args_bytes (record), >, PROC_COMMAND_LINE_BYTES - 9);
      g_assert_cmpstr (record->command_line[1], ==, PROC_CUT);
      for (gsize bytes = 100; bytes < 120; bytes++)
        {
          g_autoptr (ProcRecord) shorter = proc_record_shorten (record, bytes);
          const char *last_escape = strrchr (shorter->command_line[0], '\\');

          g_assert_cmpuint (proc_record_text_size (shorter), <=, bytes);
          g_assert_true (g_utf8_validate (shorter->command_line[0], -1, NULL));
          g_assert_true (last_escape == NULL || strlen (last_escape) >= strlen ("\\xff"));
          g_assert_cmpstr (shorter->command_line[1], ==, PROC_CUT);
          g_assert_null (shorter->command_line[2]);
        }
    }
}

static void
test_pack (void)
{
  const ProcRange everything = { 0 };
  g_autoptr (ProcTable) all = proc_table_read (&everything);
  g_autoptr (GBytes) packed = proc_pack_table (all);
  ProcEvent event = { .kind = PROC_STARTED, .record = g_ptr_array_index (all->records, 0) };
  g_autoptr (GBytes) packed_event = proc_pack_event (&event, 123, 500000, 1 << 20);
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
  g_assert_true (proc_source_init (NULL));
  g_test_add_func ("/procmond/watch/exactly-once", test_watch);
  g_test_add_func ("/procmond/watch/exec", test_watch_exec);
  g_test_add_func ("/procmond/watch/program", test_watch_program);
  g_test_add_func ("/procmond/watch/appears", test_watch_appears);
  g_test_add_func ("/procmond/table/escape", test_escape);
  g_test_add_func ("/procmond/table/bounded", test_bounded);
  g_test_add_func ("/procmond/table/bounded-escapes", test_bounded_escapes);
  g_test_add_func ("/procmond/pack/real-table", test_pack);
  status = g_test_run ();
  proc_source_clear ();
  return status;
}

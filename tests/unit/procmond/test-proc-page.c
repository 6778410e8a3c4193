/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-page.h"

#include "collection.pb-c.h"
#include "proc-pack.h"
#include "wire-guard.h"

#include <string.h>

/* Tests of the bound of answers: with any texts that processes choose, all processes are listed, and the receiver can unpack
 * the answer. */

#define ROOM (1u << 20)

typedef Daemoneye__Eventbus__V1__ProcessTable Packed;

/* Texts of a hostile process. */
typedef struct
{
  const char *unit; /* repeated to make an argument */
  gsize arg_bytes;
  guint args;
  gsize exe_bytes; /* before escaping */
  guint n;         /* number of processes */
} Hostile;

static const Hostile hostiles[] = {
  { "\\", 8192, 1, 4095, 34 },    { "\\", 8192, 1, 4095, 300 },
  { "\xff", 8192, 1, 4095, 600 }, { "\xff", 32, 300, 10, 1000 },
  { "", 0, 300, 1, 2000 },        { "", 0, 256, 1, 960 },
  { "x", 1, 300, 1, 3000 },       { "\xc3\xa4", 8192, 3, 1, 500 },
  { "x", 100, 1, 10, 5000 },      { "\xf0\x9f\x98\x80", 40, 50, 1, 800 },
  { "", 0, 1, 1, 5000 },
};

static char *
fill_text (const char *unit, gsize bytes)
{
  GString *text = g_string_new (NULL);

  while (*unit != '\0' && text->len < bytes)
    g_string_append (text, unit);
  return g_string_free (text, FALSE);
}

static ProcRecord *
hostile_record (const Hostile *hostile, guint32 pid)
{
  ProcRecord *record = proc_record_new (pid, G_MAXUINT64);
  g_autofree char *arg = fill_text (hostile->unit, hostile->arg_bytes);
  g_autofree char *exe = fill_text ("\\", hostile->exe_bytes);
  g_autofree const char **args = g_new0 (const char *, hostile->args + 1);

  for (guint i = 0; i < hostile->args; i++)
    args[i] = arg;
  proc_record_set_command_line (record, args);
  g_free (record->name);
  record->name = proc_text_escape ("\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\", -1);
  g_free (record->exe);
  record->exe = proc_text_escape (exe, -1);
  record->uid = record->ppid = G_MAXUINT32 - 1;
  record->cpu_time_us = record->resident_bytes = record->virtual_bytes = G_MAXUINT64;
  return record;
}

/* 200 honest processes, of which every other one has a higher pid than the hostile ones, and as many kernel threads. */
static ProcTable *
make_table (const Hostile *hostile)
{
  const char *const args[] = { "/usr/bin/honest", "--option", "value", NULL };
  const Hostile thread = { "", 0, 0, 0, 0 };
  ProcTable *table = proc_table_new ();

  for (guint32 pid = 1; pid <= 200 + hostile->n; pid++)
    {
      ProcRecord *record;

      if (pid <= 100 || pid > 100 + hostile->n)
        {
          record = hostile_record (&thread, pid);
          g_free (record->name);
          record->name = g_strdup ("honest");
          if (pid % 2 == 0)
            proc_record_set_command_line (record, args);
        }
      else
        record = hostile_record (hostile, pid);
      g_ptr_array_add (table->records, record);
    }
  return table;
}

static WireGuard *
unpack_table (GBytes *packed)
{
  gsize len;
  const void *bytes = g_bytes_get_data (packed, &len);
  WireGuard *guard;

  g_assert_cmpuint (len, <=, ROOM);
  guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__process_table__descriptor, wire_span (bytes, len), 0,
                                     NULL);
  g_assert_nonnull (guard);
  return guard;
}

/* A requester without pages gets all processes; ordinary command lines are complete as long as that is possible. */
static void
test_one_answer (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (hostiles); i++)
    {
      g_autoptr (ProcTable) table = make_table (&hostiles[i]);
      g_autoptr (GBytes) packed = NULL;
      g_autoptr (WireGuard) guard = NULL;
      const Packed *got;

      g_test_message ("case %u", i);
      proc_page_fit (table, ROOM, TRUE);
      packed = proc_pack_table (table);
      guard = unpack_table (packed);
      got = wire_guard_message (guard);
      g_assert_cmpuint (got->next_cursor, ==, 0);
      g_assert_cmpuint (got->n_processes, ==, 200 + hostiles[i].n);
      g_assert_cmpuint (got->shortened, <=, hostiles[i].n);
      for (guint j = 0; j < 200 + hostiles[i].n; j++)
        {
          g_assert_cmpuint (got->processes[j]->pid, ==, j + 1);
          if (g_str_equal (got->processes[j]->name, "honest") && (j + 1) % 2 == 0)
            {
              g_assert_cmpuint (got->processes[j]->n_command_line, ==, 3);
              g_assert_cmpstr (got->processes[j]->command_line[2], ==, "value");
            }
        }
    }
}

/* A requester with pages gets all processes, and no text is cut because of the total size. */
static void
test_pages (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (hostiles); i++)
    {
      g_autoptr (ProcTable) table = make_table (&hostiles[i]);
      guint seen = 0;

      while (table->records->len > 0)
        {
          g_autoptr (ProcTable) page = proc_table_new ();
          g_autoptr (GBytes) packed = NULL;
          g_autoptr (WireGuard) guard = NULL;
          const Packed *got;

          for (guint j = 0; j < table->records->len; j++)
            g_ptr_array_add (page->records, proc_record_ref (g_ptr_array_index (table->records, j)));
          proc_page_fit (page, ROOM, FALSE);
          packed = proc_pack_table (page);
          guard = unpack_table (packed);
          got = wire_guard_message (guard);
          g_assert_cmpuint (got->n_processes, >, 0);
          g_assert_true ((got->next_cursor == 0) == (got->n_processes == table->records->len));
          for (gsize j = 0; j < got->n_processes; j++)
            {
              const ProcRecord *record = g_ptr_array_index (table->records, j);

              g_assert_cmpuint (got->processes[j]->pid, ==, ++seen);
              g_assert_cmpuint (got->processes[j]->n_command_line, ==, g_strv_length (record->command_line));
              g_assert_cmpstr (got->processes[j]->exe, ==, record->exe);
            }
          g_ptr_array_remove_range (table->records, 0, (guint) got->n_processes);
        }
      g_assert_cmpuint (seen, ==, 200 + hostiles[i].n);
    }
}

/* If an answer cannot have all processes in any form, it contains a cursor for the others. */
static void
test_too_many (void)
{
  const Hostile many = { "x", 1, 1, 1, 20000 };
  g_autoptr (ProcTable) table = make_table (&many);
  g_autoptr (GBytes) packed = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const Packed *got;

  proc_page_fit (table, ROOM, TRUE);
  packed = proc_pack_table (table);
  guard = unpack_table (packed);
  got = wire_guard_message (guard);
  g_assert_cmpuint (got->n_processes, >, 5000);
  g_assert_cmpuint (got->next_cursor, ==, got->processes[got->n_processes - 1]->pid);
}

/* The smallest limit that a broker can have. */
static void
test_small_room (void)
{
  const gsize room = 1024 - 32;

  for (guint i = 0; i < G_N_ELEMENTS (hostiles); i++)
    for (guint shorten = 0; shorten < 2; shorten++)
      {
        g_autoptr (ProcTable) table = proc_table_new ();
        ProcEvent event = { PROC_STARTED, hostile_record (&hostiles[i], 7), TRUE, G_MAXUINT32 };
        g_autoptr (GBytes) packed = NULL;
        g_autoptr (GBytes) packed_event = proc_pack_event (&event, G_MAXINT64, G_MAXINT64, 1024);

        g_ptr_array_add (table->records, event.record);
        proc_page_fit (table, room, shorten != 0);
        packed = proc_pack_table (table);
        g_assert_cmpuint (table->records->len, ==, 1);
        g_assert_cmpuint (g_bytes_get_size (packed), <=, room);
        g_assert_cmpuint (g_bytes_get_size (packed_event), <=, 1024);
      }
}

/* The cost is never less than the sent bytes, and a shortened record is not larger than allowed. */
static void
test_cost (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (hostiles); i++)
    {
      g_autoptr (ProcRecord) record = hostile_record (&hostiles[i], G_MAXUINT32);

      for (gsize bytes = 0; bytes < 40000; bytes += bytes < 64 ? 1 : 1777)
        {
          g_autoptr (ProcRecord) shorter = proc_record_shorten (record, bytes);
          g_autoptr (ProcTable) table = proc_table_new ();
          g_autoptr (GBytes) packed = NULL;

          g_ptr_array_add (table->records, proc_record_ref (shorter));
          shorter->unknown = G_MAXUINT32;
          shorter->exe_deleted = TRUE;
          packed = proc_pack_table (table);
          g_assert_cmpuint (proc_record_text_size (shorter), <=, MAX (bytes, PROC_SHORTEST));
          g_assert_cmpuint (g_bytes_get_size (packed), <=, proc_record_cost (shorter) + 32);
          if (shorter == record)
            break;
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/procmond/page/one-answer", test_one_answer);
  g_test_add_func ("/procmond/page/pages", test_pages);
  g_test_add_func ("/procmond/page/too-many", test_too_many);
  g_test_add_func ("/procmond/page/small-room", test_small_room);
  g_test_add_func ("/procmond/page/cost", test_cost);
  return g_test_run ();
}

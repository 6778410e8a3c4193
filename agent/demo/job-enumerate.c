/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#include "deye-bus-pack.h"
#include "job-compare.h"
#include "job-proc.h"
#include "task.pb-c.h"
#include "terminal-text.h"
#include "wire-guard.h"

#include <glib/gi18n.h>

/*
 * The step of the demonstration that lists processes: the shards of one task are sent to the queue group, the replies form one
 * table of this machine's processes, and the table is compared with snapshots of /proc from before and after.
 *
 * Processes choose their command lines, so the size of a shard has no limit. It is therefore divided into pages. Each further page
 * is requested by another task, which any collector may get.
 */

#define SHARDS          8u
#define SHOWN           8u
#define COMMAND_COLUMNS 48u
#define ROUNDS_MAX      20u

typedef Daemoneye__Eventbus__V1__TaskResult TaskResult;
typedef Daemoneye__Eventbus__V1__ProcessTable ProcessTable;

/* The part of the work that one collector has done. */
typedef struct
{
  guint shards;
  guint processes;
  guint64 duration_us;
} Share;

typedef struct
{
  Job *job;
  guint answered; /* shards: the last page has arrived, or it failed */
  guint failed;
  GPtrArray *guards;  /* keep the records alive */
  GPtrArray *records; /* of const JobRecord */
  GHashTable *shares; /* collector -> Share */
  guint vanished;
  guint unreadable;
  guint shortened;
  guint outstanding; /* tasks */
  GCancellable *cancellable;
} Enumeration;

/* A task that has no answer yet. */
typedef struct
{
  Enumeration *run;
  guint shard;
} EnumerationTask;

static GBytes *
enumeration_pack_task (guint shard, guint32 cursor)
{
  g_autofree char *id = g_strdup_printf ("enumerate-%u", shard);
  Daemoneye__Eventbus__V1__TaskRequest task;

  daemoneye__eventbus__v1__task_request__init (&task);
  task.task_id = id;
  task.operation = (char *) "enumerate_processes";
  task.shard = shard;
  task.shards = SHARDS;
  task.cursor = cursor;
  task.pages = TRUE;
  return deye_bus_pack (&task.base);
}

static void enumeration_send_task (Enumeration *run, guint shard, guint32 cursor);

static void
enumeration_count_share (Enumeration *run, const char *sender, const ProcessTable *table, guint64 duration_us)
{
  Share *share = g_hash_table_lookup (run->shares, sender);

  if (share == NULL)
    {
      share = g_new0 (Share, 1);
      g_hash_table_insert (run->shares, g_strdup (sender), share);
    }
  share->shards += table->next_cursor == 0 ? 1 : 0;
  share->processes += (guint) table->n_processes;
  share->duration_us += duration_us;
}

/* @cursor: set to the cursor of the next page, or to 0 after the last page. */
static gboolean
enumeration_take_table (Enumeration *run, const TaskResult *result, const char *sender, guint32 *cursor)
{
  WireGuard *guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__process_table__descriptor,
                                                wire_span (result->result.data, result->result.len), 0, NULL);
  const ProcessTable *table;

  if (guard == NULL)
    return FALSE;
  g_ptr_array_add (run->guards, guard);
  table = wire_guard_message (guard);
  for (gsize i = 0; i < table->n_processes; i++)
    g_ptr_array_add (run->records, table->processes[i]);
  run->vanished += table->vanished;
  run->unreadable += table->unreadable;
  run->shortened += table->shortened;
  enumeration_count_share (run, sender, table, result->duration_us);
  *cursor = table->next_cursor;
  return TRUE;
}

static gboolean
enumeration_take_answer (Enumeration *run, DeyeBusMessage *reply, guint32 *cursor)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__task_result__descriptor, reply);

  return guard != NULL
         && enumeration_take_table (run, wire_guard_message (guard), deye_bus_message_get_sender (reply), cursor);
}

static void
enumeration_on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree EnumerationTask *task = data;
  Enumeration *run = task->run;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) reply = deye_bus_client_request_finish (DEYE_BUS_CLIENT (source), result, &error);
  guint32 cursor = 0;

  run->outstanding--;
  if (g_cancellable_is_cancelled (run->cancellable))
    return;
  if (reply != NULL && enumeration_take_answer (run, reply, &cursor))
    {
      if (cursor != 0)
        enumeration_send_task (run, task->shard, cursor);
      else
        run->answered++;
      return;
    }
  run->answered++;
  run->failed++;
  job_report_step (&run->job->report, "group", FALSE, NULL, _ ("a shard failed: %s"),
                   error != NULL ? error->message : _ ("the reply can't be read"));
}

static gboolean
enumeration_all_answered (Job *job, gpointer data)
{
  return ((Enumeration *) data)->answered == SHARDS;
}

static void
enumeration_send_task (Enumeration *run, guint shard, guint32 cursor)
{
  g_autoptr (GBytes) payload = enumeration_pack_task (shard, cursor);
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  EnumerationTask *task = g_new (EnumerationTask, 1);

  *task = (EnumerationTask){ run, shard };
  run->outstanding++;
  deye_bus_options_set_type_name (options, "daemoneye.eventbus.v1.TaskRequest");
  deye_bus_options_set_correlation_id (options, "demo-enumeration");
  deye_bus_options_set_timeout (options, 10 * G_TIME_SPAN_SECOND);
  deye_bus_client_request_async (run->job->client, "control.collector.task.process", payload, options, run->cancellable,
                                 enumeration_on_answer, task);
}

static void
enumeration_report_shares (Job *job, const Enumeration *run)
{
  JsonArray *list = json_array_new ();
  JsonObject *facts = json_object_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, run->shares);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      const Share *share = value;
      JsonObject *one = json_object_new ();

      json_object_set_string_member (one, "collector", name);
      json_object_set_int_member (one, "shards", share->shards);
      json_object_set_int_member (one, "processes", share->processes);
      json_object_set_int_member (one, "duration_us", (gint64) share->duration_us);
      json_array_add_object_element (list, one);
      g_string_append_printf (text, _ ("%s%s answered %u (%u processes, %.1f ms)"), text->len > 0 ? ", " : "",
                              (const char *) name, share->shards, share->processes, (double) share->duration_us / 1000);
    }
  json_object_set_array_member (facts, "shares", list);
  job_report_step (&job->report, "group", g_hash_table_size (run->shares) == JOB_COLLECTORS, facts,
                   _ ("%u requests to the queue group: %s"), SHARDS, text->str);
}

/* Each process that is in both snapshots must be in the table once, and each process in the table must be in a
 * snapshot. */
static void
enumeration_report_table (Job *job, const Enumeration *run, const JobVerdict *verdict, guint round)
{
  JsonObject *facts = json_object_new ();
  guint in_neither = verdict->unknown + verdict->passing;

  json_object_set_int_member (facts, "processes", run->records->len);
  json_object_set_int_member (facts, "in_proc_before_and_after", verdict->stayed);
  json_object_set_int_member (facts, "missing", verdict->missing);
  json_object_set_int_member (facts, "unknown", in_neither);
  json_object_set_int_member (facts, "twice", verdict->twice);
  json_object_set_int_member (facts, "unreadable", run->unreadable);
  json_object_set_int_member (facts, "shortened", run->shortened);
  json_object_set_int_member (facts, "round", round);
  job_report_step (
      &job->report, "table", verdict->missing == 0 && in_neither == 0 && verdict->twice == 0 && verdict->stayed > 0,
      facts, _ ("%u processes; of %u in /proc before and after, %u are missing; %u are unknown, %u are listed twice"),
      run->records->len, verdict->stayed, verdict->missing, in_neither, verdict->twice);
  if (run->unreadable > 0)
    job_report_detail (&job->report, _ ("(%u further processes can't be read)"), run->unreadable);
  if (round > 1)
    job_report_detail (&job->report, _ ("(round %u: processes started or exited during earlier rounds)"), round);
}

static gint
enumeration_by_memory (gconstpointer a, gconstpointer b)
{
  const JobRecord *first = *(const JobRecord *const *) a;
  const JobRecord *second = *(const JobRecord *const *) b;

  return (first->resident_bytes < second->resident_bytes) - (first->resident_bytes > second->resident_bytes);
}

/* Fields of ProcessRecord that may be unknown: their bits in unknown_fields. */
#define UNKNOWN_PPID     (1u << 2)
#define UNKNOWN_NAME     (1u << 3)
#define UNKNOWN_EXE      (1u << 4)
#define UNKNOWN_UID      (1u << 6)
#define UNKNOWN_CPU_TIME (1u << 8)
#define UNKNOWN_RESIDENT (1u << 9)
#define UNKNOWN_DELETED  (1u << 12)

static char *
enumeration_format (const JobRecord *record, guint32 field, double value, guint digits, const char *unit)
{
  return (record->unknown_fields & field) != 0 ? g_strdup ("?") : g_strdup_printf ("%.*f%s", (int) digits, value, unit);
}

static void
enumeration_show_record (Job *job, const JobRecord *record)
{
  g_autofree char *ppid = enumeration_format (record, UNKNOWN_PPID, record->ppid, 0, "");
  g_autofree char *uid = enumeration_format (record, UNKNOWN_UID, record->uid, 0, "");
  g_autofree char *memory
      = enumeration_format (record, UNKNOWN_RESIDENT, (double) record->resident_bytes / 1e6, 1, " MB");
  g_autofree char *cpu = enumeration_format (record, UNKNOWN_CPU_TIME, (double) record->cpu_time_us / 1e6, 2, " s");

  g_autofree char *command = terminal_text_safe (record->n_command_line > 0 ? record->command_line[0] : record->name);
  g_autofree char *cut = terminal_text_cut (command, COMMAND_COLUMNS);

  job_report_detail (&job->report, "%7u %7s %6s %9s %9s  %s", record->pid, ppid, uid, memory, cpu, cut);
}

static void
enumeration_show_table (Job *job, const Enumeration *run)
{
  g_ptr_array_sort (run->records, enumeration_by_memory);
  job_report_detail (&job->report, "%7s %7s %6s %9s %9s  %s", _ ("PID"), _ ("PARENT"), _ ("UID"), _ ("MEMORY"),
                     _ ("CPU"), _ ("COMMAND"));
  for (guint i = 0; i < MIN (run->records->len, SHOWN); i++)
    enumeration_show_record (job, g_ptr_array_index (run->records, i));
  if (run->records->len > SHOWN)
    job_report_detail (&job->report, _ ("and %u more"), run->records->len - SHOWN);
}

/* An unknown value is null. */
static void
enumeration_add_number (JsonObject *one, const JobRecord *record, guint32 field, const char *name, guint64 value)
{
  if ((record->unknown_fields & field) != 0)
    json_object_set_null_member (one, name);
  else
    json_object_set_int_member (one, name, (gint64) value);
}

static void
enumeration_add_text (JsonObject *one, const JobRecord *record, guint32 field, const char *name, const char *value)
{
  if ((record->unknown_fields & field) != 0)
    json_object_set_null_member (one, name);
  else
    json_object_set_string_member (one, name, value);
}

static JsonObject *
enumeration_make_json (const JobRecord *record)
{
  JsonObject *one = json_object_new ();

  json_object_set_int_member (one, "pid", record->pid);
  enumeration_add_number (one, record, UNKNOWN_PPID, "ppid", record->ppid);
  enumeration_add_number (one, record, UNKNOWN_UID, "uid", record->uid);
  enumeration_add_text (one, record, UNKNOWN_NAME, "name", record->name);
  enumeration_add_text (one, record, UNKNOWN_EXE, "exe", record->exe);
  if ((record->unknown_fields & UNKNOWN_DELETED) != 0)
    json_object_set_null_member (one, "exe_deleted");
  else
    json_object_set_boolean_member (one, "exe_deleted", record->exe_deleted);
  json_object_set_int_member (one, "start_time", (gint64) record->start_time);
  enumeration_add_number (one, record, UNKNOWN_RESIDENT, "resident_bytes", record->resident_bytes);
  enumeration_add_number (one, record, UNKNOWN_CPU_TIME, "cpu_time_us", record->cpu_time_us);
  return one;
}

static void
enumeration_print_json (const Job *job, const Enumeration *run)
{
  for (guint i = 0; job->report.json && i < run->records->len; i++)
    job_report_object (enumeration_make_json (g_ptr_array_index (run->records, i)));
}

static void
enumeration_init (Enumeration *run, Job *job)
{
  *run = (Enumeration){ .job = job };
  run->guards = g_ptr_array_new_with_free_func ((GDestroyNotify) wire_guard_free);
  run->records = g_ptr_array_new ();
  run->cancellable = g_cancellable_new ();
  run->shares = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

/* After a timeout, answers may still be outstanding. */
static void
enumeration_clear (Enumeration *run)
{
  g_cancellable_cancel (run->cancellable);
  while (run->outstanding > 0)
    g_main_context_iteration (NULL, TRUE);
  g_clear_object (&run->cancellable);
  g_clear_pointer (&run->guards, g_ptr_array_unref);
  g_clear_pointer (&run->records, g_ptr_array_unref);
  g_clear_pointer (&run->shares, g_hash_table_unref);
}

/* Gets one table of the machine and compares it. FALSE: a reply is missing. */
static gboolean
enumeration_run_round (Job *job, Enumeration *run, JobVerdict *verdict)
{
  guint64 since = job_proc_now ();
  g_autoptr (GHashTable) before = job_proc_snapshot ();
  g_autoptr (GHashTable) after = NULL;

  for (guint shard = 0; shard < SHARDS; shard++)
    enumeration_send_task (run, shard, 0);
  if (!job_wait (job, enumeration_all_answered, run, 15 * G_TIME_SPAN_SECOND, "group", _ ("an answer")))
    return FALSE;
  after = job_proc_snapshot ();
  *verdict = job_compare (run->records, before, after, since);
  return TRUE;
}

/* Repeats a round whose comparison has no result. Reports any other mismatch at once. */
gboolean
job_enumerate (Job *job)
{
  Enumeration run;
  JobVerdict verdict = { 0 };
  guint round = 1;
  gboolean ok;

  enumeration_init (&run, job);
  while ((ok = enumeration_run_round (job, &run, &verdict)) && run.failed == 0 && job_verdict_is_disturbed (&verdict)
         && round < ROUNDS_MAX)
    {
      enumeration_clear (&run);
      enumeration_init (&run, job);
      round++;
    }
  if (ok)
    {
      enumeration_report_shares (job, &run);
      enumeration_report_table (job, &run, &verdict, round);
      enumeration_show_table (job, &run);
      enumeration_print_json (job, &run);
      ok = run.failed == 0;
    }
  enumeration_clear (&run);
  return ok;
}

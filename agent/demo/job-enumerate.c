/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#include "deye-bus-pack.h"
#include "job-compare.h"
#include "job-proc.h"
#include "task.pb-c.h"
#include "wire-guard.h"

#include <glib/gi18n.h>

/*
 * The step of the demonstration that lists processes: the shards of one task pass through the queue group, the replies form
 * one table of this machine's processes, and the table is compared with /proc as it was before and after.
 */

#define SHARDS     8u
#define SHOWN      8u
#define ROUNDS_MAX 20u

typedef Daemoneye__Eventbus__V1__TaskResult TaskResult;
typedef Daemoneye__Eventbus__V1__ProcessTable ProcessTable;

/* The part of the work that one collector did. */
typedef struct
{
  guint shards;
  guint processes;
  guint64 duration_us;
} Share;

typedef struct
{
  Job *job;
  guint answered;
  guint failed;
  GPtrArray *guards;  /* keep the records alive */
  GPtrArray *records; /* of const JobRecord */
  GHashTable *shares; /* collector -> Share */
  guint vanished;
} Enumeration;

static GBytes *
enumeration_pack_task (guint shard)
{
  g_autofree char *id = g_strdup_printf ("enumerate-%u", shard);
  Daemoneye__Eventbus__V1__TaskRequest task;

  daemoneye__eventbus__v1__task_request__init (&task);
  task.task_id = id;
  task.operation = (char *) "enumerate_processes";
  task.shard = shard;
  task.shards = SHARDS;
  return deye_bus_pack (&task.base);
}

static gboolean
enumeration_take_table (Enumeration *run, const TaskResult *result, const char *sender)
{
  WireGuard *guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__process_table__descriptor,
                                                wire_span (result->result.data, result->result.len), 0, NULL);
  const ProcessTable *table;
  Share *share;

  if (guard == NULL)
    return FALSE;
  g_ptr_array_add (run->guards, guard);
  table = wire_guard_message (guard);
  for (gsize i = 0; i < table->n_processes; i++)
    g_ptr_array_add (run->records, table->processes[i]);
  run->vanished += table->vanished;

  share = g_hash_table_lookup (run->shares, sender);
  if (share == NULL)
    {
      share = g_new0 (Share, 1);
      g_hash_table_insert (run->shares, g_strdup (sender), share);
    }
  share->shards++;
  share->processes += (guint) table->n_processes;
  share->duration_us += result->duration_us;
  return TRUE;
}

static gboolean
enumeration_take_answer (Enumeration *run, DeyeBusMessage *reply)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__task_result__descriptor, reply);

  return guard != NULL && enumeration_take_table (run, wire_guard_message (guard), deye_bus_message_get_sender (reply));
}

static void
enumeration_on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  Enumeration *run = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) reply = deye_bus_client_request_finish (DEYE_BUS_CLIENT (source), result, &error);

  run->answered++;
  if (reply != NULL && enumeration_take_answer (run, reply))
    return;
  run->failed++;
  job_report_step (&run->job->report, "tasks", FALSE, NULL, _ ("a shard failed: %s"),
                   error != NULL ? error->message : _ ("the reply can't be read"));
}

static gboolean
enumeration_all_answered (Job *job, gpointer data)
{
  return ((Enumeration *) data)->answered == SHARDS;
}

static void
enumeration_send_tasks (Job *job, Enumeration *run)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();

  deye_bus_options_set_type_name (options, "daemoneye.eventbus.v1.TaskRequest");
  deye_bus_options_set_correlation_id (options, "demo-enumeration");
  deye_bus_options_set_timeout (options, 10 * G_TIME_SPAN_SECOND);
  for (guint shard = 0; shard < SHARDS; shard++)
    {
      g_autoptr (GBytes) task = enumeration_pack_task (shard);

      deye_bus_client_request_async (job->client, "control.collector.task.process", task, options, NULL,
                                     enumeration_on_answer, run);
    }
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
      g_string_append_printf (text, _ ("%s%s did %u (%u processes, %.1f ms)"), text->len > 0 ? ", " : "",
                              (const char *) name, share->shards, share->processes, (double) share->duration_us / 1000);
    }
  json_object_set_array_member (facts, "shares", list);
  job_report_step (&job->report, "tasks", g_hash_table_size (run->shares) == JOB_COLLECTORS, facts, _ ("%u shards: %s"),
                   SHARDS, text->str);
}

/* Each process that is in both snapshots must be in the table once, and each process in the table must be in a
 * snapshot. */
static void
enumeration_report_table (Job *job, const Enumeration *run, const JobVerdict *verdict, guint round)
{
  JsonObject *facts = json_object_new ();
  guint in_neither = verdict->invented + verdict->passing;

  json_object_set_int_member (facts, "processes", run->records->len);
  json_object_set_int_member (facts, "in_proc_before_and_after", verdict->stayed);
  json_object_set_int_member (facts, "missing", verdict->missing);
  json_object_set_int_member (facts, "invented", in_neither);
  json_object_set_int_member (facts, "twice", verdict->twice);
  json_object_set_int_member (facts, "round", round);
  job_report_step (
      &job->report, "table", verdict->missing == 0 && in_neither == 0 && verdict->twice == 0 && verdict->stayed > 0,
      facts, _ ("%u processes; of %u in /proc before and after, %u are missing; %u are unknown, %u are listed twice"),
      run->records->len, verdict->stayed, verdict->missing, in_neither, verdict->twice);
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

static void
enumeration_show_table (Job *job, const Enumeration *run)
{
  g_ptr_array_sort (run->records, enumeration_by_memory);
  job_report_detail (&job->report, "%7s %7s %6s %9s %9s  %s", _ ("PID"), _ ("PARENT"), _ ("UID"), _ ("MEMORY"),
                     _ ("CPU"), _ ("COMMAND"));
  for (guint i = 0; i < MIN (run->records->len, SHOWN); i++)
    {
      const JobRecord *record = g_ptr_array_index (run->records, i);
      g_autofree char *command
          = record->n_command_line > 0 ? g_strdup (record->command_line[0]) : g_strdup (record->name);

      job_report_detail (&job->report, "%7u %7u %6u %6.1f MB %7.2f s  %.48s", record->pid, record->ppid, record->uid,
                         (double) record->resident_bytes / 1e6, (double) record->cpu_time_us / 1e6, command);
    }
  if (run->records->len > SHOWN)
    job_report_detail (&job->report, _ ("and %u more"), run->records->len - SHOWN);
}

static void
enumeration_print_json (const Job *job, const Enumeration *run)
{
  for (guint i = 0; job->report.json && i < run->records->len; i++)
    {
      const JobRecord *record = g_ptr_array_index (run->records, i);
      g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
      JsonObject *one = json_object_new ();
      g_autofree char *line = NULL;

      json_object_set_int_member (one, "pid", record->pid);
      json_object_set_int_member (one, "ppid", record->ppid);
      json_object_set_int_member (one, "uid", record->uid);
      json_object_set_string_member (one, "name", record->name);
      json_object_set_string_member (one, "exe", record->exe);
      json_object_set_int_member (one, "start_time", (gint64) record->start_time);
      json_object_set_int_member (one, "resident_bytes", (gint64) record->resident_bytes);
      json_object_set_int_member (one, "cpu_time_us", (gint64) record->cpu_time_us);
      json_node_take_object (root, one);
      line = json_to_string (root, FALSE);
      g_print ("%s\n", line);
    }
}

static void
enumeration_init (Enumeration *run, Job *job)
{
  *run = (Enumeration){ .job = job };
  run->guards = g_ptr_array_new_with_free_func ((GDestroyNotify) wire_guard_free);
  run->records = g_ptr_array_new ();
  run->shares = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static void
enumeration_clear (Enumeration *run)
{
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

  enumeration_send_tasks (job, run);
  if (!job_wait (job, enumeration_all_answered, run, 15 * G_TIME_SPAN_SECOND, "tasks", _ ("an answer")))
    return FALSE;
  after = job_proc_snapshot ();
  *verdict = job_compare (run->records, before, after, since);
  return TRUE;
}

/* A round that proves nothing is repeated. Every other mismatch is reported at once. */
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

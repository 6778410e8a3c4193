/* SPDX-License-Identifier: Apache-2.0 */
#include "job-worker.h"

#include "job-proc.h"
#include "platform-process.h"

#include <json-glib/json-glib.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  const char *name;
  guint rounds;
  guint interval_ms;
} WorkerOperation;

static const WorkerOperation operations[]
    = { { JOB_WORKER_CENSUS, JOB_WORKER_ROUNDS, 50 }, { JOB_WORKER_CHECK, 2, 10 } };

/* A task that this process works on. */
typedef struct
{
  DeyeBusWork *work;
  WorkerOperation operation;
  char *key; /* key of the process to find; empty: all processes */
  JobWorkerResult result;
} WorkerRun;

/* --- results --- */

static const struct
{
  const char *name;
  gsize offset;
} members[] = { { "pid", G_STRUCT_OFFSET (JobWorkerResult, pid) },
                { "run", G_STRUCT_OFFSET (JobWorkerResult, run) },
                { "attempt", G_STRUCT_OFFSET (JobWorkerResult, attempt) },
                { "rounds", G_STRUCT_OFFSET (JobWorkerResult, rounds) },
                { "processes", G_STRUCT_OFFSET (JobWorkerResult, processes) } };

static GBytes *
worker_result_write (const JobWorkerResult *result)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  char *text;

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    json_object_set_int_member (object, members[i].name, G_STRUCT_MEMBER (guint, result, members[i].offset));
  json_node_take_object (root, object);
  text = json_to_string (root, FALSE);
  return g_bytes_new_take (text, strlen (text));
}

gboolean
job_worker_result_read (GBytes *bytes, JobWorkerResult *result)
{
  gsize len;
  const char *data = g_bytes_get_data (bytes, &len);
  g_autofree char *text = g_strndup (data, len);
  g_autoptr (JsonNode) root = json_from_string (text, NULL);
  JsonObject *object;

  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return FALSE;
  object = json_node_get_object (root);
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    G_STRUCT_MEMBER (guint, result, members[i].offset)
        = (guint) json_object_get_int_member_with_default (object, members[i].name, 0);
  return TRUE;
}

/* --- work --- */

static void
worker_run_free (WorkerRun *run)
{
  g_object_unref (run->work);
  g_free (run->key);
  g_free (run);
}

static guint
worker_count_processes (const WorkerRun *run)
{
  g_autoptr (GHashTable) processes = job_proc_snapshot ();

  if (*run->key == '\0')
    return g_hash_table_size (processes);
  return g_hash_table_contains (processes, run->key) ? 1 : 0;
}

/* TRUE: another round follows. */
static gboolean
worker_run_round (WorkerRun *run)
{
  g_autoptr (GBytes) result = NULL;

  run->result.rounds++;
  run->result.processes = worker_count_processes (run);
  if (!deye_bus_work_progress (run->work, run->result.rounds, run->operation.rounds, NULL, NULL, NULL))
    {
      deye_bus_work_acknowledge_cancel (run->work, NULL);
      return FALSE;
    }
  if (run->result.rounds < run->operation.rounds)
    return TRUE;
  result = worker_result_write (&run->result);
  deye_bus_work_succeed (run->work, result, NULL, NULL);
  return FALSE;
}

static gboolean
worker_on_round (gpointer data)
{
  WorkerRun *run = data;

  if (g_str_equal (run->key, JOB_WORKER_POISON))
    _Exit (EXIT_FAILURE); /* like a crash: no GOODBYE to the broker, and no core file */
  return worker_run_round (run) ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static WorkerOperation
worker_find_operation (const char *name)
{
  guint i = 0;

  while (i + 1 < G_N_ELEMENTS (operations) && !g_str_equal (operations[i].name, name))
    i++;
  return operations[i];
}

static void
worker_on_work (DeyeBusCollector *collector, DeyeBusWork *work, gpointer runs)
{
  WorkerRun *run = g_new0 (WorkerRun, 1);
  gsize len;
  const char *payload = g_bytes_get_data (deye_bus_work_get_payload (work), &len);

  run->work = g_object_ref (work);
  run->operation = worker_find_operation (deye_bus_work_get_operation (work));
  run->key = g_strndup (len > 0 ? payload : "", len);
  run->result.pid = platform_process_id ();
  run->result.run = ++*(guint *) runs;
  run->result.attempt = deye_bus_work_get_attempt (work);
  g_timeout_add_full (G_PRIORITY_DEFAULT, run->operation.interval_ms, worker_on_round, run,
                      (GDestroyNotify) worker_run_free);
}

/* The limits are much larger than the duration of the work, so the result does not depend on the load of the machine. */
static gboolean
worker_add_operations (DeyeBusCollector *collector, guint *runs, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    if (!deye_bus_collector_add_operation (collector, operations[i].name, NULL, DEYE_BUS_OPERATION_IDEMPOTENT,
                                           worker_on_work, runs, NULL, error)
        || !deye_bus_collector_set_operation_limits (collector, operations[i].name, 60 * G_TIME_SPAN_SECOND,
                                                     10 * G_TIME_SPAN_SECOND, error))
      return FALSE;
  return TRUE;
}

gboolean
job_worker_run (const char *address, const char *id, GError **error)
{
  g_autoptr (DeyeBusCollector) collector = deye_bus_collector_new (address, id, JOB_WORKER_TYPE);
  guint runs = 0;

  g_object_set (collector, "max-concurrent", 2, NULL);
  return worker_add_operations (collector, &runs, error) && deye_bus_collector_run (collector, error);
}

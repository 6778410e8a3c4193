/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-process.h"
#include "job-tasks.h"

#include "collection.pb-c.h"
#include "deye-bus-pack.h"
#include "filesystem.pb-c.h"
#include "network.pb-c.h"
#include "platform-process.h"

#include <glib/gi18n.h>
#include <string.h>

/*
 * The last step of the demonstration: one question to collectors of three types, "what does this process do?". procmond answers
 * with the process, netmond with its sockets, and fsmond with its open files. One procmond is killed before it can answer. The
 * others answer nevertheless, and the manifest names the missing answer.
 *
 * This step starts netmond and fsmond. If one of them was not built, the step works without it and reports that.
 */

#define OPERATION   "describe_process"
#define QUERY_TYPE  "daemoneye.eventbus.v1.DescribeProcess"
#define QUESTION_US (20 * G_TIME_SPAN_SECOND)

#define VICTIM 1u /* the procmond that is killed, of the job's collectors */

/* --- the answers --- */

static char *
question_text_of_table (gconstpointer message)
{
  const Daemoneye__Eventbus__V1__ProcessTable *table = message;

  if (table->n_processes == 0)
    return g_strdup (_ ("no such process"));
  return g_strdup_printf (_ ("%s, child of %u: %s"), table->processes[0]->name, table->processes[0]->ppid,
                          table->processes[0]->exe);
}

static char *
question_text_of_sockets (gconstpointer message)
{
  const Daemoneye__Eventbus__V1__SocketTable *table = message;
  guint listening = 0;

  for (gsize i = 0; i < table->n_sockets; i++)
    listening += table->sockets[i]->state == DAEMONEYE__EVENTBUS__V1__SOCKET_STATE__SOCKET_STATE_LISTENING ? 1 : 0;
  return g_strdup_printf (_ ("%zu sockets, of which %u listen"), table->n_sockets, listening);
}

static char *
question_text_of_paths (gconstpointer message)
{
  const Daemoneye__Eventbus__V1__OpenPaths *paths = message;

  for (gsize i = 0; i < paths->n_paths; i++)
    if (paths->paths[i]->use == DAEMONEYE__EVENTBUS__V1__OPEN_PATH_USE__OPEN_PATH_USE_WORKING_DIRECTORY)
      return g_strdup_printf (_ ("%zu open files, in the directory %s"), paths->n_paths, paths->paths[i]->path);
  return g_strdup_printf (_ ("%zu open files"), paths->n_paths);
}

/* A type of collector that answers. */
typedef struct
{
  const char *name; /* of the program */
  const char *places[3];
  const ProtobufCMessageDescriptor *type; /* of its answer */
  char *(*describe) (gconstpointer message);
} QuestionKind;

static const QuestionKind question_kinds[] = {
  { "procmond", { NULL }, &daemoneye__eventbus__v1__process_table__descriptor, question_text_of_table },
  { "netmond",
    { NETMOND_BUILT, NETMOND_BESIDE },
    &daemoneye__eventbus__v1__socket_table__descriptor,
    question_text_of_sockets },
  { "fsmond",
    { FSMOND_BUILT, FSMOND_BESIDE },
    &daemoneye__eventbus__v1__open_paths__descriptor,
    question_text_of_paths },
};
#define N_KINDS G_N_ELEMENTS (question_kinds)

typedef struct
{
  Job *job;
  JobTasks tasks;
  AgentChild *started[N_KINDS]; /* NULL: it was not built, or the job has started it */
  GPtrArray *ids;               /* ids of the expected collectors; NULL-ended */
  guint described[N_KINDS];     /* valid answers of each type */
  GPtrArray *answers;           /* of DeyeBusGatherAnswer */
  JsonArray *list;              /* the same, described, by id */
} QuestionStep;

/* NULL: the payload is not valid. */
static char *
question_read (const QuestionKind *kind, GBytes *payload)
{
  gsize len;
  gconstpointer data = g_bytes_get_data (payload, &len);
  g_autoptr (WireGuard) guard = wire_guard_unpack_lenient (kind->type, wire_span (data, len), 0, NULL);

  return guard != NULL ? kind->describe (wire_guard_message (guard)) : NULL;
}

static void
question_describe (QuestionStep *self, DeyeBusGatherAnswer *answer)
{
  g_autoptr (GBytes) payload = deye_bus_gather_answer_dup_payload (answer);
  const char *type = deye_bus_gather_answer_get_payload_type (answer);
  g_autofree char *text = NULL;
  JsonObject *one = json_object_new ();

  for (guint i = 0; i < N_KINDS; i++)
    if (g_strcmp0 (type, question_kinds[i].type->name) == 0)
      {
        text = question_read (&question_kinds[i], payload);
        self->described[i] += text != NULL ? 1 : 0;
      }
  json_object_set_string_member (one, "id", deye_bus_gather_answer_get_id (answer));
  json_object_set_string_member (one, "text", text != NULL ? text : _ ("the answer can't be read"));
  json_array_add_object_element (self->list, one);
}

static gint
question_compare (gconstpointer a, gconstpointer b)
{
  return strcmp (deye_bus_gather_answer_get_id (*(DeyeBusGatherAnswer *const *) a),
                 deye_bus_gather_answer_get_id (*(DeyeBusGatherAnswer *const *) b));
}

static void
question_describe_all (QuestionStep *self)
{
  g_ptr_array_sort (self->answers, question_compare);
  for (guint i = 0; i < self->answers->len; i++)
    question_describe (self, self->answers->pdata[i]);
}

/* --- the collectors --- */

static gboolean
question_start_kind (QuestionStep *self, guint i)
{
  const QuestionKind *kind = &question_kinds[i];
  g_autofree char *path = agent_child_find (kind->name, kind->places);
  g_autofree char *id = g_strdup_printf ("%s-1", kind->name);
  const char *argv[] = { path, "--id", id, "--address", agent_module_address (self->job->module), NULL };
  g_autoptr (GError) error = NULL;

  if (path == NULL)
    return TRUE;
  self->started[i] = agent_child_start (id, argv, &error);
  if (self->started[i] != NULL)
    g_ptr_array_add (self->ids, g_steal_pointer (&id));
  else
    job_report_step (&self->job->report, "question", FALSE, NULL, "%s: %s", id, error->message);
  return self->started[i] != NULL;
}

static gboolean
question_start (QuestionStep *self)
{
  for (guint i = 0; i < JOB_COLLECTORS; i++)
    g_ptr_array_add (self->ids, g_strdup (self->job->collectors[i]->name));
  for (guint i = 0; i < N_KINDS; i++)
    if (question_kinds[i].places[0] != NULL && !question_start_kind (self, i))
      return FALSE;
  g_ptr_array_add (self->ids, NULL);
  return job_tasks_wait_for_collectors (&self->tasks, (const char *const *) self->ids->pdata);
}

/* --- the question --- */

static DeyeBusGather *
question_ask (QuestionStep *self, guint pid, GError **error)
{
  g_autoptr (DeyeBusGatherSpec) spec = deye_bus_gather_spec_new (OPERATION);
  Daemoneye__Eventbus__V1__DescribeProcess query;
  g_autoptr (GBytes) payload = NULL;

  daemoneye__eventbus__v1__describe_process__init (&query);
  query.pid = pid;
  payload = deye_bus_pack (&query.base);
  deye_bus_gather_spec_set_payload (spec, payload, QUERY_TYPE);
  deye_bus_gather_spec_set_require_all (spec);
  deye_bus_gather_spec_set_timeout (spec, QUESTION_US);
  return deye_bus_client_gather_begin (self->job->client, spec, error);
}

/* Collects the answers, and kills the victim after the first answer. The victim was suspended before the question was sent, so it
 * has the question and has not answered. Returns the error of the partial result, which is expected. */
static GError *
question_take_answers (QuestionStep *self, DeyeBusGather *gather)
{
  AgentChild *victim = self->job->collectors[VICTIM];
  DeyeBusGatherAnswer *answer;
  GError *error = NULL;

  while ((answer = deye_bus_gather_next (gather, NULL, &error)) != NULL)
    {
      g_ptr_array_add (self->answers, answer);
      if (self->answers->len == 1)
        g_subprocess_force_exit (victim->process);
    }
  question_describe_all (self);
  return error;
}

/* TRUE: only the answer of the victim is missing. */
static gboolean
question_names_victim (const QuestionStep *self, const DeyeBusManifest *manifest)
{
  g_auto (GStrv) missing = deye_bus_manifest_list_missing (manifest);

  return g_strv_length (missing) == 1 && g_str_equal (missing[0], self->job->collectors[VICTIM]->name)
         && deye_bus_manifest_get_expected (manifest) == self->ids->len - 1;
}

/* TRUE: collectors of each running type have described the process. */
static gboolean
question_is_described (const QuestionStep *self)
{
  gboolean all = self->described[0] == JOB_COLLECTORS - 1;

  for (guint i = 1; i < N_KINDS; i++)
    all = all && self->described[i] == (self->started[i] != NULL ? 1 : 0);
  return all;
}

/* --- the report --- */

static void
question_show (const QuestionStep *self, const DeyeBusManifest *manifest)
{
  JobReport *report = &self->job->report;
  g_autofree char *text = deye_bus_manifest_to_string (manifest);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; i < json_array_get_length (self->list); i++)
    {
      JsonObject *one = json_array_get_object_element (self->list, i);

      job_report_detail (report, "%-11s %s", json_object_get_string_member (one, "id"),
                         json_object_get_string_member (one, "text"));
    }
  for (guint i = 1; i < g_strv_length (lines); i++)
    job_report_detail (report, "%s", g_strstrip (lines[i]));
  for (guint i = 1; i < N_KINDS; i++)
    if (self->started[i] == NULL)
      job_report_detail (report, _ ("(%s is not built, and is left out)"), question_kinds[i].name);
}

static gboolean
question_report (QuestionStep *self, DeyeBusGather *gather, guint pid, const GError *error)
{
  g_autoptr (DeyeBusManifest) manifest = deye_bus_gather_dup_manifest (gather);
  JsonObject *facts;
  gboolean ok;

  if (manifest == NULL)
    {
      job_report_step (&self->job->report, "question", FALSE, NULL, "%s",
                       error != NULL ? error->message : _ ("there is no manifest"));
      return FALSE;
    }
  ok = g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_PARTIAL) && question_names_victim (self, manifest)
       && question_is_described (self);
  facts = json_object_new ();
  json_object_set_int_member (facts, "expected", deye_bus_manifest_get_expected (manifest));
  json_object_set_int_member (facts, "answers", json_array_get_length (self->list));
  json_object_set_string_member (facts, "killed", self->job->collectors[VICTIM]->name);
  json_object_set_boolean_member (facts, "named", question_names_victim (self, manifest));
  json_object_set_array_member (facts, "list", json_array_ref (self->list));
  job_report_step (&self->job->report, "question", ok, facts,
                   _ ("what does process %u do? %u of %u collectors have answered; %s was killed meanwhile, and the "
                      "manifest lists it as missing"),
                   pid, json_array_get_length (self->list), deye_bus_manifest_get_expected (manifest),
                   self->job->collectors[VICTIM]->name);
  question_show (self, manifest);
  return ok;
}

/* Restarts the victim, so that a job that keeps running has all collectors. */
static gboolean
question_recover (QuestionStep *self)
{
  AgentChild *killed = g_steal_pointer (&self->job->collectors[VICTIM]);
  const char *ids[] = { killed->name, NULL };
  gboolean ok = job_start_collector (self->job, VICTIM) && job_tasks_wait_for_collectors (&self->tasks, ids);

  agent_child_free (killed);
  return ok;
}

static gboolean
question_run (QuestionStep *self)
{
  const guint pid = (guint) platform_process_id ();
  g_autoptr (DeyeBusGather) gather = NULL;
  g_autoptr (GError) error = NULL;

  if (!job_tasks_init (&self->tasks, self->job, "question", self->job->client) || !question_start (self)
      || !agent_process_suspend (self->job->collectors[VICTIM]->process, &error))
    return FALSE;
  gather = question_ask (self, pid, &error);
  if (gather == NULL)
    {
      job_report_step (&self->job->report, "question", FALSE, NULL, "%s", error->message);
      return FALSE;
    }
  error = question_take_answers (self, gather);
  return question_report (self, gather, pid, error) && question_recover (self);
}

gboolean
job_ask_all (Job *job)
{
  QuestionStep self = { .job = job, .list = json_array_new () };
  gboolean ok;

  self.ids = g_ptr_array_new_with_free_func (g_free);
  self.answers = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_gather_answer_unref);
  ok = question_run (&self);
  for (guint i = 0; i < N_KINDS; i++)
    g_clear_pointer (&self.started[i], agent_child_free);
  job_tasks_clear (&self.tasks);
  g_ptr_array_unref (self.ids);
  g_ptr_array_unref (self.answers);
  json_array_unref (self.list);
  return ok;
}

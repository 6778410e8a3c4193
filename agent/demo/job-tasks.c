/* SPDX-License-Identifier: Apache-2.0 */
#include "job-tasks.h"

#include "deye-bus-pack.h"

#include <glib/gi18n.h>
#include <string.h>

#define EVENTS_PREFIX    "system.task."
#define TASK_TOPIC       "control.bus.task"
#define COLLECTORS_TOPIC "control.bus.collectors"
#define BARRIER_US       (20 * G_TIME_SPAN_SECOND)

static void
tasks_fail (JobTasks *self, const char *detail)
{
  job_report_step (&self->job->report, self->step, FALSE, NULL, "%s", detail);
}

/* --- events --- */

static void
tasks_event_free (gpointer data)
{
  JobTaskEvent *event = data;

  wire_guard_free (event->guard);
  g_free (event->name);
  g_free (event);
}

static void
tasks_on_event (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  JobTasks *self = data;
  WireGuard *guard = deye_bus_unpack (&daemoneye__eventbus__v1__task_event__descriptor, message);
  const Daemoneye__Eventbus__V1__TaskEvent *body;
  JobTaskEvent *event;

  if (guard == NULL)
    return;
  body = wire_guard_message (guard);
  event = g_new0 (JobTaskEvent, 1);
  event->name = g_strdup (deye_bus_message_get_topic (message) + strlen (EVENTS_PREFIX));
  event->at_us = g_get_monotonic_time ();
  event->guard = guard;
  event->task = body->task;
  event->before = body->before;
  event->cause = body->cause;
  g_ptr_array_add (self->events, event);
}

const JobTaskEvent *
job_tasks_find_event (const JobTasks *self, const char *name, const char *id, const JobTaskEvent *after)
{
  gboolean is_after = after == NULL;

  for (guint i = 0; i < self->events->len; i++)
    {
      const JobTaskEvent *event = self->events->pdata[i];

      if (is_after && g_str_equal (event->name, name) && g_str_equal (event->task->id, id))
        return event;
      is_after = is_after || event == after;
    }
  return NULL;
}

gboolean
job_tasks_init (JobTasks *self, Job *job, const char *step, DeyeBusClient *client)
{
  g_autoptr (GError) error = NULL;

  *self = (JobTasks){ .job = job, .step = step, .client = client };
  self->events = g_ptr_array_new_with_free_func (tasks_event_free);
  self->subscription
      = deye_bus_client_subscribe (client, EVENTS_PREFIX "#", NULL, tasks_on_event, self, NULL, NULL, &error);
  if (self->subscription == NULL)
    tasks_fail (self, error->message);
  return self->subscription != NULL;
}

void
job_tasks_clear (JobTasks *self)
{
  if (self->subscription != NULL)
    deye_bus_subscription_unsubscribe (self->subscription, NULL, NULL);
  g_clear_object (&self->subscription);
  g_clear_pointer (&self->events, g_ptr_array_unref);
}

/* --- requests --- */

/* NULL: there is no reply, and the reason was printed. */
static WireGuard *
tasks_request (JobTasks *self,
               const char *topic,
               const char *method,
               const ProtobufCMessage *request,
               const ProtobufCMessageDescriptor *reply_type)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GBytes) payload = deye_bus_pack (request);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) reply = NULL;
  WireGuard *guard;

  deye_bus_options_set_method (options, method);
  deye_bus_options_set_timeout (options, BARRIER_US);
  reply = deye_bus_client_request (self->client, topic, payload, options, NULL, &error);
  guard = reply != NULL ? deye_bus_unpack (reply_type, reply) : NULL;
  if (guard == NULL)
    tasks_fail (self, error != NULL ? error->message : _ ("the reply can't be read"));
  return guard;
}

static gboolean
tasks_check_barrier (JobTasks *self, const Daemoneye__Eventbus__V1__BarrierReply *reply)
{
  if (reply->n_missing == 0)
    return TRUE;
  job_report_step (&self->job->report, self->step, FALSE, NULL, _ ("%s is not ready for tasks"), reply->missing[0]);
  return FALSE;
}

gboolean
job_tasks_wait_for_collectors (JobTasks *self, const char *const *ids)
{
  Daemoneye__Eventbus__V1__BarrierRequest request;
  g_autoptr (WireGuard) guard = NULL;

  daemoneye__eventbus__v1__barrier_request__init (&request);
  request.n_expected = g_strv_length ((char **) ids);
  request.expected = (char **) ids;
  guard = tasks_request (self, COLLECTORS_TOPIC, "Barrier", &request.base,
                         &daemoneye__eventbus__v1__barrier_reply__descriptor);
  return guard != NULL && tasks_check_barrier (self, wire_guard_message (guard));
}

WireGuard *
job_tasks_get (JobTasks *self, const char *id)
{
  Daemoneye__Eventbus__V1__TaskRequestById request;

  daemoneye__eventbus__v1__task_request_by_id__init (&request);
  request.id = (char *) id;
  return tasks_request (self, TASK_TOPIC, "Get", &request.base, &daemoneye__eventbus__v1__task_reply__descriptor);
}

DeyeBusTask *
job_tasks_submit (JobTasks *self,
                  const char *operation,
                  const char *id,
                  GBytes *payload,
                  const char *payload_type,
                  guint attempts)
{
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new (operation);
  g_autoptr (GError) error = NULL;
  DeyeBusTask *task;

  deye_bus_task_spec_set_id (spec, id);
  deye_bus_task_spec_set_payload (spec, payload, payload_type);
  if (attempts > 0)
    deye_bus_task_spec_set_attempts (spec, attempts);
  task = deye_bus_client_submit (self->client, spec, &error);
  if (task == NULL)
    tasks_fail (self, error->message);
  return task;
}

/* --- history --- */

/* Converts "TASK_RUNNING" to "running". */
static char *
tasks_state_name (guint32 state)
{
  const ProtobufCEnumValue *value
      = protobuf_c_enum_descriptor_get_value (&daemoneye__eventbus__v1__task_state__descriptor, (int) state);

  return g_ascii_strdown (value != NULL ? value->name + strlen ("TASK_") : "?", -1);
}

void
job_tasks_show_history (const JobTasks *self, const JobTaskRecord *task)
{
  JobReport *report = &self->job->report;

  job_report_detail (report, "%11s  %-11s %7s  %-11s %s", _ ("AGO"), _ ("STATE"), _ ("ATTEMPT"), _ ("COLLECTOR"),
                     _ ("CAUSE"));
  for (gsize i = 0; i < task->n_history; i++)
    {
      const Daemoneye__Eventbus__V1__TaskHistory *step = task->history[i];
      g_autofree char *state = tasks_state_name (step->state);

      job_report_detail (report, _ ("%8.1f ms  %-11s %7u  %-11s %s"), (double) step->ago_us / 1000, state,
                         step->attempt, step->collector, step->cause);
    }
}

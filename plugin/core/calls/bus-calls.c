/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-calls.h"

#include "calls/bus-barrier.h"
#include "calls/bus-clear.h"
#include "calls/bus-collectors.h"
#include "calls/bus-describe.h"
#include "calls/bus-drain.h"
#include "calls/bus-gather-calls.h"
#include "calls/bus-health-calls.h"
#include "calls/bus-introspect.h"
#include "calls/bus-lost.h"
#include "calls/bus-registration.h"
#include "calls/bus-stats.h"
#include "calls/bus-subscribe.h"
#include "calls/bus-operation-calls.h"
#include "calls/bus-standing-calls.h"
#include "calls/bus-task-calls.h"
#include "calls/bus-timeline-page.h"
#include "calls/bus-wait.h"
#include "calls/bus-will.h"
#include "peer/bus-peer.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "work/bus-member.h"
#include "control.pb-c.h"
#include "coordination.pb-c.h"
#include "gather.pb-c.h"
#include "health.pb-c.h"
#include "introspection.pb-c.h"
#include "wire-feature.h"
#include "wire-guard.h"

#define PREFIX "control.bus."

static void
calls_ping (const BusCall *call)
{
  Daemoneye__Eventbus__V1__PingReply reply;

  daemoneye__eventbus__v1__ping_reply__init (&reply);
  reply.epoch = call->core->epoch;
  reply.uptime_us = (guint64) (call->now_us - call->core->started_us);
  reply.subscriptions = bus_subscriptions_size (&call->peer->subscriptions);
  reply.registration_id = call->peer->member != NULL ? call->peer->member->registration_id : 0;
  bus_reply_message (call->peer, call->id, &reply.base);
}

/* clang-format off */
#define METHOD(name, request, reply, doc, answer)                                                                      \
  { name, PREFIX name, FALSE, &daemoneye__eventbus__v1__##request##__descriptor,                                              \
    &daemoneye__eventbus__v1__##reply##__descriptor, doc, answer }

/* One of several methods on a topic. */
#define METHOD_OF(topic, name, request, reply, doc, answer)                                                            \
  { name, topic, TRUE, &daemoneye__eventbus__v1__##request##__descriptor,                                              \
    &daemoneye__eventbus__v1__##reply##__descriptor, doc, answer }

#define REGISTRATION "control.collector.registration"
#define TASK         PREFIX "task"

static const BusMethod methods[] = {
  METHOD ("subscribe", subscribe_request, subscribe_reply,
          "Subscribes to a topic or pattern, joins a group, or serves a topic.", bus_subscribe_answer),
  METHOD ("adjust", adjust_request, adjust_reply,
          "Changes the policy or the bounds of a subscription; in a group, those of all members.", bus_subscribe_adjust),
  METHOD ("unsubscribe", unsubscribe_request, unsubscribe_reply,
          "Ends a subscription and returns the outcome of its messages.", bus_subscribe_end),
  METHOD ("drain", drain_request, drain_reply,
          "Drains a member of a group, or a server; answers when it has handled the messages that it had received.",
          bus_drain_answer),
  METHOD ("lost", lost_request, lost_reply,
          "Reports the number of messages that the caller could not send; the broker reports it to the subscribers.",
          bus_lost_answer),
  METHOD ("ping", ping_request, ping_reply,
          "Returns the broker's epoch and uptime, and the caller's number of subscriptions and its registration id.", calls_ping),
  METHOD ("stats", stats_request, stats_reply,
          "Returns the broker's totals, and counters of the peers, subscriptions, groups and topic domains that the caller "
          "may see.",
          bus_stats_answer),
  METHOD ("introspect", bus_introspect_request, bus_introspect_reply,
          "Returns one page of the peers, subscriptions, groups, topics or retained messages that the caller may see.",
          bus_introspect_answer),
  METHOD ("timeline", timeline_request, timeline_reply,
          "Returns one page of the messages of one chain, with their fields, sizes and outcomes; for agent and tool.",
          bus_timeline_page_answer),
  METHOD ("describe", introspect_request, introspect_reply,
          "Returns the broker's methods and events, and the schema of their messages.", bus_describe_answer),
  METHOD ("wait", wait_request, wait_reply,
          "Answers when a peer is connected; or returns the connected peers, and then each peer that connects or disconnects.",
          bus_wait_answer),
  METHOD ("will", will_request, will_reply,
          "Stores a message that the broker publishes when the connection ends without GOODBYE.", bus_will_answer),
  METHOD ("clear", clear_request, clear_reply,
          "Clears the retained messages whose topics match a pattern; for agent and tool.", bus_clear_answer),
  METHOD_OF (REGISTRATION, "Register", register_request, register_reply,
             "Registers a collector with its operations, or registers it again.", bus_registration_register),
  METHOD_OF (REGISTRATION, "Update", update_request, update_reply,
             "Changes a registration, or lets the collector drain.", bus_registration_update),
  METHOD_OF (REGISTRATION, "Deregister", deregister_request, deregister_reply,
             "Ends a registration, because the collector stops.", bus_registration_deregister),
  METHOD_OF (REGISTRATION, "Verify", verify_request, verify_reply,
             "Returns whether a registration is in force.", bus_registration_verify),
  METHOD_OF (PREFIX "collectors", "List", collectors_request, collectors_reply,
             "Returns one page of the registered collectors that the caller may see.", bus_collectors_list),
  METHOD_OF (PREFIX "collectors", "Barrier", barrier_request, barrier_reply,
             "Answers when all expected collectors are ready, or at the deadline with those that are missing; for agent and tool.",
             bus_barrier_answer),
  METHOD_OF (PREFIX "collectors", "Drain", collector_drain_request, collector_drain_reply,
             "Stops giving tasks to a collector, and asks it to finish; for agent and tool.", bus_collectors_drain),
  METHOD_OF (PREFIX "health", "List", health_list_request, health_list_reply,
             "Returns one page of the health of the connected peers that the caller may see.", bus_health_calls_list),
  METHOD_OF (PREFIX "standing", "Set", standing_set, standing_state,
             "Sets or renews the standing tasks of a collector; for agent and tool.", bus_standing_calls_set),
  METHOD_OF (PREFIX "standing", "Get", standing_request, standing_state,
             "Returns the revision of a collector's standing tasks, and the revision that the collector has applied.",
             bus_standing_calls_get),
  METHOD_OF (PREFIX "gather", "Gather", gather_request, manifest,
             "Asks many collectors, and returns the answer of each and then the manifest; for agent and tool.",
             bus_gather_calls_answer),
  METHOD_OF ("control.collector.task", "Submit", submit_request, submit_reply,
             "Submits tasks, or attaches to tasks that were submitted before.", bus_task_calls_submit),
  METHOD_OF (TASK, "Await", await_request, task_push,
             "Returns the state, the progress and the result of each task that the caller has submitted, and then each change.",
             bus_task_calls_await),
  METHOD_OF (TASK, "Get", task_request_by_id, task_reply, "Returns a task with its history.", bus_task_calls_get),
  METHOD_OF (TASK, "Result", task_request_by_id, task_reply, "Returns a task with its result.", bus_task_calls_result),
  METHOD_OF (TASK, "List", task_list_request, task_list_reply,
             "Returns one page of the tasks that the caller may see.", bus_task_calls_list),
  METHOD_OF (TASK, "Cancel", task_ids_request, task_ids_reply, "Cancels tasks.", bus_task_calls_cancel),
  METHOD_OF (TASK, "Settle", task_ids_request, task_ids_reply,
             "Reports that the submitter has received the results.", bus_task_calls_settle),
  METHOD_OF (TASK, "Release", task_ids_request, task_ids_reply,
             "Releases tasks from quarantine, and gives them all their attempts again.", bus_task_calls_release),
  METHOD_OF (TASK, "Drop", task_ids_request, task_ids_reply, "Ends tasks in quarantine.", bus_task_calls_drop),
  METHOD_OF (TASK, "PauseOperation", operation_request, operation_reply,
             "Pauses an operation: its tasks wait.", bus_operation_calls_pause),
  METHOD_OF (TASK, "ResumeOperation", operation_request, operation_reply,
             "Ends the pause of an operation.", bus_operation_calls_resume),
  METHOD_OF (TASK, "Limit", operation_request, operation_reply,
             "Limits the number of tasks of an operation that run at once, and sets how a collector is chosen.",
             bus_operation_calls_limit),
  METHOD_OF (TASK, "Operations", operations_request, operations_reply,
             "Returns one page of the operations, with the numbers of their tasks.", bus_operation_calls_list),
};
/* clang-format on */

/* Topics that the broker serves for askers with the feature TASKS; for other askers they are topics of peers. */
static const char *const task_topics[] = { "control.collector.registration", "control.collector.task" };

gboolean
bus_calls_serves (const BusPeer *asker, WireSpan topic)
{
  WireSpan prefix = WIRE_SPAN_LITERAL (PREFIX);

  if (topic.len > prefix.len && memcmp (topic.data, prefix.data, prefix.len) == 0)
    return TRUE;
  for (guint i = 0; (asker->features & WIRE_FEATURE_TASKS) && i < G_N_ELEMENTS (task_topics); i++)
    if (wire_span_equal (topic, wire_span_str (task_topics[i])))
      return TRUE;
  return FALSE;
}

static const BusMethod *
calls_find_method (const WireEnvelope *envelope)
{
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    if (wire_span_equal (envelope->topic, wire_span_str (methods[i].topic))
        && (!methods[i].is_by_name || wire_span_equal (envelope->method, wire_span_str (methods[i].name))))
      return &methods[i];
  return NULL;
}

void
bus_calls_answer (BusPeer *peer, const BusInbound *inbound, gint64 now_us)
{
  const WireEnvelope *envelope = inbound->envelope;
  const BusMethod *method = calls_find_method (envelope);
  g_autoptr (WireGuard) guard = NULL;
  WireGuardError error;
  BusCall call = { .peer = peer,
                   .core = peer->core,
                   .id = envelope->id,
                   .accept_seq = inbound->accept_seq,
                   .deadline_us = envelope->deadline_us,
                   .now_us = now_us,
                   .methods = methods,
                   .n_methods = G_N_ELEMENTS (methods) };

  if (method == NULL)
    {
      bus_peer_error (peer, call.id, WIRE_STATUS_NO_RESPONDERS, "the broker has no such method on this topic");
      return;
    }
  if (wire_feature_of_method (envelope->topic) & ~peer->features)
    {
      bus_peer_error (peer, call.id, WIRE_STATUS_UNSUPPORTED,
                      "this method needs a feature that is not in your WELCOME");
      return;
    }
  guard = wire_guard_unpack (method->request, envelope->payload, 0, &error);
  if (guard == NULL)
    {
      bus_peer_error (peer, call.id, error.status, error.problem);
      return;
    }
  call.request = wire_guard_message (guard);
  method->answer (&call);
}

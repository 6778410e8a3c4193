/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-describe.h"

#include "base/bus-text.h"
#include "calls/bus-budget.h"
#include "peer/bus-peer.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "control.pb-c.h"
#include "coordination.pb-c.h"
#include "health.pb-c.h"
#include "introspection.pb-c.h"
#include "wire-descriptors.h"

#define SERVICE "daemoneye.eventbus.Broker"

typedef Daemoneye__Eventbus__V1__EventInfo EventInfo;
typedef Daemoneye__Eventbus__V1__IntrospectReply IntrospectReply;
typedef Daemoneye__Eventbus__V1__MethodInfo MethodInfo;
typedef Daemoneye__Eventbus__V1__ServiceInfo ServiceInfo;

static const struct
{
  const char *name;
  const char *topic;
  const ProtobufCMessageDescriptor *type;
  const char *doc;
} offered[] = {
  { "PeerConnected", "system.peer.connected", &daemoneye__eventbus__v1__peer_event__descriptor,
    "A peer has connected." },
  { "PeerGone", "system.peer.gone", &daemoneye__eventbus__v1__peer_event__descriptor,
    "A peer disconnected: the reason, and the outcome of its waiting messages." },
  { "Drop", "system.drop", &daemoneye__eventbus__v1__drop_event__descriptor,
    "Messages that a subscription missed since the last such event about it." },
  { "Slow", "system.slow", &daemoneye__eventbus__v1__slow_event__descriptor,
    "A queue, a uid or the broker passed its soft limit, or a subscription blocked publishers for too long." },
  { "Cascade", "system.cascade", &daemoneye__eventbus__v1__cascade_event__descriptor,
    "Messages that were refused because of the messages that caused them." },
  { "CollectorRegistered", "system.collector.registered", &daemoneye__eventbus__v1__collector_event__descriptor,
    "A collector has registered, or has registered again." },
  { "CollectorSuspect", "system.collector.suspect", &daemoneye__eventbus__v1__collector_event__descriptor,
    "A collector gets no tasks until it answers." },
  { "CollectorSetAside", "system.collector.set-aside", &daemoneye__eventbus__v1__collector_event__descriptor,
    "A collector failed too often, and gets no tasks for a time." },
  { "CollectorDraining", "system.collector.draining", &daemoneye__eventbus__v1__collector_event__descriptor,
    "A collector takes no more tasks." },
  { "CollectorGone", "system.collector.gone", &daemoneye__eventbus__v1__collector_event__descriptor,
    "The registration of a collector has ended." },
  { "Collector", "system.collector.+", &daemoneye__eventbus__v1__collector_record__descriptor,
    "The record of each collector, retained; the pattern also matches the events above." },
  { "Health", "system.health.+", &daemoneye__eventbus__v1__health_record__descriptor,
    "The health of a peer, retained: each change of its state, and of the reason." },
  { "TaskQueued", "system.task.queued", &daemoneye__eventbus__v1__task_event__descriptor,
    "A task waits for a collector." },
  { "TaskLeased", "system.task.leased", &daemoneye__eventbus__v1__task_event__descriptor,
    "A task was offered to a collector." },
  { "TaskStarted", "system.task.started", &daemoneye__eventbus__v1__task_event__descriptor,
    "A collector has started a task." },
  { "TaskRetry", "system.task.retry", &daemoneye__eventbus__v1__task_event__descriptor,
    "An attempt ended without a result, and the task is tried again." },
  { "TaskExpired", "system.task.expired", &daemoneye__eventbus__v1__task_event__descriptor,
    "A collector did not answer in time for a task." },
  { "TaskStale", "system.task.stale", &daemoneye__eventbus__v1__task_event__descriptor,
    "A collector named a lease of a task that is not the newest." },
  { "TaskQuarantined", "system.task.quarantined", &daemoneye__eventbus__v1__task_event__descriptor,
    "A task failed too often, and is kept for a decision." },
  { "TaskDone", "system.task.done", &daemoneye__eventbus__v1__task_event__descriptor, "A task has ended." },
};

static void
describe_fill_method (MethodInfo *info, const BusMethod *method)
{
  daemoneye__eventbus__v1__method_info__init (info);
  info->name = bus_text_for_packing (method->name);
  info->topic = bus_text_for_packing (method->topic);
  info->request_type = bus_text_for_packing (method->request->name);
  info->reply_type = bus_text_for_packing (method->reply->name);
  info->doc = bus_text_for_packing (method->doc);
}

static void
describe_fill_event (EventInfo *info, guint at)
{
  daemoneye__eventbus__v1__event_info__init (info);
  info->name = bus_text_for_packing (offered[at].name);
  info->topic = bus_text_for_packing (offered[at].topic);
  info->type_name = bus_text_for_packing (offered[at].type->name);
  info->doc = bus_text_for_packing (offered[at].doc);
}

static void
describe_send (BusPeer *asker, guint64 id, IntrospectReply *reply)
{
  gsize size = daemoneye__eventbus__v1__introspect_reply__get_packed_size (reply);

  if (size > asker->core->limits.max_payload)
    bus_peer_error_limit (asker, id, BUS_LIMIT_max_payload, size);
  else
    {
      bus_budget_spend (asker, 0, &reply->base);
      bus_reply_message (asker, id, &reply->base);
    }
}

void
bus_describe_answer (const BusCall *call)
{
  const Daemoneye__Eventbus__V1__IntrospectRequest *request = call->request;
  WireSpan schema = wire_descriptors ();
  ProtobufCBinaryData types = { schema.len, (uint8_t *) (gsize) schema.data };
  g_autofree MethodInfo *methods = g_new (MethodInfo, call->n_methods);
  g_autofree MethodInfo **method_list = g_new (MethodInfo *, call->n_methods);
  EventInfo events[G_N_ELEMENTS (offered)];
  EventInfo *event_list[G_N_ELEMENTS (offered)];
  ServiceInfo service;
  ServiceInfo *service_list[] = { &service };
  IntrospectReply reply;

  if (!bus_budget_admit (call->peer, call->id, call->now_us))
    return;
  daemoneye__eventbus__v1__introspect_reply__init (&reply);
  daemoneye__eventbus__v1__service_info__init (&service);
  for (guint i = 0; i < call->n_methods; i++)
    describe_fill_method (method_list[i] = &methods[i], &call->methods[i]);
  for (guint i = 0; i < G_N_ELEMENTS (offered); i++)
    describe_fill_event (event_list[i] = &events[i], i);
  service.name = bus_text_for_packing (SERVICE);
  service.doc = bus_text_for_packing ("The broker itself.");
  service.n_methods = call->n_methods;
  service.methods = method_list;
  service.n_events = G_N_ELEMENTS (offered);
  service.events = event_list;
  reply.id = call->core->name;
  reply.n_services = request->service[0] == '\0' || strcmp (request->service, SERVICE) == 0 ? 1 : 0;
  reply.services = service_list;
  reply.n_types = request->without_types ? 0 : 1;
  reply.types = &types;
  describe_send (call->peer, call->id, &reply);
}

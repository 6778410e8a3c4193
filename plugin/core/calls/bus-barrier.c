/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-barrier.h"

#include "calls/bus-later.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-registry.h"
#include "work/bus-roster.h"
#include "coordination.pb-c.h"
#include "wire-topic.h"

#define SEGMENT_MAX 64u /* the ceiling of segment_bytes */

typedef Daemoneye__Eventbus__V1__BarrierReply BarrierReply;
typedef Daemoneye__Eventbus__V1__BarrierRequest BarrierRequest;

typedef struct
{
  BusLater later;
  GList link; /* in the list `barriers` of the core's work */
  guint n_expected;
  char expected[BUS_BARRIER_MAX][SEGMENT_MAX + 1];
} BusBarrier;

/* The expected ids that are not READY. (transfer container) (element-type utf8); the texts belong to @barrier */
static GPtrArray *
barrier_find_missing (BusBarrier *barrier)
{
  BusCore *core = barrier->later.asker->core;
  GPtrArray *missing = g_ptr_array_new ();

  for (guint i = 0; i < barrier->n_expected; i++)
    {
      char *id = barrier->expected[i];
      const BusMember *member = bus_registry_find (core->work, wire_span_str (id));

      if (member == NULL || member->state != BUS_MEMBER_READY)
        g_ptr_array_add (missing, id);
    }
  return missing;
}

static void
barrier_finish (BusBarrier *barrier, GPtrArray *missing)
{
  BarrierReply reply;

  daemoneye__eventbus__v1__barrier_reply__init (&reply);
  reply.n_missing = missing->len;
  reply.missing = (char **) missing->pdata;
  bus_later_finish (&barrier->later, &reply.base);
}

static void
barrier_check (BusBarrier *barrier)
{
  g_autoptr (GPtrArray) missing = barrier_find_missing (barrier);

  if (missing->len == 0)
    barrier_finish (barrier, missing);
}

static void
barrier_due (BusLater *later)
{
  BusBarrier *barrier = (BusBarrier *) later; /* later is its first field */
  g_autoptr (GPtrArray) missing = barrier_find_missing (barrier);

  barrier_finish (barrier, missing);
}

static void
barrier_ended (BusLater *later)
{
  BusBarrier *barrier = (BusBarrier *) later;

  g_queue_unlink (&later->asker->core->work->barriers, &barrier->link);
}

static const BusLaterKind barrier_kind = { .size = sizeof (BusBarrier), .due = barrier_due, .ended = barrier_ended };

static gboolean
barrier_check_request (const BusCall *call, const BarrierRequest *request)
{
  const char *problem = NULL;

  if (call->peer->principal.role == BUS_ROLE_COLLECTOR)
    {
      bus_peer_error (call->peer, call->id, WIRE_STATUS_DENIED, "Barrier is for the agent and tools");
      return FALSE;
    }
  if (request->n_expected > BUS_BARRIER_MAX)
    problem = "at most 64 ids in one call";
  for (gsize i = 0; i < request->n_expected && problem == NULL; i++)
    if (!wire_segment_is_valid (wire_span_str (request->expected[i]), (guint) call->core->limits.segment_bytes))
      problem = "an id must be one segment of a-z 0-9 - _";
  if (problem != NULL)
    bus_peer_error (call->peer, call->id, WIRE_STATUS_BAD_MESSAGE, problem);
  return problem == NULL;
}

/* The expectations outlive the call, because questions to many use them. */
static void
barrier_expect (const BusCall *call, const BarrierRequest *request)
{
  GPtrArray *ids = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; i < request->n_expected; i++)
    g_ptr_array_add (ids, g_strdup (request->expected[i]));
  bus_roster_expect (call->peer->account, ids);
}

void
bus_barrier_answer (const BusCall *call)
{
  const BarrierRequest *request = call->request;
  BusBarrier *barrier;

  if (!barrier_check_request (call, request))
    return;
  barrier = bus_later_new (call, &barrier_kind);
  if (barrier == NULL)
    return;
  barrier_expect (call, request);
  barrier->link.data = barrier;
  for (gsize i = 0; i < request->n_expected; i++)
    g_strlcpy (barrier->expected[barrier->n_expected++], request->expected[i], sizeof barrier->expected[0]);
  g_queue_push_tail_link (&call->core->work->barriers, &barrier->link);
  barrier_check (barrier);
}

void
bus_barrier_settle (BusCore *core)
{
  GList *next;

  if (!core->work->member_states_changed)
    return;
  core->work->member_states_changed = FALSE;
  for (GList *link = core->work->barriers.head; link != NULL; link = next)
    {
      next = link->next;
      barrier_check (link->data);
    }
}

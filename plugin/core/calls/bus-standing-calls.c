/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-standing-calls.h"

#include "base/bus-text.h"
#include "peer/bus-peer.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "work/bus-standing.h"
#include "coordination.pb-c.h"
#include "wire-frame.h"
#include "wire-guard.h"
#include "wire-topic.h"

#define TYPE_MAX 256u

typedef Daemoneye__Eventbus__V1__StandingSet StandingSet;
typedef Daemoneye__Eventbus__V1__StandingState StandingState;
typedef Daemoneye__Eventbus__V1__StandingTask StandingTask;

static gboolean
standing_refuse (const BusCall *call, WireStatus status, const char *detail)
{
  bus_peer_error (call->peer, call->id, status, detail);
  return FALSE;
}

/* --- checks --- */

static gboolean
standing_is_name (const BusCall *call, const char *name)
{
  return wire_segment_is_valid (wire_span_str (name), (guint) call->core->limits.segment_bytes);
}

/* A text about the first task that is not valid. NULL: all are valid. */
static const char *
standing_problem (const BusCall *call, const StandingSet *set)
{
  g_autoptr (GHashTable) ids = g_hash_table_new (g_str_hash, g_str_equal);

  for (gsize i = 0; i < set->n_set; i++)
    {
      const StandingTask *task = set->set[i];

      if (!standing_is_name (call, task->id) || !standing_is_name (call, task->operation))
        return "id and operation of a standing task must be one segment of a-z 0-9 - _";
      if (strlen (task->payload_type) > TYPE_MAX)
        return "payload_type can have up to 256 bytes";
      if (!g_hash_table_add (ids, task->id))
        return "two standing tasks have the same id";
    }
  return NULL;
}

static gboolean
standing_check (const BusCall *call, const StandingSet *set)
{
  const guint64 size = daemoneye__eventbus__v1__standing_set__get_packed_size (set);
  const char *problem;

  if (call->peer->principal.role == BUS_ROLE_COLLECTOR)
    return standing_refuse (call, WIRE_STATUS_DENIED, "standing tasks are set by the agent and tools");
  if (!standing_is_name (call, set->collector) || set->revision == 0)
    return standing_refuse (call, WIRE_STATUS_BAD_MESSAGE, "collector must be an id, and revision must be above zero");
  if (size > bus_limits_task_payload (&call->core->limits))
    {
      bus_peer_error_limit (call->peer, call->id, BUS_LIMIT_max_payload, size);
      return FALSE;
    }
  if (set->ttl_us > bus_limit_spec (BUS_LIMIT_task_standing_us)->ceiling)
    {
      bus_peer_error_ceiling (call->peer, call->id, BUS_LIMIT_task_standing_us, set->ttl_us);
      return FALSE;
    }
  problem = standing_problem (call, set);
  return problem == NULL || standing_refuse (call, WIRE_STATUS_BAD_MESSAGE, problem);
}

/* --- Set and Get --- */

static void
standing_answer (const BusCall *call, const char *collector)
{
  const BusStanding *standing = bus_standing_find (call->core, wire_span_str (collector));
  StandingState state;

  if (standing == NULL)
    {
      standing_refuse (call, WIRE_STATUS_ABSENT, "no standing tasks are set for this collector");
      return;
    }
  bus_standing_fill (standing, &state, call->now_us);
  bus_reply_message (call->peer, call->id, &state.base);
}

void
bus_standing_calls_set (const BusCall *call)
{
  const StandingSet *set = call->request;
  BusExcess excess = { 0 };

  if (!standing_check (call, set))
    return;
  switch (bus_standing_set (call->core, call->peer->account, set, &excess, call->now_us))
    {
    case BUS_STANDING_SET:
      standing_answer (call, set->collector);
      break;
    case BUS_STANDING_OLD:
      standing_refuse (call, WIRE_STATUS_PROTOCOL_ORDER, "another set has this revision or a higher one: ask with Get");
      break;
    case BUS_STANDING_FULL:
      bus_peer_error_excess (call->peer, call->id, WIRE_STATUS_LIMIT, "there is no room for more standing tasks",
                             &excess);
      break;
    case BUS_STANDING_NO_MEMORY:
      standing_refuse (call, WIRE_STATUS_NO_MEMORY, "no memory for the standing tasks");
      break;
    }
}

void
bus_standing_calls_get (const BusCall *call)
{
  const Daemoneye__Eventbus__V1__StandingRequest *request = call->request;

  if (call->peer->principal.role == BUS_ROLE_COLLECTOR && strcmp (request->collector, call->peer->id) != 0)
    standing_refuse (call, WIRE_STATUS_DENIED, "a collector may ask only for its own standing tasks");
  else
    standing_answer (call, request->collector);
}

/* --- the answer to Apply --- */

gboolean
bus_standing_calls_take_answer (BusCore *core, BusRequest *request, const WireEnvelope *envelope, guint8 flags)
{
  BusStanding *standing = request->requester.standing;
  g_autoptr (WireGuard) guard = NULL;
  g_autofree char *detail = NULL;
  WireGuardError error;

  if (!(flags & WIRE_FLAG_FINAL))
    return bus_request_step (core, request, BUS_REQUEST_ON_PART) == BUS_REQUEST_SENT;
  if (envelope->status != WIRE_STATUS_OK)
    {
      detail = bus_text_from_span (bus_text_cut (envelope->detail, sizeof standing->problem));
      return bus_standing_answered (core, standing, NULL, detail);
    }
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__standing_state__descriptor, envelope->payload, 0, &error);
  return bus_standing_answered (core, standing, guard != NULL ? wire_guard_message (guard) : NULL,
                                "its answer could not be read");
}

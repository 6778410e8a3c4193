/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-registration.h"

#include "peer/bus-peer.h"
#include "peer/bus-reply.h"
#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "work/bus-adoption.h"
#include "work/bus-membership.h"
#include "work/bus-standing.h"
#include "coordination.pb-c.h"
#include "wire-topic.h"

#define PRIORITY_MAX 255u

typedef Daemoneye__Eventbus__V1__MemberState MemberState;
typedef Daemoneye__Eventbus__V1__Operation Operation;
typedef Daemoneye__Eventbus__V1__RegisterRequest RegisterRequest;
typedef Daemoneye__Eventbus__V1__RegisterReply RegisterReply;
typedef Daemoneye__Eventbus__V1__TaskClaim TaskClaim;
typedef Daemoneye__Eventbus__V1__UpdateRequest UpdateRequest;

static gboolean
registration_refuse (const BusCall *call, WireStatus status, const char *detail)
{
  bus_peer_error (call->peer, call->id, status, detail);
  return FALSE;
}

static gboolean
registration_check_limit (const BusCall *call, BusLimit limit, guint64 value)
{
  if (value <= bus_limit_value (&call->core->limits, limit))
    return TRUE;
  bus_peer_error_limit (call->peer, call->id, limit, value);
  return FALSE;
}

static gboolean
registration_check_ceiling (const BusCall *call, BusLimit limit, guint64 value)
{
  if (value <= bus_limit_spec (limit)->ceiling)
    return TRUE;
  bus_peer_error_ceiling (call->peer, call->id, limit, value);
  return FALSE;
}

/* --- operations --- */

static gboolean
registration_has_ability (const GPtrArray *abilities, WireSpan name)
{
  for (guint i = 0; i < abilities->len; i++)
    if (wire_span_equal (((const BusAbility *) g_ptr_array_index (abilities, i))->name.text, name))
      return TRUE;
  return FALSE;
}

static gboolean
registration_check_operation (const BusCall *call, const Operation *operation, const GPtrArray *before)
{
  const WireSpan name = wire_span_str (operation->name);

  if (!wire_segment_is_valid (name, (guint) call->core->limits.segment_bytes))
    return registration_refuse (call, WIRE_STATUS_BAD_MESSAGE,
                                "the name of an operation must be one segment of a-z 0-9 - _");
  if (registration_has_ability (before, name))
    return registration_refuse (call, WIRE_STATUS_BAD_MESSAGE, "an operation is listed twice");
  if (strlen (operation->payload_type) > BUS_REGISTRATION_TYPE_MAX)
    return registration_refuse (call, WIRE_STATUS_LIMIT, "the type of a payload can have at most 128 bytes");
  if (operation->without_progress && operation->progress_us > 0)
    return registration_refuse (call, WIRE_STATUS_BAD_MESSAGE,
                                "an operation without progress has no progress_us: leave out one of the two");
  return registration_check_ceiling (call, BUS_LIMIT_task_run_limit_us, operation->run_limit_us)
         && registration_check_ceiling (call, BUS_LIMIT_task_progress_us, operation->progress_us);
}

static BusAbility *
registration_new_ability (const BusCore *core, const Operation *operation)
{
  BusAbility *ability = bus_ability_new (core->seed, wire_span_str (operation->name), operation->payload_type);

  ability->idempotent = operation->idempotent != 0;
  ability->run_limit_us
      = (gint64) (operation->run_limit_us > 0 ? operation->run_limit_us : core->limits.task_run_limit_us);
  if (!operation->without_progress)
    ability->progress_us
        = (gint64) (operation->progress_us > 0 ? operation->progress_us : core->limits.task_progress_us);
  return ability;
}

static gboolean
registration_read_operations (const BusCall *call, Operation *const *operations, gsize n, BusMemberSpec *spec)
{
  if (!registration_check_limit (call, BUS_LIMIT_task_operations, n))
    return FALSE;
  spec->abilities = g_ptr_array_new_with_free_func (bus_ability_free);
  for (gsize i = 0; i < n; i++)
    {
      if (!registration_check_operation (call, operations[i], spec->abilities))
        return FALSE;
      g_ptr_array_add (spec->abilities, registration_new_ability (call->core, operations[i]));
    }
  return TRUE;
}

/* --- tags, priorities, claims --- */

static gboolean
registration_read_tags (const BusCall *call, char *const *tags, gsize n, BusMemberSpec *spec)
{
  if (n > BUS_REGISTRATION_TAGS_MAX)
    return registration_refuse (call, WIRE_STATUS_LIMIT, "a collector can have at most 16 tags");
  spec->tags = g_ptr_array_new_with_free_func (g_free);
  for (gsize i = 0; i < n; i++)
    {
      const char *equals = strchr (tags[i], '=');

      if (equals == NULL || equals == tags[i])
        return registration_refuse (call, WIRE_STATUS_BAD_MESSAGE, "a tag must be key=value");
      if (strlen (tags[i]) > BUS_REGISTRATION_TAG_MAX)
        return registration_refuse (call, WIRE_STATUS_LIMIT, "a tag can have at most 64 bytes");
      g_ptr_array_add (spec->tags, g_strdup (tags[i]));
    }
  return TRUE;
}

static gboolean
registration_read_priorities (const BusCall *call, const RegisterRequest *request, BusMemberSpec *spec)
{
  const guint lowest = request->priorities != NULL ? request->priorities->lowest : 0;
  const guint highest = request->priorities != NULL ? request->priorities->highest : PRIORITY_MAX;

  if (highest > PRIORITY_MAX || lowest > highest)
    return registration_refuse (call, WIRE_STATUS_BAD_MESSAGE,
                                "priorities must be from 0 to 255, and lowest must not be above highest");
  spec->lowest = (guint8) lowest;
  spec->highest = (guint8) highest;
  return TRUE;
}

static gboolean
registration_read_claims (const BusCall *call, TaskClaim *const *claims, gsize n, gboolean is_finished, GArray *into)
{
  for (gsize i = 0; i < n; i++)
    {
      BusClaim claim = { .attempt = claims[i]->attempt, .length = claims[i]->length, .is_finished = is_finished };

      if (strlen (claims[i]->task_id) > BUS_REGISTRATION_TASK_ID_MAX || claims[i]->token.len > sizeof claim.token)
        return registration_refuse (call, WIRE_STATUS_BAD_MESSAGE,
                                    "a claim must have the id, the attempt and the token of Execute");
      claim.task_id = g_strdup (claims[i]->task_id);
      claim.token_len = claims[i]->token.len;
      if (claim.token_len > 0)
        memcpy (claim.token, claims[i]->token.data, claim.token_len);
      g_array_append_val (into, claim);
    }
  return TRUE;
}

static gboolean
registration_read_all_claims (const BusCall *call, const RegisterRequest *request, BusMemberSpec *spec)
{
  if (request->n_running + request->n_finished > BUS_REGISTRATION_CLAIMS_MAX)
    return registration_refuse (call, WIRE_STATUS_LIMIT, "at most 1024 claims in one registration");
  spec->claims = bus_claims_new ();
  return registration_read_claims (call, request->running, request->n_running, FALSE, spec->claims)
         && registration_read_claims (call, request->finished, request->n_finished, TRUE, spec->claims);
}

/* --- its size --- */

/* The bytes of a registration. @member: (nullable): the registration that is updated; parts that do not change are taken from
 * it */
static gsize
registration_size (const BusMemberSpec *spec, const BusMember *member)
{
  const GPtrArray *abilities = spec->abilities != NULL ? spec->abilities : member->abilities;
  const GPtrArray *tags = spec->tags != NULL ? spec->tags : member->tags;
  const GArray *claims = spec->claims != NULL || member == NULL ? spec->claims : member->claims;
  gsize size = 0;

  for (guint i = 0; i < abilities->len; i++)
    {
      const BusAbility *ability = g_ptr_array_index (abilities, i);

      size += sizeof *ability + 2 * ability->name.text.len + strlen (ability->payload_type);
    }
  for (guint i = 0; i < tags->len; i++)
    size += sizeof (char *) + strlen (g_ptr_array_index (tags, i)) + 1;
  for (guint i = 0; claims != NULL && i < claims->len; i++)
    size += sizeof (BusClaim) + strlen (g_array_index (claims, BusClaim, i).task_id) + 1;
  return size;
}

static gboolean
registration_has_room (const BusCall *call, gsize size)
{
  BusPeer *peer = call->peer;

  if (!bus_shed_fit_account (peer->account, size, call->now_us))
    {
      bus_peer_error_limit (peer, call->id, BUS_LIMIT_uid_bytes, peer->account->usage.charged + size);
      return FALSE;
    }
  if (!bus_shed_reserve (call->core, size, call->now_us))
    {
      bus_peer_error_limit (peer, call->id, BUS_LIMIT_broker_bytes, call->core->quota.memory + size);
      return FALSE;
    }
  return bus_peer_is_ready (peer); /* it may have been closed to make room */
}

/* --- Register --- */

static gboolean
registration_check_identity (const BusCall *call, const RegisterRequest *request)
{
  const BusPeer *peer = call->peer;

  if (peer->principal.role != BUS_ROLE_COLLECTOR)
    return registration_refuse (call, WIRE_STATUS_DENIED, "only collectors register");
  if (strcmp (request->type, peer->type) != 0 || request->incarnation != peer->incarnation)
    return registration_refuse (call, WIRE_STATUS_BAD_MESSAGE, "type and incarnation must be those of your HELLO");
  if (request->max_concurrent == 0)
    return registration_refuse (call, WIRE_STATUS_BAD_MESSAGE, "max_concurrent must be above zero");
  return registration_check_limit (call, BUS_LIMIT_task_slots, request->max_concurrent);
}

static MemberState
registration_state (const BusMember *member)
{
  return (MemberState) (member->state + 1);
}

/* Lists the claims that are fenced. The claims of the member are in the order of the request: running ones, then finished ones. */
static TaskClaim **
registration_list_fenced (const RegisterRequest *request, const GArray *claims, RegisterReply *reply)
{
  TaskClaim **fenced = g_new0 (TaskClaim *, claims->len + 1);

  for (gsize i = 0; i < claims->len; i++)
    if (g_array_index (claims, BusClaim, i).state == BUS_CLAIM_FENCED)
      fenced[reply->n_fenced++]
          = i < request->n_running ? request->running[i] : request->finished[i - request->n_running];
  reply->fenced = fenced;
  return fenced;
}

void
bus_registration_register (const BusCall *call)
{
  const RegisterRequest *request = call->request;
  g_auto (BusMemberSpec) spec = { .max_concurrent = request->max_concurrent };
  g_autofree TaskClaim **fenced = NULL;
  RegisterReply reply;
  BusMember *member;

  if (!registration_check_identity (call, request)
      || !registration_read_operations (call, request->operations, request->n_operations, &spec)
      || !registration_read_tags (call, request->tags, request->n_tags, &spec)
      || !registration_read_priorities (call, request, &spec) || !registration_read_all_claims (call, request, &spec))
    return;
  spec.size = registration_size (&spec, NULL);
  if (!registration_has_room (call, spec.size))
    return;
  member = bus_membership_begin (call->peer, &spec);
  bus_adoption_registered (call->core, member, call->now_us);
  daemoneye__eventbus__v1__register_reply__init (&reply);
  reply.registration_id = member->registration_id;
  reply.epoch = call->core->epoch;
  reply.state = registration_state (member);
  reply.held_us = (guint64) MAX (member->held_until_us - call->now_us, 0);
  reply.recovery_us = (guint64) MAX (bus_adoption_end_us (call->core) - call->now_us, 0);
  fenced = registration_list_fenced (request, member->claims, &reply);
  bus_reply_message (call->peer, call->id, &reply.base);
  bus_adoption_forget_settled (member);
  bus_standing_offer (call->core, member, call->now_us);
}

/* --- Update, Deregister, Verify --- */

/* NULL: refused. */
static BusMember *
registration_find (const BusCall *call)
{
  if (call->peer->member == NULL)
    registration_refuse (call, WIRE_STATUS_NOT_SUBSCRIBED, "you are not registered: call Register first");
  return call->peer->member;
}

static gboolean
registration_read_update (const BusCall *call, const UpdateRequest *request, BusMemberSpec *spec)
{
  if (request->change_operations
      && !registration_read_operations (call, request->operations, request->n_operations, spec))
    return FALSE;
  if (request->change_tags && !registration_read_tags (call, request->tags, request->n_tags, spec))
    return FALSE;
  return registration_check_limit (call, BUS_LIMIT_task_slots, request->max_concurrent)
         && registration_check_ceiling (call, BUS_LIMIT_task_drain_us, request->drain_us);
}

void
bus_registration_update (const BusCall *call)
{
  const UpdateRequest *request = call->request;
  g_auto (BusMemberSpec) spec = { .max_concurrent = request->max_concurrent };
  Daemoneye__Eventbus__V1__UpdateReply reply;
  BusMember *member = registration_find (call);

  if (member == NULL || !registration_read_update (call, request, &spec))
    return;
  spec.size = registration_size (&spec, member);
  if (!registration_has_room (call, spec.size))
    return;
  if (request->change_operations || request->change_tags || request->max_concurrent > 0)
    bus_membership_update (member, &spec);
  if (request->draining)
    bus_membership_drain (member, (gint64) request->drain_us, FALSE, FALSE);
  daemoneye__eventbus__v1__update_reply__init (&reply);
  reply.registration_id = member->registration_id;
  reply.state = registration_state (member);
  bus_reply_message (call->peer, call->id, &reply.base);
}

void
bus_registration_deregister (const BusCall *call)
{
  Daemoneye__Eventbus__V1__DeregisterReply reply;
  BusMember *member = registration_find (call);

  if (member == NULL)
    return;
  daemoneye__eventbus__v1__deregister_reply__init (&reply);
  reply.interrupted = member->n_running;
  bus_membership_end (member, BUS_MEMBER_END_DEREGISTERED);
  bus_reply_message (call->peer, call->id, &reply.base);
}

void
bus_registration_verify (const BusCall *call)
{
  const Daemoneye__Eventbus__V1__VerifyRequest *request = call->request;
  const BusMember *member = call->peer->member;
  Daemoneye__Eventbus__V1__VerifyReply reply;

  daemoneye__eventbus__v1__verify_reply__init (&reply);
  reply.epoch = call->core->epoch;
  if (member != NULL)
    {
      reply.registration_id = member->registration_id;
      reply.is_registered = member->registration_id == request->registration_id;
      reply.state = registration_state (member);
    }
  bus_reply_message (call->peer, call->id, &reply.base);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-collector-private.h"

#include "deye-bus-options.h"
#include "deye-bus-pack.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>

/*
 * The registration. It is made as a step of each connection, and verified with each heartbeat. If the broker no longer has it,
 * it is made again on the same connection.
 *
 * A refusal does not end the connection. The program gets one report for each reason, and the next heartbeat tries again.
 *
 * Invariant: a registration belongs to one connection: @registration_id is only valid for the session @registered_origin.
 */

#define TOPIC "control.collector.registration"

typedef Daemoneye__Eventbus__V1__RegisterReply RegisterReply;

G_STATIC_ASSERT ((int) DEYE_BUS_COLLECTOR_STATE_READY == (int) DAEMONEYE__EVENTBUS__V1__MEMBER_STATE__MEMBER_READY);
G_STATIC_ASSERT ((int) DEYE_BUS_COLLECTOR_STATE_GONE == (int) DAEMONEYE__EVENTBUS__V1__MEMBER_STATE__MEMBER_GONE);

/* --- requests --- */

typedef struct
{
  const char *method;
  const char *type_name;
  GBytes *payload;
  gboolean ahead; /* a step of the connection: sent before the calls of the user */
} RegisterCall;

static gboolean
register_send (DeyeBusCollector *self, const RegisterCall *request, DeyeBusPending *pending)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  const DeyeBusCall call = { .kind = WIRE_KIND_REQUEST,
                             .ahead = request->ahead,
                             .own = TRUE,
                             .topic = TOPIC,
                             .type_name = request->type_name,
                             .payload = request->payload,
                             .options = options };
  g_autoptr (GError) error = NULL;

  deye_bus_options_set_method (options, request->method);
  if (deye_bus_session_call (self->client->session, &call, pending, &error))
    return TRUE;
  g_message ("collector %s: %s not sent: %s", self->client->id, request->method, error->message);
  return FALSE;
}

static gboolean
register_has_tasks (const DeyeBusCollector *self, GError **error)
{
  return deye_bus_session_check_features (self->client->session, WIRE_FEATURE_TASKS, error);
}

/* Sends a request to the broker. @complete gets the collector as the data of the pending call. */
static void
register_ask (DeyeBusCollector *self, const RegisterCall *request, DeyeBusPendingFunc complete)
{
  g_autoptr (DeyeBusPending) pending = deye_bus_client_new_broker_pending ();

  pending->complete = complete;
  pending->data = self;
  if (register_send (self, request, pending))
    g_ptr_array_add (self->asked, deye_bus_pending_ref (pending));
}

/* Ends a request, and returns the collector, as a reference; NULL: it no longer waits for the answer. */
static DeyeBusCollector *
register_end_ask (DeyeBusPending *pending)
{
  DeyeBusCollector *self = g_steal_pointer (&pending->data);

  if (self == NULL)
    return NULL;
  g_object_ref (self);
  g_ptr_array_remove (self->asked, pending);
  return self;
}

void
deye_bus_collector_forget_asked (DeyeBusCollector *self)
{
  for (guint i = 0; i < self->asked->len; i++)
    ((DeyeBusPending *) self->asked->pdata[i])->data = NULL;
  g_ptr_array_set_size (self->asked, 0);
}

/* --- Register --- */

void
deye_bus_collector_note_refusal (DeyeBusCollector *self, GError *error)
{
  g_clear_error (&self->refusal);
  self->refusal = error;
}

static void
register_note_reply (DeyeBusCollector *self, DeyeBusMessage *message)
{
  WireGuard *guard = deye_bus_unpack (&daemoneye__eventbus__v1__register_reply__descriptor, message);

  g_clear_pointer (&self->reply, wire_guard_free);
  if (guard == NULL)
    {
      deye_bus_collector_note_refusal (
          self, deye_bus_error_new (DEYE_BUS_ERROR_PROTOCOL, "%s",
                                    _ ("The broker's answer to the registration can't be read")));
      return;
    }
  g_clear_error (&self->refusal);
  self->reply = guard;
  self->registration_id = ((const RegisterReply *) wire_guard_message (guard))->registration_id;
  self->registered_origin = deye_bus_session_origin (self->client->session);
}

DeyeBusPending *
deye_bus_collector_begin_register (gpointer owner)
{
  DeyeBusCollector *self = owner;
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (GBytes) payload = NULL;
  GError *error = NULL;

  self->registration_id = 0;
  if (!register_has_tasks (self, &error))
    {
      deye_bus_collector_note_refusal (self, error);
      return NULL;
    }
  pending = deye_bus_client_new_broker_pending ();
  payload = deye_bus_collector_pack_register (self);
  self->is_changed = self->is_draining; /* Register has no field for it, so an Update follows */
  return register_send (
             self, &(const RegisterCall){ "Register", DEYE_BUS_TYPE_PREFIX "RegisterRequest", payload, TRUE }, pending)
             ? g_steal_pointer (&pending)
             : NULL;
}

void
deye_bus_collector_end_register (gpointer owner, DeyeBusPending *pending)
{
  DeyeBusCollector *self = owner;

  if (pending->error != NULL)
    deye_bus_collector_note_refusal (self, g_error_copy (pending->error));
  else
    register_note_reply (self, pending->reply);
}

static void
register_on_registered (DeyeBusPending *pending)
{
  g_autoptr (DeyeBusCollector) self = register_end_ask (pending);

  if (self == NULL || self->client->state != DEYE_BUS_CLIENT_STATE_READY)
    return;
  deye_bus_collector_end_register (self, pending);
  deye_bus_collector_settle (self);
}

/* Registers on the present connection. */
static void
register_again (DeyeBusCollector *self)
{
  g_autoptr (GBytes) payload = NULL;
  GError *error = NULL;

  self->registration_id = 0;
  if (!register_has_tasks (self, &error))
    {
      deye_bus_collector_note_refusal (self, error);
      return;
    }
  payload = deye_bus_collector_pack_register (self);
  self->is_changed = self->is_draining;
  register_ask (self, &(const RegisterCall){ "Register", DEYE_BUS_TYPE_PREFIX "RegisterRequest", payload, FALSE },
                register_on_registered);
}

void
deye_bus_collector_register (DeyeBusCollector *self)
{
  register_again (self);
  deye_bus_collector_arm (self, 0); /* a refusal is reported from a dispatch */
}

/* --- reports --- */

void
deye_bus_collector_end_starting (DeyeBusCollector *self, const GError *error)
{
  GTask *task;

  while ((task = g_queue_pop_head (&self->starting)) != NULL)
    {
      if (error != NULL)
        g_task_return_error (task, g_error_copy (error));
      else
        g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
}

static void
register_report_refusal (DeyeBusCollector *self)
{
  g_autoptr (GError) error = g_steal_pointer (&self->refusal);
  gboolean is_new = self->refused_code != error->code;

  self->refused_code = error->code;
  deye_bus_collector_set_state (self, DEYE_BUS_COLLECTOR_STATE_UNREGISTERED);
  if (is_new)
    g_message ("collector %s: not registered: %s", self->client->id, error->message);
  deye_bus_collector_end_starting (self, error);
  if (is_new)
    g_signal_emit (self, deye_bus_collector_signals[DEYE_BUS_COLLECTOR_REFUSED], 0, error);
}

/* The state for the program. A registered collector is ready, because its task topic is served by now. */
static DeyeBusCollectorState
register_state (guint32 state)
{
  if (state == DEYE_BUS_COLLECTOR_STATE_REGISTERED)
    return DEYE_BUS_COLLECTOR_STATE_READY;
  return state <= DEYE_BUS_COLLECTOR_STATE_GONE ? (DeyeBusCollectorState) state : DEYE_BUS_COLLECTOR_STATE_REGISTERED;
}

static void
register_report_reply (DeyeBusCollector *self)
{
  g_autoptr (WireGuard) guard = g_steal_pointer (&self->reply);
  const RegisterReply *reply = wire_guard_message (guard);

  self->refused_code = 0;
  deye_bus_collector_fence (self, reply->fenced, reply->n_fenced);
  deye_bus_collector_set_state (self, register_state (reply->state));
  deye_bus_collector_end_starting (self, NULL);
  g_signal_emit (self, deye_bus_collector_signals[DEYE_BUS_COLLECTOR_REGISTERED], 0);
}

gboolean
deye_bus_collector_has_reports (const DeyeBusCollector *self)
{
  return self->refusal != NULL || self->reply != NULL || self->is_changed;
}

void
deye_bus_collector_settle (DeyeBusCollector *self)
{
  if (self->client->state != DEYE_BUS_CLIENT_STATE_READY)
    return;
  if (self->refusal != NULL)
    register_report_refusal (self);
  if (self->reply != NULL)
    register_report_reply (self);
  if (self->is_changed)
    deye_bus_collector_update (self);
}

/* --- Update --- */

static gboolean
register_is_registered (const DeyeBusCollector *self)
{
  return self->client->state == DEYE_BUS_CLIENT_STATE_READY && self->registration_id != 0
         && self->registered_origin == deye_bus_session_origin (self->client->session);
}

static void
register_on_updated (DeyeBusPending *pending)
{
  g_autoptr (DeyeBusCollector) self = register_end_ask (pending);
  g_autoptr (WireGuard) guard = NULL;

  if (self == NULL)
    return;
  if (pending->error != NULL)
    {
      g_message ("collector %s: change not announced: %s", self->client->id, pending->error->message);
      return;
    }
  guard = deye_bus_unpack (&daemoneye__eventbus__v1__update_reply__descriptor, pending->reply);
  if (guard != NULL && register_is_registered (self))
    deye_bus_collector_set_state (
        self, register_state (((const Daemoneye__Eventbus__V1__UpdateReply *) wire_guard_message (guard))->state));
}

void
deye_bus_collector_update (DeyeBusCollector *self)
{
  g_autoptr (GBytes) payload = NULL;

  self->is_changed = TRUE;
  if (!register_is_registered (self))
    return;
  self->is_changed = FALSE;
  payload = deye_bus_collector_pack_update (self);
  register_ask (self, &(const RegisterCall){ "Update", DEYE_BUS_TYPE_PREFIX "UpdateRequest", payload, FALSE },
                register_on_updated);
}

/* --- Verify --- */

static void
register_on_verified (DeyeBusPending *pending)
{
  g_autoptr (DeyeBusCollector) self = register_end_ask (pending);
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__VerifyReply *reply;

  if (self == NULL || pending->error != NULL || !register_is_registered (self))
    return;
  guard = deye_bus_unpack (&daemoneye__eventbus__v1__verify_reply__descriptor, pending->reply);
  reply = guard != NULL ? wire_guard_message (guard) : NULL;
  if (reply == NULL)
    return;
  if (reply->registration_id != self->registration_id)
    register_again (self);
  else
    deye_bus_collector_set_state (self, register_state (reply->state));
}

static void
register_verify (DeyeBusCollector *self)
{
  Daemoneye__Eventbus__V1__VerifyRequest request = DAEMONEYE__EVENTBUS__V1__VERIFY_REQUEST__INIT;
  g_autoptr (GBytes) payload = NULL;

  request.registration_id = self->registration_id;
  payload = deye_bus_pack (&request.base);
  register_ask (self, &(const RegisterCall){ "Verify", DEYE_BUS_TYPE_PREFIX "VerifyRequest", payload, FALSE },
                register_on_verified);
}

void
deye_bus_collector_on_heartbeat (gpointer owner)
{
  DeyeBusCollector *self = owner;

  if (self->asked->len > 0)
    return;
  if (register_is_registered (self))
    register_verify (self);
  else if (register_has_tasks (self, NULL))
    register_again (self);
}

/* --- Deregister --- */

void
deye_bus_collector_deregister (DeyeBusCollector *self)
{
  Daemoneye__Eventbus__V1__DeregisterRequest request = DAEMONEYE__EVENTBUS__V1__DEREGISTER_REQUEST__INIT;
  g_autoptr (GBytes) payload = NULL;

  if (!register_is_registered (self))
    return;
  payload = deye_bus_pack (&request.base);
  self->registration_id = 0;
  register_send (self, &(const RegisterCall){ "Deregister", DEYE_BUS_TYPE_PREFIX "DeregisterRequest", payload, FALSE },
                 NULL);
}

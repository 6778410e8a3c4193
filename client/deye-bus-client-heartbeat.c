/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "health.pb-c.h"
#include "session/deye-bus-session-restore.h"
#include "session/deye-bus-session-send.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

/*
 * The heartbeat: a GSource in the client's context that publishes at a fixed interval of monotonic time.
 *
 * A heartbeat is skipped if there is no connection or no credit. A heartbeat that was not written when the connection ends is
 * dropped: it does not wait for the next connection, because a late heartbeat would not show the present state of the client.
 *
 * With each heartbeat a client that reconnects asks the broker for the number of its subscriptions. If the numbers differ, the
 * broker or the client has lost a subscription although the connection did not end. Then the client ends the connection, and
 * the next one restores all subscriptions.
 */

#define INTERVAL_MIN_US (100 * G_TIME_SPAN_MILLISECOND)
#define INTERVAL_MAX_US (300 * G_TIME_SPAN_SECOND)

static GBytes *
heartbeat_pack (DeyeBusClient *self)
{
  Daemoneye__Eventbus__V1__Heartbeat beat = DAEMONEYE__EVENTBUS__V1__HEARTBEAT__INIT;
  g_autofree char *detail = NULL;

  beat.id = self->id;
  beat.sequence = ++self->heartbeats;
  beat.interval_us = (guint64) self->heartbeat_us;
  beat.health = deye_bus_client_dup_health (self, &detail);
  beat.detail = detail;
  return deye_bus_pack (&beat.base);
}

static void
heartbeat_send (DeyeBusClient *self)
{
  g_autofree char *topic = g_strconcat ("control.health.heartbeat.", self->id, NULL);
  DeyeBusCall call
      = { .kind = WIRE_KIND_PUBLISH, .own = TRUE, .topic = topic, .type_name = DEYE_BUS_TYPE_PREFIX "Heartbeat" };
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;

  if (self->state != DEYE_BUS_CLIENT_STATE_READY || !deye_bus_session_has_credit (self->session, &call))
    return;
  call.payload = payload = heartbeat_pack (self);
  if (!deye_bus_client_post_call (self, &call, &error))
    g_debug ("heartbeat not sent: %s", error->message);
}

/* --- verification --- */

/* TRUE if @subscriptions is a count of the broker. FALSE: the broker is older and does not send the field, so it reads as 0. Such
 * a broker does not grant the feature DELIVERY. */
static gboolean
heartbeat_is_counted (DeyeBusClient *self, guint32 subscriptions)
{
  return subscriptions != 0 || deye_bus_session_check_features (self->session, WIRE_FEATURE_DELIVERY, NULL);
}

static gboolean
heartbeat_differs (DeyeBusClient *self, DeyeBusMessage *message)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__ping_reply__descriptor, message);
  const Daemoneye__Eventbus__V1__PingReply *reply = guard != NULL ? wire_guard_message (guard) : NULL;

  return reply != NULL && heartbeat_is_counted (self, reply->subscriptions)
         && reply->subscriptions != deye_bus_session_n_subscribed (self->session);
}

static void
heartbeat_on_counted (DeyeBusPending *pending)
{
  DeyeBusClient *self = g_steal_pointer (&pending->data);

  self->verifying = FALSE;
  if (pending->error != NULL || self->state != DEYE_BUS_CLIENT_STATE_READY
      || self->verified_changes != deye_bus_session_channel_changes (self->session)
      || !heartbeat_differs (self, pending->reply))
    return;
  deye_bus_session_fail (self->session, deye_bus_error_new (DEYE_BUS_ERROR_UNKNOWN, "%s",
                                                            _ ("The broker does not have all subscriptions of this "
                                                               "client: a new connection restores them")));
  deye_bus_client_settle (self);
}

static void
heartbeat_verify (DeyeBusClient *self)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (GBytes) nothing = g_bytes_new_static ("", 0);

  if (!deye_bus_client_reconnects (self) || self->state != DEYE_BUS_CLIENT_STATE_READY || self->verifying)
    return;
  pending = deye_bus_client_new_broker_pending ();
  pending->complete = heartbeat_on_counted;
  pending->data = self; /* without a reference: the event is in the client's own ring */
  self->verified_changes = deye_bus_session_channel_changes (self->session);
  self->verifying = deye_bus_client_ask_broker (self, "control.bus.ping", DEYE_BUS_TYPE_PREFIX "PingRequest", nothing,
                                                pending, NULL);
}

static void
heartbeat_notify_collector (DeyeBusClient *self)
{
  if (self->collector_hooks != NULL && self->state == DEYE_BUS_CLIENT_STATE_READY)
    self->collector_hooks->beat (self->collector);
}

static gboolean
heartbeat_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  /* The client destroys the source in its dispose, so it is alive here. */
  DeyeBusClient *self = data;
  gint64 due_us = g_source_get_ready_time (source) + self->heartbeat_us;

  if (deye_bus_client_is_forked (self))
    return G_SOURCE_REMOVE;
  /* After a long pause (suspend) one heartbeat is sent, not all that were missed. */
  g_source_set_ready_time (source, MAX (due_us, g_get_monotonic_time ()));
  heartbeat_send (self);
  heartbeat_verify (self);
  heartbeat_notify_collector (self);
  deye_bus_client_write (self);
  return G_SOURCE_CONTINUE;
}

/* GLib passes user data only to a source with a callback. The source has a dispatch function that does not call it. */
static gboolean
heartbeat_no_callback (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs heartbeat_funcs = { NULL, NULL, heartbeat_dispatch, NULL, NULL, NULL };

void
deye_bus_client_stop_heartbeat (DeyeBusClient *self)
{
  if (self->heartbeat != NULL)
    g_source_destroy (self->heartbeat);
  g_clear_pointer (&self->heartbeat, g_source_unref);
}

gboolean
deye_bus_client_set_heartbeat (DeyeBusClient *self, gint64 interval_us, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  if (interval_us != 0 && (interval_us < INTERVAL_MIN_US || interval_us > INTERVAL_MAX_US))
    {
      g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT,
                   _ ("The heartbeat's interval must be 100 ms to 300 s, or 0 for none, not %" PRId64 " us"),
                   interval_us);
      return FALSE;
    }
  if (!deye_bus_client_enter (self, error))
    return FALSE;
  deye_bus_client_stop_heartbeat (self);
  self->heartbeat_us = interval_us;
  if (interval_us > 0)
    {
      self->heartbeat = g_source_new (&heartbeat_funcs, sizeof (GSource));
      g_source_set_static_name (self->heartbeat, "DeyeBusHeartbeat");
      g_source_set_callback (self->heartbeat, heartbeat_no_callback, self, NULL);
      g_source_set_ready_time (self->heartbeat, g_get_monotonic_time () + interval_us);
      g_source_attach (self->heartbeat, self->context);
      heartbeat_send (self);
    }
  deye_bus_client_leave (self);
  return TRUE;
}

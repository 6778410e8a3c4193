/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "deye-bus-senders.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>

/*
 * Publishes while the client is not connected: the message waits in the stash (session/deye-bus-stash.h) and is sent when the
 * client is ready, after the subscriptions are restored and before any later call.
 *
 * When the client is ready, or gives up, it reports to the program how many messages the stash has dropped. The broker gets the
 * numbers for each topic (control.bus.lost), and reports them to the subscribers.
 */

#define LOSSES_PER_REPORT 32u /* topics of one call, which must not be larger than a control message */

#define STASH_DROPPED                                                                                                  \
  N_ ("the client was not connected, and too many messages waited, or they waited for too long: publish less until "   \
      "the client is ready")

guint64
deye_bus_client_count_kept (DeyeBusClient *self)
{
  return deye_bus_stash_count (&self->stash) + (self->senders != NULL ? deye_bus_senders_count (self->senders) : 0);
}

gboolean
deye_bus_client_stashes (const DeyeBusClient *self)
{
  return deye_bus_client_reconnects (self)
         && (self->state == DEYE_BUS_CLIENT_STATE_CONNECTING || self->state == DEYE_BUS_CLIENT_STATE_CONNECTED);
}

gboolean
deye_bus_client_stash (DeyeBusClient *self, const DeyeBusCall *call, GError **error)
{
  return deye_bus_stash_put (&self->stash, call, deye_bus_client_get_largest_payload (self),
                             deye_bus_session_new_number (self->session), g_get_monotonic_time (), error);
}

/* --- the report to subscribers --- */

static GBytes *
stash_pack_losses (const GPtrArray *losses)
{
  Daemoneye__Eventbus__V1__LostRequest request = DAEMONEYE__EVENTBUS__V1__LOST_REQUEST__INIT;
  g_autofree Daemoneye__Eventbus__V1__Lost *rows = g_new (Daemoneye__Eventbus__V1__Lost, losses->len);
  g_autofree Daemoneye__Eventbus__V1__Lost **list = g_new (Daemoneye__Eventbus__V1__Lost *, losses->len);

  for (guint i = 0; i < losses->len; i++)
    {
      const DeyeBusLoss *loss = losses->pdata[i];

      daemoneye__eventbus__v1__lost__init (&rows[i]);
      rows[i].topic = loss->topic;
      rows[i].count = loss->count;
      list[i] = &rows[i];
    }
  request.n_lost = losses->len;
  request.lost = list;
  return deye_bus_pack (&request.base);
}

/* TRUE if the connection ended before the broker confirmed the report. */
static gboolean
stash_is_interrupted (const GError *error)
{
  static const DeyeBusError codes[] = { DEYE_BUS_ERROR_UNKNOWN, DEYE_BUS_ERROR_NOT_CONNECTED,
                                        DEYE_BUS_ERROR_SHUTTING_DOWN, DEYE_BUS_ERROR_SLOW_CONSUMER };

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (g_error_matches (error, DEYE_BUS_ERROR, codes[i]))
      return TRUE;
  return FALSE;
}

static void
stash_end_report (DeyeBusClient *self, const GError *error)
{
  g_autoptr (GPtrArray) losses = g_steal_pointer (&self->reporting);

  if (error == NULL)
    return;
  g_debug ("losses not reported to subscribers: %s", error->message);
  for (guint i = 0; i < losses->len && stash_is_interrupted (error); i++)
    {
      const DeyeBusLoss *loss = losses->pdata[i];

      deye_bus_losses_add (&self->stash.losses, loss->topic, loss->count);
    }
}

static void stash_report_losses (DeyeBusClient *self);

static void
stash_on_report_answered (DeyeBusPending *pending)
{
  DeyeBusClient *self = g_steal_pointer (&pending->data);

  stash_end_report (self, pending->error);
  stash_report_losses (self);
}

/* Sends one report at a time. Losses that do not fit follow when the broker has answered it. */
static void
stash_report_losses (DeyeBusClient *self)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;

  if (self->reporting != NULL || deye_bus_losses_is_empty (&self->stash.losses)
      || self->state != DEYE_BUS_CLIENT_STATE_READY)
    return;
  if (!deye_bus_session_check_features (self->session, WIRE_FEATURE_DELIVERY, NULL))
    {
      deye_bus_losses_clear (&self->stash.losses); /* this broker cannot report them */
      return;
    }
  self->reporting = deye_bus_losses_take (&self->stash.losses, LOSSES_PER_REPORT);
  payload = stash_pack_losses (self->reporting);
  pending = deye_bus_client_new_broker_pending ();
  pending->complete = stash_on_report_answered;
  pending->data = self; /* without a reference: the event is in the client's own ring */
  if (!deye_bus_client_ask_broker (self, "control.bus.lost", DEYE_BUS_TYPE_PREFIX "LostRequest", payload, pending,
                                   &error))
    stash_end_report (self, error);
}

void
deye_bus_client_report_losses (DeyeBusClient *self)
{
  deye_bus_stash_expire (&self->stash, g_get_monotonic_time ());
  stash_report_losses (self);
}

/* --- the report to the program --- */

void
deye_bus_client_report_stash (DeyeBusClient *self)
{
  deye_bus_client_report_unsent (self, self->stash.lost, STASH_DROPPED);
  self->stash.lost = 0;
}

void
deye_bus_client_end_stash (DeyeBusClient *self)
{
  guint64 messages = self->stash.lost + deye_bus_stash_count (&self->stash);

  self->stash.lost = 0;
  deye_bus_stash_clear (&self->stash);
  if (self->senders != NULL)
    messages += deye_bus_senders_give_up (self->senders);
  deye_bus_client_report_unsent (self, messages, deye_bus_client_unsent_ended);
}

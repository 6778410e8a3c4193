/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include <glib/gi18n-lib.h>

/*
 * Publishing while the client is not connected: the message waits in the stash (session/deye-bus-stash.h) and is sent when
 * the client is ready, after everything is restored and before any later call.
 *
 * Messages that the stash dropped meanwhile are reported once the client is ready, or when it gives up.
 */

#define STASH_DROPPED                                                                                                  \
  N_ ("the client was not connected, and kept too many or for too long: publish less until it is ready")

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

void
deye_bus_client_tell_losses (DeyeBusClient *self)
{
  deye_bus_stash_expire (&self->stash, g_get_monotonic_time ());
}

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
  deye_bus_client_report_unsent (self, messages, deye_bus_client_unsent_ended);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-reconnect.h"

#include <glib/gi18n.h>

static void
reconnect_on_interrupted (DeyeBusClient *client, const GError *why, gpointer data)
{
  CtlReconnect *self = data;

  self->is_interrupted = TRUE;
  g_printerr (_ ("deyebusctl: %s\ndeyebusctl: connecting again; %s\n"), why->message, self->missed);
}

static void
reconnect_on_state (DeyeBusClient *client, GParamSpec *pspec, gpointer data)
{
  CtlReconnect *self = data;

  if (!self->is_interrupted || deye_bus_client_get_state (client) != DEYE_BUS_CLIENT_STATE_READY)
    return;
  self->is_interrupted = FALSE;
  g_printerr (_ ("deyebusctl: connected again\n"));
}

void
ctl_reconnect_init (CtlReconnect *self, DeyeBusClient *client, const char *missed)
{
  self->client = g_object_ref (client);
  self->missed = missed;
  self->is_interrupted = FALSE;
  g_signal_connect (client, "interrupted", G_CALLBACK (reconnect_on_interrupted), self);
  g_signal_connect (client, "notify::state", G_CALLBACK (reconnect_on_state), self);
}

void
ctl_reconnect_clear (CtlReconnect *self)
{
  if (self->client != NULL)
    g_signal_handlers_disconnect_by_data (self->client, self);
  g_clear_object (&self->client);
}

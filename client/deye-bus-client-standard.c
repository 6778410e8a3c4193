/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-standard.h"
#include "deye-bus-client-subscribe.h"

#include "deye-bus-client-private.h"
#include "deye-bus-pack.h"
#include "health.pb-c.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>

/*
 * The duties of every collector besides its methods: it acknowledges a reload of its configuration on results.{type}.
 */

typedef struct
{
  DeyeBusClient *client; /* borrowed: callbacks are only called while it lives */
  DeyeBusReloadCallback reload;
  gpointer user_data;
  GDestroyNotify destroy;
} CollectorReload;

static void
collector_reload_free (gpointer data)
{
  CollectorReload *reload_data = data;

  if (reload_data->destroy != NULL)
    reload_data->destroy (reload_data->user_data);
  g_free (reload_data);
}

gboolean
deye_bus_reload_read (DeyeBusMessage *message, guint64 *generation)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__config_reload__descriptor, message);

  if (guard == NULL)
    return FALSE;
  *generation = ((const Daemoneye__Eventbus__V1__ConfigReload *) wire_guard_message (guard))->generation;
  return TRUE;
}

void
deye_bus_client_acknowledge_reload (DeyeBusClient *client, DeyeBusMessage *broadcast, guint64 generation)
{
  Daemoneye__Eventbus__V1__ConfigReloaded reloaded = DAEMONEYE__EVENTBUS__V1__CONFIG_RELOADED__INIT;
  g_autofree char *topic = g_strconcat ("results.", client->type, NULL);
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;

  reloaded.id = client->id;
  reloaded.generation = generation;
  payload = deye_bus_pack (&reloaded.base);
  deye_bus_options_set_correlation_id (options, deye_bus_message_get_correlation_id (broadcast));
  if (!deye_bus_client_post (client, topic, payload, DEYE_BUS_TYPE_PREFIX "ConfigReloaded", options, &error))
    g_message ("Reload not acknowledged: %s", error->message);
}

static void
collector_on_reload (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer user_data)
{
  CollectorReload *reload_data = user_data;
  g_autoptr (DeyeBusClient) client = g_object_ref (reload_data->client);
  guint64 generation;

  if (!deye_bus_reload_read (message, &generation))
    {
      g_message ("Reload ignored: the message of %s can't be read", deye_bus_message_get_sender (message));
      return;
    }
  if (reload_data->reload (client, generation, reload_data->user_data))
    deye_bus_client_acknowledge_reload (client, message, generation);
}

/* --- public --- */

static gboolean
collector_subscribe_reload (DeyeBusClient *self,
                            CollectorReload *reload_data,
                            GCancellable *cancellable,
                            GError **error)
{
  g_autoptr (DeyeBusSubscription) subscription
      = deye_bus_client_subscribe (self, "control.collector.config.reload", NULL, collector_on_reload, reload_data,
                                   collector_reload_free, cancellable, error);

  return subscription != NULL;
}

/* If the broker lacks the feature PEER_METHODS, the methods are served like any other topic. */
static gboolean
collector_serve_methods (DeyeBusClient *self, GCancellable *cancellable, GError **error)
{
  if (!deye_bus_client_check_ready (self, error))
    return FALSE;
  return (deye_bus_session_welcome (self->session)->features & WIRE_FEATURE_PEER_METHODS) != 0
         || deye_bus_client_serve_methods (self, FALSE, cancellable, error);
}

/* A client that acknowledges reloads needs a type, because the topic of the acknowledgement contains it. */
static gboolean
collector_check_type (DeyeBusClient *self, DeyeBusReloadCallback reload, GError **error)
{
  if (reload == NULL || self->type != NULL)
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                       _ ("This client has no type, and takes no part in reloads: construct it with one (property "
                          "“type”), or pass no callback"));
  return FALSE;
}

gboolean
deye_bus_client_serve_standard (DeyeBusClient *self,
                                DeyeBusReloadCallback reload,
                                gpointer user_data,
                                GDestroyNotify destroy,
                                GCancellable *cancellable,
                                GError **error)
{
  CollectorReload *reload_data;
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  reload_data = g_new0 (CollectorReload, 1);
  reload_data->client = self;
  reload_data->reload = reload;
  reload_data->user_data = user_data;
  reload_data->destroy = destroy;
  ok = collector_check_type (self, reload, error) && collector_serve_methods (self, cancellable, error);
  if (ok && reload != NULL)
    return collector_subscribe_reload (self, reload_data, cancellable, error);
  collector_reload_free (reload_data);
  return ok;
}

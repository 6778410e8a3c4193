/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "deye-bus-pack.h"
#include "health.pb-c.h"
#include "wire-feature.h"

/*
 * What every collector does besides answering its methods: it acknowledges a reload of the configuration on
 * results.{type}, and says how it is.
 */

typedef struct
{
  DeyeBusClient *client; /* borrowed: callbacks come only while it lives */
  DeyeBusReloadCallback reload;
  gpointer user_data;
  GDestroyNotify destroy;
} Reloading;

static void
reloading_free (gpointer data)
{
  Reloading *reloading = data;

  if (reloading->destroy != NULL)
    reloading->destroy (reloading->user_data);
  g_free (reloading);
}

static gboolean
read_generation (DeyeBusMessage *message, guint64 *generation)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__config_reload__descriptor, message);

  if (guard == NULL)
    return FALSE;
  *generation = ((const Daemoneye__Eventbus__V1__ConfigReload *) wire_guard_message (guard))->generation;
  return TRUE;
}

static void
acknowledge (DeyeBusClient *client, DeyeBusMessage *broadcast, guint64 generation)
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
on_reload (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer user_data)
{
  Reloading *reloading = user_data;
  g_autoptr (DeyeBusClient) client = g_object_ref (reloading->client);
  guint64 generation;

  if (!read_generation (message, &generation))
    {
      g_message ("A reload that can't be read came from %s: left out", deye_bus_message_get_sender (message));
      return;
    }
  if (reloading->reload (client, generation, reloading->user_data))
    acknowledge (client, message, generation);
}

/* --- public --- */

static gboolean
subscribe_reload (DeyeBusClient *self, Reloading *reloading, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusSubscription) subscription = deye_bus_client_subscribe (
      self, "control.collector.config.reload", NULL, on_reload, reloading, reloading_free, cancellable, error);

  return subscription != NULL;
}

/* A broker without the feature is asked to let us serve the methods as any topic. */
static gboolean
serve_by_hand (DeyeBusClient *self, GCancellable *cancellable, GError **error)
{
  if (!deye_bus_client_check_ready (self, error))
    return FALSE;
  return (deye_bus_session_welcome (self->session)->features & WIRE_FEATURE_PEER_METHODS) != 0
         || deye_bus_client_serve_methods (self, FALSE, cancellable, error);
}

gboolean
deye_bus_client_serve_standard (DeyeBusClient *self,
                                DeyeBusReloadCallback reload,
                                gpointer user_data,
                                GDestroyNotify destroy,
                                GCancellable *cancellable,
                                GError **error)
{
  Reloading *reloading;
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (reload == NULL || self->type != NULL, FALSE);

  reloading = g_new0 (Reloading, 1);
  reloading->client = self;
  reloading->reload = reload;
  reloading->user_data = user_data;
  reloading->destroy = destroy;
  ok = serve_by_hand (self, cancellable, error);
  if (ok && reload != NULL)
    return subscribe_reload (self, reloading, cancellable, error);
  reloading_free (reloading);
  return ok;
}

void
deye_bus_client_set_health (DeyeBusClient *self, DeyeBusHealth health, const char *detail)
{
  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  self->health = health;
  g_free (self->health_detail);
  self->health_detail = g_strdup (detail);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "health.pb-c.h"
#include "wire-guard.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

/*
 * What every collector does: answers Ping and HealthCheck on control.collector.{id}, and acknowledges a reload of the
 * configuration on results.{type}.
 */

#define TYPE_PREFIX "daemoneye.eventbus.v1."

typedef struct
{
  gatomicrefcount refs; /* of the two subscriptions */
  DeyeBusClient *client; /* borrowed: callbacks come only while it lives */
  gint64 started_us;
  guint64 served;
  DeyeBusReloadCallback reload;
  gpointer user_data;
  GDestroyNotify destroy;
} Standard;

static void
standard_unref (gpointer data)
{
  Standard *standard = data;

  if (!g_atomic_ref_count_dec (&standard->refs))
    return;
  if (standard->destroy != NULL)
    standard->destroy (standard->user_data);
  g_free (standard);
}

static Standard *
standard_ref (Standard *standard)
{
  g_atomic_ref_count_inc (&standard->refs);
  return standard;
}

static GBytes *
pack (const ProtobufCMessage *message)
{
  gsize size = protobuf_c_message_get_packed_size (message);
  guint8 *bytes = g_malloc (MAX (size, 1));

  return g_bytes_new_take (bytes, protobuf_c_message_pack (message, bytes));
}

/* --- methods --- */

typedef gboolean (*MethodFunc) (Standard *standard, DeyeBusMessage *request, GError **error);

static gboolean
answer_ping (Standard *standard, DeyeBusMessage *request, GError **error)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (request);

  return deye_bus_client_respond (standard->client, request, payload, NULL, error);
}

static gboolean
answer_health (Standard *standard, DeyeBusMessage *request, GError **error)
{
  Daemoneye__Eventbus__V1__HealthReply reply = DAEMONEYE__EVENTBUS__V1__HEALTH_REPLY__INIT;
  DeyeBusClient *client = standard->client;
  g_autofree char *detail = g_strdup (client->health_detail != NULL ? client->health_detail : "");
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GBytes) payload = NULL;

  reply.id = client->id;
  reply.health = client->health;
  reply.detail = detail;
  reply.uptime_us = (guint64) (g_get_monotonic_time () - standard->started_us);
  reply.pid = (guint32) getpid ();
  reply.requests_served = standard->served;
  payload = pack (&reply.base);
  deye_bus_options_set_type_name (options, TYPE_PREFIX "HealthReply");
  return deye_bus_client_respond (client, request, payload, options, error);
}

static const struct
{
  const char *name;
  MethodFunc answer;
} methods[] = {
  { "Ping", answer_ping },
  { "HealthCheck", answer_health },
};

static gboolean
answer (Standard *standard, DeyeBusMessage *request, GError **error)
{
  const char *method = deye_bus_message_get_method (request);

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    if (g_strcmp0 (methods[i].name, method) == 0)
      return methods[i].answer (standard, request, error);
  return deye_bus_client_respond_error (standard->client, request, "UnknownMethod", "the methods here are Ping and HealthCheck",
                                        error);
}

static void
on_request (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer user_data)
{
  Standard *standard = user_data;
  g_autoptr (GError) error = NULL;

  standard->served++;
  if (!answer (standard, request, &error))
    g_debug ("%s not answered: %s", deye_bus_message_get_topic (request), error->message);
}

/* --- reload --- */

static gboolean
read_generation (DeyeBusMessage *message, guint64 *generation)
{
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (message, &len);
  g_autoptr (WireGuard) guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__config_reload__descriptor,
                                                           wire_span (bytes, len), 0, NULL);

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
  payload = pack (&reloaded.base);
  deye_bus_options_set_correlation_id (options, deye_bus_message_get_correlation_id (broadcast));
  if (!deye_bus_client_post (client, topic, payload, TYPE_PREFIX "ConfigReloaded", options, &error))
    g_message ("Reload not acknowledged: %s", error->message);
}

static void
on_reload (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer user_data)
{
  Standard *standard = user_data;
  g_autoptr (DeyeBusClient) client = g_object_ref (standard->client);
  guint64 generation;

  if (!read_generation (message, &generation))
    {
      g_message ("A reload that can't be read came from %s: left out", deye_bus_message_get_sender (message));
      return;
    }
  if (standard->reload (client, generation, standard->user_data))
    acknowledge (client, message, generation);
}

/* --- public --- */

static gboolean
subscribe_reload (DeyeBusClient *self, Standard *standard, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;

  if (standard->reload == NULL)
    return TRUE;
  subscription = deye_bus_client_subscribe (self, "control.collector.config.reload", NULL, on_reload, standard_ref (standard),
                                            standard_unref, cancellable, error);
  return subscription != NULL;
}

gboolean
deye_bus_client_serve_standard (DeyeBusClient *self, DeyeBusReloadCallback reload, gpointer user_data,
                                GDestroyNotify destroy, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusSubscription) serving = NULL;
  g_autofree char *topic = NULL;
  Standard *standard;
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (reload == NULL || self->type != NULL, FALSE);

  standard = g_new0 (Standard, 1);
  g_atomic_ref_count_init (&standard->refs);
  standard->client = self;
  standard->started_us = g_get_monotonic_time ();
  standard->reload = reload;
  standard->user_data = user_data;
  standard->destroy = destroy;
  topic = g_strconcat ("control.collector.", self->id, NULL);
  serving = deye_bus_client_serve (self, topic, NULL, on_request, standard_ref (standard), standard_unref, cancellable, error);
  ok = serving != NULL && subscribe_reload (self, standard, cancellable, error);
  if (serving != NULL && !ok)
    deye_bus_subscription_unsubscribe (serving, NULL, NULL);
  standard_unref (standard);
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

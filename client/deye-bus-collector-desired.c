/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-collector-private.h"

#include "deye-bus-client-request.h"
#include "deye-bus-client-standard.h"
#include "deye-bus-pack.h"
#include "health.pb-c.h"

/*
 * The desired state that the agent sets for a collector: its configuration, and its standing tasks.
 *
 * The agent asks all collectors to read their configuration again, or sends a configuration to one collector, as a request. The
 * broker sends all standing tasks as one set, again with each registration; a set that is already applied is not applied again.
 */

typedef Daemoneye__Eventbus__V1__StandingSet StandingSet;

static void
desired_answer (DeyeBusCollector *self, DeyeBusMessage *request, const ProtobufCMessage *reply)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GBytes) payload = deye_bus_pack (reply);
  g_autoptr (GError) error = NULL;

  deye_bus_options_set_type_name (options, reply->descriptor->name);
  if (!deye_bus_client_respond (self->client, request, payload, options, &error))
    g_debug ("%s not sent: %s", reply->descriptor->short_name, error->message);
}

static void
desired_refuse (DeyeBusCollector *self, DeyeBusMessage *request, const char *name, const char *detail)
{
  g_autoptr (GError) error = NULL;

  if (!deye_bus_client_respond_error (self->client, request, name, detail, &error))
    g_debug ("refusal not sent: %s", error->message);
}

/* --- handlers, which may replace themselves --- */

void
deye_bus_desired_unref (DeyeBusDesired *desired)
{
  if (--desired->refs > 0)
    return;
  if (desired->destroy != NULL)
    desired->destroy (desired->user_data);
  g_free (desired);
}

static DeyeBusDesired *
desired_ref (DeyeBusDesired *desired)
{
  desired->refs++;
  return desired;
}

/* @desired: taken */
static gboolean
desired_set (DeyeBusCollector *self, DeyeBusDesired **place, DeyeBusDesired *desired, GError **error)
{
  g_autoptr (DeyeBusDesired) unused = desired;

  if (!deye_bus_client_enter (self->client, error))
    return FALSE;
  unused = *place;
  *place = desired;
  if (self->is_started)
    deye_bus_collector_open_topics (self);
  deye_bus_client_leave (self->client);
  return TRUE;
}

static DeyeBusDesired *
desired_new (GCallback handler, gpointer user_data, GDestroyNotify destroy)
{
  DeyeBusDesired *desired = g_new (DeyeBusDesired, 1);

  *desired = (DeyeBusDesired){ 1, handler, user_data, destroy };
  return desired;
}

/* --- configuration --- */

static gboolean
configuration_apply (DeyeBusCollector *self, guint64 generation, GBytes *payload, const char *payload_type)
{
  g_autoptr (DeyeBusDesired) held = desired_ref (self->configuration);
  DeyeBusConfigurationHandler handler = (DeyeBusConfigurationHandler) held->handler;

  return handler (self, generation, payload, payload_type, held->user_data);
}

void
deye_bus_collector_on_reload (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer weak)
{
  g_autoptr (DeyeBusCollector) self = g_weak_ref_get (weak);
  guint64 generation;

  if (self != NULL && deye_bus_reload_read (message, &generation) && configuration_apply (self, generation, NULL, NULL))
    deye_bus_client_acknowledge_reload (self->client, message, generation);
}

void
deye_bus_collector_on_configuration (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer weak)
{
  Daemoneye__Eventbus__V1__ConfigReloaded reply = DAEMONEYE__EVENTBUS__V1__CONFIG_RELOADED__INIT;
  g_autoptr (DeyeBusCollector) self = g_weak_ref_get (weak);
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (message);

  if (self == NULL)
    return;
  reply.id = self->client->id;
  if (configuration_apply (self, 0, payload, deye_bus_message_get_type_name (message)))
    desired_answer (self, message, &reply.base);
  else
    desired_refuse (self, message, "Refused", "the collector does not take this configuration");
}

gboolean
deye_bus_collector_set_configuration_handler (DeyeBusCollector *self,
                                              DeyeBusConfigurationHandler handler,
                                              gpointer user_data,
                                              GDestroyNotify destroy,
                                              GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), FALSE);
  g_return_val_if_fail (handler != NULL, FALSE);

  return desired_set (self, &self->configuration, desired_new (G_CALLBACK (handler), user_data, destroy), error);
}

/* --- standing tasks --- */

static GPtrArray *
standing_list (const StandingSet *set)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_standing_task_unref);

  for (gsize i = 0; i < set->n_set; i++)
    {
      const Daemoneye__Eventbus__V1__StandingTask *task = set->set[i];
      g_autoptr (GBytes) payload = g_bytes_new (task->payload.data, task->payload.len);

      g_ptr_array_add (tasks, deye_bus_standing_task_new (task->id, task->operation, payload,
                                                          *task->payload_type != '\0' ? task->payload_type : NULL));
    }
  return tasks;
}

/* The set without the fields that change each time that it is sent, for comparing two sets. */
static GBytes *
standing_content (const StandingSet *set)
{
  StandingSet content = *set;

  content.ttl_us = 0;
  return deye_bus_pack (&content.base);
}

/* Applies the set, and returns the reason if it was not applied; NULL: it was. */
static char *
standing_apply (DeyeBusCollector *self, const StandingSet *set)
{
  g_autoptr (DeyeBusDesired) held = desired_ref (self->standing);
  DeyeBusStandingHandler handler = (DeyeBusStandingHandler) held->handler;
  g_autoptr (GPtrArray) tasks = NULL;
  g_autoptr (GBytes) content = standing_content (set);
  char *problem;

  if (self->standing_applied != NULL && g_bytes_equal (content, self->standing_applied))
    return NULL;
  tasks = standing_list (set);
  problem = handler (self, set->revision, tasks, held->user_data);
  if (problem != NULL)
    return problem;
  g_clear_pointer (&self->standing_applied, g_bytes_unref);
  self->standing_applied = g_steal_pointer (&content);
  self->standing_revision = set->revision;
  return NULL;
}

static void
standing_take (DeyeBusCollector *self, DeyeBusMessage *message, const StandingSet *set)
{
  Daemoneye__Eventbus__V1__StandingState state = DAEMONEYE__EVENTBUS__V1__STANDING_STATE__INIT;
  g_autofree char *problem = standing_apply (self, set);
  g_autofree char *cut = deye_bus_run_cut_text (problem);

  state.collector = self->client->id;
  state.revision = set->revision;
  state.observed = self->standing_revision;
  state.is_configuring = state.observed != state.revision;
  state.problem = cut;
  desired_answer (self, message, &state.base);
}

void
deye_bus_collector_on_standing (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer weak)
{
  g_autoptr (DeyeBusCollector) self = g_weak_ref_get (weak);
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__standing_set__descriptor, message);

  if (self == NULL)
    return;
  if (g_strcmp0 (deye_bus_message_get_sender (message), "bus") != 0)
    desired_refuse (self, message, "PermissionDenied", "standing tasks come from the broker only");
  else if (guard == NULL)
    desired_refuse (self, message, "BadRequest", "the payload is not a StandingSet");
  else
    standing_take (self, message, wire_guard_message (guard));
}

gboolean
deye_bus_collector_set_standing_handler (DeyeBusCollector *self,
                                         DeyeBusStandingHandler handler,
                                         gpointer user_data,
                                         GDestroyNotify destroy,
                                         GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), FALSE);
  g_return_val_if_fail (handler != NULL, FALSE);

  return desired_set (self, &self->standing, desired_new (G_CALLBACK (handler), user_data, destroy), error);
}

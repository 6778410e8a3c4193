/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-collector-private.h"

#include "deye-bus-client-connection.h"
#include "deye-bus-context.h"
#include "deye-bus-locale.h"

#include <glib/gi18n-lib.h>

/* The collector object: construction, properties and dispose. */

#define SLOTS_MAX    256u
#define PRIORITY_MAX 255u

G_DEFINE_FINAL_TYPE (DeyeBusCollector, deye_bus_collector, G_TYPE_OBJECT)

enum
{
  PROP_CLIENT = 1,
  PROP_ID,
  PROP_TYPE,
  PROP_ADDRESS,
  PROP_STATE,
  PROP_MAX_CONCURRENT,
  PROP_LOWEST_PRIORITY,
  PROP_HIGHEST_PRIORITY,
  PROP_RUNNING,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
guint deye_bus_collector_signals[DEYE_BUS_COLLECTOR_N_SIGNALS];

/* --- weak references --- */

GWeakRef *
deye_bus_collector_weak_new (DeyeBusCollector *self)
{
  GWeakRef *weak = g_new (GWeakRef, 1);

  g_weak_ref_init (weak, self);
  return weak;
}

void
deye_bus_collector_weak_free (gpointer weak)
{
  g_weak_ref_clear (weak);
  g_free (weak);
}

/* --- the end --- */

static gboolean
collector_is_hooked (const DeyeBusCollector *self)
{
  return self->client != NULL && self->client->collector == self;
}

/* If the client was disposed by g_object_run_dispose(), it has no handlers any more. */
static void
collector_disconnect (DeyeBusCollector *self, gulong *handler)
{
  if (g_signal_handler_is_connected (self->client, *handler))
    g_signal_handler_disconnect (self->client, *handler);
  *handler = 0;
}

void
deye_bus_collector_unhook (DeyeBusCollector *self)
{
  deye_bus_collector_stop_timer (self);
  deye_bus_collector_close_topics (self, self->is_client_given);
  deye_bus_collector_forget_asked (self);
  if (!collector_is_hooked (self))
    return;
  self->client->collector_hooks = NULL;
  self->client->collector = NULL;
  collector_disconnect (self, &self->state_handler);
  collector_disconnect (self, &self->closed_handler);
}

static GError *
collector_error_freed (void)
{
  return deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s", _ ("The collector has been freed"));
}

static void
collector_release_all (DeyeBusCollector *self)
{
  g_autoptr (GError) freed = collector_error_freed ();

  if (self->run_owner != NULL)
    self->run_owner->owner = NULL;
  g_clear_pointer (&self->run_owner, deye_bus_run_owner_unref);
  deye_bus_collector_deregister (self);
  deye_bus_collector_unhook (self);
  deye_bus_collector_end_starting (self, freed);
  deye_bus_collector_end_stopping (self, freed);
  deye_bus_collector_cancel_runs (self, DEYE_BUS_CANCEL_STOPPED);
  g_ptr_array_set_size (self->runs, 0);
  deye_bus_collector_forget_kept (self);
  g_ptr_array_set_size (self->operations, 0);
  g_clear_pointer (&self->configuration, deye_bus_desired_unref);
  g_clear_pointer (&self->standing, deye_bus_desired_unref);
  g_queue_clear_full (&self->arrived, (GDestroyNotify) deye_bus_message_unref);
}

/* In a callback of the client its dispose does nothing, so the client is closed first. */
static void
collector_end_own_client (DeyeBusCollector *self)
{
  if (self->client->dispatching > 0)
    deye_bus_client_close_async (self->client, NULL, NULL, NULL);
  g_object_run_dispose (G_OBJECT (self->client));
}

/* A binding may use the collector after g_object_run_dispose(), or call that in a handler. So the client is released in finalize,
 * and the collector behaves like one that was stopped. Its own client is closed, even if the program has a reference to it: the
 * topics of the collector are still open in it, and nothing would answer their requests. */
static void
deye_bus_collector_dispose (GObject *object)
{
  DeyeBusCollector *self = DEYE_BUS_COLLECTOR (object);
  DeyeBusContextRelease release;

  if (!deye_bus_context_begin_release (&release, self->client->context))
    {
      deye_bus_context_hand_over (self->client->context, object);
      return;
    }
  collector_release_all (self);
  deye_bus_context_end_release (&release);
  if (!self->is_client_given)
    collector_end_own_client (self);
  G_OBJECT_CLASS (deye_bus_collector_parent_class)->dispose (object);
}

static void
deye_bus_collector_finalize (GObject *object)
{
  DeyeBusCollector *self = DEYE_BUS_COLLECTOR (object);

  g_clear_object (&self->client);
  g_clear_pointer (&self->reply, wire_guard_free);
  g_clear_error (&self->refusal);
  g_clear_error (&self->failure);
  g_clear_pointer (&self->standing_applied, g_bytes_unref);
  deye_bus_collector_clear_health (self);
  g_clear_pointer (&self->operations, g_ptr_array_unref);
  g_clear_pointer (&self->tags, g_ptr_array_unref);
  g_clear_pointer (&self->asked, g_ptr_array_unref);
  g_clear_pointer (&self->runs, g_ptr_array_unref);
  g_free (self->id);
  g_free (self->type);
  g_free (self->address);
  G_OBJECT_CLASS (deye_bus_collector_parent_class)->finalize (object);
}

/* --- object --- */

static void
deye_bus_collector_init (DeyeBusCollector *self)
{
  self->operations = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_operation_unref);
  self->tags = g_ptr_array_new_with_free_func (g_free);
  self->asked = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_pending_unref);
  self->runs = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_run_unref);
  deye_bus_collector_init_health (self);
  self->max_concurrent = 1;
  self->highest = PRIORITY_MAX;
}

static void
deye_bus_collector_constructed (GObject *object)
{
  DeyeBusCollector *self = DEYE_BUS_COLLECTOR (object);

  G_OBJECT_CLASS (deye_bus_collector_parent_class)->constructed (object);
  self->is_client_given = self->client != NULL;
  if (self->client == NULL)
    self->client
        = g_object_new (DEYE_BUS_TYPE_CLIENT, "address", self->address, "id", self->id, "type", self->type, NULL);
}

static void
deye_bus_collector_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  DeyeBusCollector *self = DEYE_BUS_COLLECTOR (object);

  switch (prop_id)
    {
    case PROP_CLIENT:
      g_value_set_object (value, self->client);
      break;
    case PROP_ID:
      g_value_set_string (value, self->client->id);
      break;
    case PROP_TYPE:
      g_value_set_string (value, self->client->type);
      break;
    case PROP_ADDRESS:
      g_value_take_string (value, deye_bus_client_dup_address (self->client));
      break;
    case PROP_STATE:
      g_value_set_uint (value, self->state);
      break;
    case PROP_MAX_CONCURRENT:
      g_value_set_uint (value, self->max_concurrent);
      break;
    case PROP_LOWEST_PRIORITY:
      g_value_set_uint (value, self->lowest);
      break;
    case PROP_HIGHEST_PRIORITY:
      g_value_set_uint (value, self->highest);
      break;
    case PROP_RUNNING:
      g_value_set_uint (value, self->runs->len);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
collector_set_number (DeyeBusCollector *self, guint prop_id, guint *number, guint value)
{
  if (*number == value)
    return;
  *number = value;
  g_object_notify_by_pspec (G_OBJECT (self), props[prop_id]);
  if (!deye_bus_client_enter (self->client, NULL))
    return;
  deye_bus_collector_update (self);
  deye_bus_client_leave (self->client);
}

static void
deye_bus_collector_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  DeyeBusCollector *self = DEYE_BUS_COLLECTOR (object);

  switch (prop_id)
    {
    case PROP_CLIENT:
      self->client = g_value_dup_object (value);
      break;
    case PROP_ID:
      self->id = g_value_dup_string (value);
      break;
    case PROP_TYPE:
      self->type = g_value_dup_string (value);
      break;
    case PROP_ADDRESS:
      self->address = g_value_dup_string (value);
      break;
    case PROP_MAX_CONCURRENT:
      collector_set_number (self, prop_id, &self->max_concurrent, g_value_get_uint (value));
      break;
    case PROP_LOWEST_PRIORITY:
      collector_set_number (self, prop_id, &self->lowest, g_value_get_uint (value));
      break;
    case PROP_HIGHEST_PRIORITY:
      collector_set_number (self, prop_id, &self->highest, g_value_get_uint (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

#define READ_ONLY (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)
#define WRITABLE  (READ_ONLY | G_PARAM_WRITABLE)
#define CONSTRUCT (WRITABLE | G_PARAM_CONSTRUCT_ONLY)

static void
collector_install_properties (GObjectClass *object_class)
{
  props[PROP_CLIENT] = g_param_spec_object ("client", NULL, NULL, DEYE_BUS_TYPE_CLIENT, CONSTRUCT);
  props[PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, CONSTRUCT);
  props[PROP_TYPE] = g_param_spec_string ("type", NULL, NULL, NULL, CONSTRUCT);
  props[PROP_ADDRESS] = g_param_spec_string ("address", NULL, NULL, NULL, CONSTRUCT);
  props[PROP_STATE] = g_param_spec_uint ("state", NULL, NULL, 0, DEYE_BUS_COLLECTOR_STATE_GONE, 0, READ_ONLY);
  props[PROP_MAX_CONCURRENT] = g_param_spec_uint ("max-concurrent", NULL, NULL, 1, SLOTS_MAX, 1, WRITABLE);
  props[PROP_LOWEST_PRIORITY] = g_param_spec_uint ("lowest-priority", NULL, NULL, 0, PRIORITY_MAX, 0, WRITABLE);
  props[PROP_HIGHEST_PRIORITY]
      = g_param_spec_uint ("highest-priority", NULL, NULL, 0, PRIORITY_MAX, PRIORITY_MAX, WRITABLE);
  props[PROP_RUNNING] = g_param_spec_uint ("running", NULL, NULL, 0, SLOTS_MAX, 0, READ_ONLY);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static guint
collector_new_signal (const char *name, GType argument)
{
  return g_signal_new (name, DEYE_BUS_TYPE_COLLECTOR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                       argument != G_TYPE_NONE ? 1 : 0, argument);
}

static void
deye_bus_collector_class_init (DeyeBusCollectorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  deye_bus_locale_bind ();
  object_class->dispose = deye_bus_collector_dispose;
  object_class->finalize = deye_bus_collector_finalize;
  object_class->constructed = deye_bus_collector_constructed;
  object_class->get_property = deye_bus_collector_get_property;
  object_class->set_property = deye_bus_collector_set_property;
  collector_install_properties (object_class);
  deye_bus_collector_signals[DEYE_BUS_COLLECTOR_REGISTERED] = collector_new_signal ("registered", G_TYPE_NONE);
  deye_bus_collector_signals[DEYE_BUS_COLLECTOR_REFUSED] = collector_new_signal ("refused", G_TYPE_ERROR);
  deye_bus_collector_signals[DEYE_BUS_COLLECTOR_DRAINING] = collector_new_signal ("draining", G_TYPE_NONE);
  deye_bus_collector_signals[DEYE_BUS_COLLECTOR_DRAINED] = collector_new_signal ("drained", G_TYPE_NONE);
  deye_bus_collector_signals[DEYE_BUS_COLLECTOR_SET_ASIDE] = collector_new_signal ("set-aside", G_TYPE_NONE);
}

DeyeBusCollector *
deye_bus_collector_new (const char *address, const char *id, const char *type)
{
  g_return_val_if_fail (id != NULL, NULL);
  g_return_val_if_fail (type != NULL, NULL);

  return g_object_new (DEYE_BUS_TYPE_COLLECTOR, "address", address, "id", id, "type", type, NULL);
}

DeyeBusCollector *
deye_bus_collector_new_for_client (DeyeBusClient *client)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (client), NULL);

  return g_object_new (DEYE_BUS_TYPE_COLLECTOR, "client", client, NULL);
}

DeyeBusClient *
deye_bus_collector_get_client (DeyeBusCollector *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), NULL);

  return self->client;
}

DeyeBusCollectorState
deye_bus_collector_get_state (DeyeBusCollector *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), DEYE_BUS_COLLECTOR_STATE_UNREGISTERED);

  return self->state;
}

guint
deye_bus_collector_get_running (DeyeBusCollector *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), 0);

  return self->runs->len;
}

void
deye_bus_collector_set_state (DeyeBusCollector *self, DeyeBusCollectorState state)
{
  if (self->state == state)
    return;
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATE]);
  if (state == DEYE_BUS_COLLECTOR_STATE_SET_ASIDE)
    g_signal_emit (self, deye_bus_collector_signals[DEYE_BUS_COLLECTOR_SET_ASIDE], 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-task-private.h"

/*
 * The task object: properties, signals, and the known state.
 *
 * The client's table (deye-bus-tasks.c) changes the task and appends an event to the ring of the client; the dispatch of this
 * event reports the changes. The object has a weak reference to its client, since the table of the client has a reference to
 * the object.
 */

G_DEFINE_FINAL_TYPE (DeyeBusTask, deye_bus_task, G_TYPE_OBJECT)

static GParamSpec *task_properties[DEYE_BUS_TASK_N_PROPS];

enum
{
  TASK_SIGNAL_PROGRESS,
  TASK_SIGNAL_FINISHED,
  TASK_N_SIGNALS
};
static guint task_signals[TASK_N_SIGNALS];

/* --- the client --- */

/* Reference counted. */
struct DeyeBusTaskHome
{
  GWeakRef client;
};

DeyeBusTaskHome *
deye_bus_task_home_new (DeyeBusClient *client)
{
  DeyeBusTaskHome *home = g_atomic_rc_box_new0 (DeyeBusTaskHome);

  g_weak_ref_init (&home->client, client);
  return home;
}

DeyeBusTaskHome *
deye_bus_task_home_ref (DeyeBusTaskHome *home)
{
  return g_atomic_rc_box_acquire (home);
}

static void
task_home_clear (gpointer home)
{
  g_weak_ref_clear (&((DeyeBusTaskHome *) home)->client);
}

void
deye_bus_task_home_unref (DeyeBusTaskHome *home)
{
  g_atomic_rc_box_release_full (home, task_home_clear);
}

DeyeBusClient *
deye_bus_task_dup_client (DeyeBusTask *self)
{
  return self->home != NULL ? g_weak_ref_get (&self->home->client) : NULL;
}

/* --- object --- */

static void
deye_bus_task_init (DeyeBusTask *self)
{
  self->link.data = self;
}

static void
deye_bus_task_finalize (GObject *object)
{
  DeyeBusTask *self = DEYE_BUS_TASK (object);

  g_clear_pointer (&self->home, deye_bus_task_home_unref);
  g_clear_pointer (&self->spec, deye_bus_task_spec_unref);
  g_clear_pointer (&self->result, g_bytes_unref);
  g_clear_error (&self->error);
  g_free (self->cause);
  g_free (self->holder);
  g_free (self->progress_text);
  g_free (self->result_type);
  G_OBJECT_CLASS (deye_bus_task_parent_class)->finalize (object);
}

static void
deye_bus_task_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  DeyeBusTask *self = DEYE_BUS_TASK (object);

  switch (prop_id)
    {
    case DEYE_BUS_TASK_PROP_ID:
      g_value_set_string (value, deye_bus_task_get_id (self));
      break;
    case DEYE_BUS_TASK_PROP_STATE:
      g_value_set_uint (value, self->state);
      break;
    case DEYE_BUS_TASK_PROP_WAIT_REASON:
      g_value_set_uint (value, self->wait_reason);
      break;
    case DEYE_BUS_TASK_PROP_CAUSE:
      g_value_set_string (value, self->cause);
      break;
    case DEYE_BUS_TASK_PROP_HOLDER:
      g_value_set_string (value, self->holder);
      break;
    case DEYE_BUS_TASK_PROP_ATTEMPT:
      g_value_set_uint (value, self->attempt);
      break;
    case DEYE_BUS_TASK_PROP_PROGRESS_DONE:
      g_value_set_uint64 (value, self->progress_done);
      break;
    case DEYE_BUS_TASK_PROP_PROGRESS_TOTAL:
      g_value_set_uint64 (value, self->progress_total);
      break;
    case DEYE_BUS_TASK_PROP_PROGRESS_TEXT:
      g_value_set_string (value, self->progress_text);
      break;
    case DEYE_BUS_TASK_PROP_LATE:
      g_value_set_boolean (value, self->late);
      break;
    case DEYE_BUS_TASK_PROP_UNCONFIRMED:
      g_value_set_boolean (value, self->unconfirmed);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

#define READ_ONLY (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)

static void
deye_bus_task_class_init (DeyeBusTaskClass *klass)
{
  GParamSpec **properties = task_properties;

  G_OBJECT_CLASS (klass)->finalize = deye_bus_task_finalize;
  G_OBJECT_CLASS (klass)->get_property = deye_bus_task_get_property;

  properties[DEYE_BUS_TASK_PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, READ_ONLY);
  properties[DEYE_BUS_TASK_PROP_STATE] = g_param_spec_uint ("state", NULL, NULL, 0, G_MAXUINT, 0, READ_ONLY);
  properties[DEYE_BUS_TASK_PROP_WAIT_REASON]
      = g_param_spec_uint ("wait-reason", NULL, NULL, 0, G_MAXUINT, 0, READ_ONLY);
  properties[DEYE_BUS_TASK_PROP_CAUSE] = g_param_spec_string ("cause", NULL, NULL, NULL, READ_ONLY);
  properties[DEYE_BUS_TASK_PROP_HOLDER] = g_param_spec_string ("holder", NULL, NULL, NULL, READ_ONLY);
  properties[DEYE_BUS_TASK_PROP_ATTEMPT] = g_param_spec_uint ("attempt", NULL, NULL, 0, G_MAXUINT, 0, READ_ONLY);
  properties[DEYE_BUS_TASK_PROP_PROGRESS_DONE]
      = g_param_spec_uint64 ("progress-done", NULL, NULL, 0, G_MAXUINT64, 0, READ_ONLY);
  properties[DEYE_BUS_TASK_PROP_PROGRESS_TOTAL]
      = g_param_spec_uint64 ("progress-total", NULL, NULL, 0, G_MAXUINT64, 0, READ_ONLY);
  properties[DEYE_BUS_TASK_PROP_PROGRESS_TEXT] = g_param_spec_string ("progress-text", NULL, NULL, NULL, READ_ONLY);
  properties[DEYE_BUS_TASK_PROP_LATE] = g_param_spec_boolean ("late", NULL, NULL, FALSE, READ_ONLY);
  properties[DEYE_BUS_TASK_PROP_UNCONFIRMED] = g_param_spec_boolean ("unconfirmed", NULL, NULL, FALSE, READ_ONLY);
  g_object_class_install_properties (G_OBJECT_CLASS (klass), DEYE_BUS_TASK_N_PROPS, properties);

  task_signals[TASK_SIGNAL_PROGRESS] = g_signal_new ("progress", DEYE_BUS_TYPE_TASK, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                                     NULL, G_TYPE_NONE, 3, G_TYPE_UINT64, G_TYPE_UINT64, G_TYPE_STRING);
  task_signals[TASK_SIGNAL_FINISHED]
      = g_signal_new ("finished", DEYE_BUS_TYPE_TASK, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

DeyeBusTask *
deye_bus_task_new (DeyeBusTaskHome *home, DeyeBusTaskSpec *spec)
{
  DeyeBusTask *self = g_object_new (DEYE_BUS_TYPE_TASK, NULL);

  self->home = deye_bus_task_home_ref (home);
  self->spec = deye_bus_task_spec_ref (spec);
  return self;
}

/* --- dispatch --- */

#define PROGRESS_BITS                                                                                                  \
  (1u << DEYE_BUS_TASK_PROP_PROGRESS_DONE | 1u << DEYE_BUS_TASK_PROP_PROGRESS_TOTAL                                    \
   | 1u << DEYE_BUS_TASK_PROP_PROGRESS_TEXT)

void
deye_bus_task_dispatch (DeyeBusTask *self)
{
  guint changed = self->changed;

  self->announced = FALSE;
  self->changed = 0;
  for (guint i = DEYE_BUS_TASK_PROP_ID; i < DEYE_BUS_TASK_N_PROPS; i++)
    if (changed & 1u << i)
      g_object_notify_by_pspec (G_OBJECT (self), task_properties[i]);
  if (changed & PROGRESS_BITS)
    g_signal_emit (self, task_signals[TASK_SIGNAL_PROGRESS], 0, self->progress_done, self->progress_total,
                   self->progress_text);
  if (!deye_bus_task_state_is_final (self->state))
    return; /* after the end there are no changes */
  self->finished_emitted = TRUE;
  g_signal_emit (self, task_signals[TASK_SIGNAL_FINISHED], 0);
  deye_bus_task_return_waiters (self);
  deye_bus_task_obtained (self);
}

/* --- the known state --- */

gboolean
deye_bus_task_is_finished (DeyeBusTask *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), TRUE);
  return deye_bus_task_state_is_final (self->state);
}

const char *
deye_bus_task_get_id (DeyeBusTask *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), NULL);
  return self->spec != NULL ? self->spec->id : NULL;
}

DeyeBusTaskSpec *
deye_bus_task_dup_spec (DeyeBusTask *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), NULL);
  return self->spec != NULL ? deye_bus_task_spec_copy (self->spec) : NULL;
}

DeyeBusTaskState
deye_bus_task_get_state (DeyeBusTask *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), DEYE_BUS_TASK_STATE_UNKNOWN);
  return self->state;
}

DeyeBusWaitReason
deye_bus_task_get_wait_reason (DeyeBusTask *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), DEYE_BUS_WAIT_REASON_NONE);
  return self->wait_reason;
}

const char *
deye_bus_task_get_cause (DeyeBusTask *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), NULL);
  return self->cause;
}

const char *
deye_bus_task_get_holder (DeyeBusTask *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), NULL);
  return self->holder;
}

guint
deye_bus_task_get_attempt (DeyeBusTask *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), 0);
  return self->attempt;
}

const char *
deye_bus_task_get_progress (DeyeBusTask *self, guint64 *done, guint64 *total)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), NULL);

  if (done != NULL)
    *done = self->progress_done;
  if (total != NULL)
    *total = self->progress_total;
  return self->progress_text;
}

guint64
deye_bus_task_get_skipped (DeyeBusTask *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), 0);
  return self->skipped;
}

gboolean
deye_bus_task_is_late (DeyeBusTask *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), FALSE);
  return self->late;
}

gboolean
deye_bus_task_is_unconfirmed (DeyeBusTask *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), FALSE);
  return self->unconfirmed;
}

GBytes *
deye_bus_task_get_result (DeyeBusTask *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), NULL);
  return self->result;
}

const char *
deye_bus_task_get_result_type (DeyeBusTask *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), NULL);
  return self->result_type;
}

GError *
deye_bus_task_dup_error (DeyeBusTask *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), NULL);
  return self->error != NULL ? g_error_copy (self->error) : NULL;
}

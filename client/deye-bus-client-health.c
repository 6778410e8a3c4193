/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "deye-bus-client-standard.h"
#include "deye-bus-pack.h"
#include "health.pb-c.h"
#include "session/deye-bus-session-send.h"
#include "wire-feature.h"

/*
 * The health that a client reports. HealthCheck and the heartbeat contain it; a HealthReport on control.health.status.{id} also
 * lists the units of the program.
 *
 * Any thread may set the health; a GSource in the client's context sends the report. A report is sent after a change, at most
 * once in REPORT_US with the newest state, and again on each new connection. A client that has always been healthy sends no
 * report, and neither does a client whose broker lacks the feature TASKS.
 */

#define REPORT_US       (200 * G_TIME_SPAN_MILLISECOND)
#define UNITS_MAX       64u
#define UNIT_NAME_MAX   64u /* bytes */
#define UNIT_REASON_MAX 256u
#define DETAIL_MAX      1024u /* a longer text could make the heartbeat larger than the largest payload */

G_STATIC_ASSERT (DEYE_BUS_HEALTH_INITIAL == DEYE_BUS_HEALTH_HEALTHY);

typedef Daemoneye__Eventbus__V1__HealthReport HealthReport;
typedef Daemoneye__Eventbus__V1__UnitHealth UnitHealth;

/* --- units --- */

DeyeBusUnit *
deye_bus_unit_new (guint32 health, const char *name, const char *reason)
{
  DeyeBusUnit *unit = g_new (DeyeBusUnit, 1);

  unit->health = health;
  unit->name = deye_bus_cut_text (name, UNIT_NAME_MAX);
  unit->reason = deye_bus_cut_text (reason, UNIT_REASON_MAX);
  return unit;
}

void
deye_bus_unit_free (gpointer unit)
{
  DeyeBusUnit *self = unit;

  g_free (self->name);
  g_free (self->reason);
  g_free (self);
}

/* --- the report --- */

static GBytes *
health_pack (DeyeBusClient *self, const GPtrArray *units)
{
  HealthReport report = DAEMONEYE__EVENTBUS__V1__HEALTH_REPORT__INIT;
  UnitHealth messages[UNITS_MAX], *list[UNITS_MAX];

  report.id = self->id;
  report.sequence = ++self->health_reports;
  report.units = list;
  for (guint i = 0; i < units->len && i < UNITS_MAX; i++)
    {
      const DeyeBusUnit *unit = g_ptr_array_index (units, i);

      daemoneye__eventbus__v1__unit_health__init (&messages[i]);
      messages[i].name = unit->name;
      messages[i].health = (Daemoneye__Eventbus__V1__Health) unit->health;
      messages[i].reason = unit->reason;
      list[i] = &messages[i];
      report.n_units = i + 1;
    }
  return deye_bus_pack (&report.base);
}

/* Begins a report: sets the time before which no other one is sent, and returns the units of this one. */
static GPtrArray *
health_take_turn (DeyeBusClient *self)
{
  GPtrArray *units;

  g_mutex_lock (&self->health_lock);
  self->health_next_us = g_get_monotonic_time () + REPORT_US;
  units = g_ptr_array_ref (self->health_units);
  g_mutex_unlock (&self->health_lock);
  return units;
}

static void
health_publish (DeyeBusClient *self, GSource *source)
{
  g_autofree char *topic = g_strconcat ("control.health.status.", self->id, NULL);
  DeyeBusCall call
      = { .kind = WIRE_KIND_PUBLISH, .own = TRUE, .topic = topic, .type_name = DEYE_BUS_TYPE_PREFIX "HealthReport" };
  g_autoptr (GPtrArray) units = health_take_turn (self);
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;

  if (!deye_bus_session_has_credit (self->session, &call))
    {
      g_source_set_ready_time (source, g_get_monotonic_time () + REPORT_US);
      return;
    }
  call.payload = payload = health_pack (self, units);
  if (!deye_bus_client_post_call (self, &call, &error))
    g_debug ("health not reported: %s", error->message);
}

static gboolean
health_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  DeyeBusClient *self = data; /* alive: its dispose destroys the source */

  if (deye_bus_client_is_forked (self))
    return G_SOURCE_REMOVE;
  g_source_set_ready_time (source, -1);
  if (self->state == DEYE_BUS_CLIENT_STATE_READY
      && deye_bus_session_check_features (self->session, WIRE_FEATURE_TASKS, NULL))
    health_publish (self, source);
  deye_bus_client_write (self);
  return G_SOURCE_CONTINUE;
}

/* GLib passes user data only to a source with a callback. The source has a dispatch function that does not call it. */
static gboolean
health_no_callback (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs health_funcs = { NULL, NULL, health_dispatch, NULL, NULL, NULL };

/* The caller holds the lock. */
static void
health_schedule (DeyeBusClient *self)
{
  if (self->health_source == NULL)
    {
      self->health_source = g_source_new (&health_funcs, sizeof (GSource));
      g_source_set_static_name (self->health_source, "DeyeBusHealth");
      g_source_set_callback (self->health_source, health_no_callback, self, NULL);
      g_source_attach (self->health_source, self->context);
    }
  g_source_set_ready_time (self->health_source, MAX (self->health_next_us, g_get_monotonic_time ()));
}

void
deye_bus_client_ready_health (DeyeBusClient *self)
{
  self->health_reports = 0;
  g_mutex_lock (&self->health_lock);
  self->health_next_us = 0;
  if (self->health_source != NULL)
    health_schedule (self);
  g_mutex_unlock (&self->health_lock);
}

void
deye_bus_client_stop_health (DeyeBusClient *self)
{
  g_mutex_lock (&self->health_lock);
  self->health_is_stopped = TRUE;
  if (self->health_source != NULL)
    g_source_destroy (self->health_source);
  g_clear_pointer (&self->health_source, g_source_unref);
  g_mutex_unlock (&self->health_lock);
}

/* --- the state --- */

void
deye_bus_client_init_health (DeyeBusClient *self)
{
  g_mutex_init (&self->health_lock);
  self->health = DEYE_BUS_HEALTH_INITIAL;
  self->health_units = g_ptr_array_new_with_free_func (deye_bus_unit_free);
}

void
deye_bus_client_clear_health (DeyeBusClient *self)
{
  g_free (self->health_detail);
  g_ptr_array_unref (self->health_units);
  g_mutex_clear (&self->health_lock);
}

guint32
deye_bus_client_dup_health (DeyeBusClient *self, char **detail)
{
  guint32 health;

  g_mutex_lock (&self->health_lock);
  health = self->health;
  *detail = g_strdup (self->health_detail != NULL ? self->health_detail : "");
  g_mutex_unlock (&self->health_lock);
  return health;
}

void
deye_bus_client_take_health (DeyeBusClient *self, guint32 health, char *detail, GPtrArray *units)
{
  g_mutex_lock (&self->health_lock);
  self->health = health;
  g_free (self->health_detail);
  self->health_detail = detail;
  g_ptr_array_unref (self->health_units);
  self->health_units = units;
  if (!self->health_is_stopped && (units->len > 0 || self->health_source != NULL))
    health_schedule (self);
  g_mutex_unlock (&self->health_lock);
}

void
deye_bus_client_set_health (DeyeBusClient *self, DeyeBusHealth health, const char *detail)
{
  g_autofree char *text = NULL;
  GPtrArray *units;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  text = deye_bus_cut_text (detail, DETAIL_MAX);
  units = g_ptr_array_new_with_free_func (deye_bus_unit_free);
  if (health != DEYE_BUS_HEALTH_HEALTHY)
    g_ptr_array_add (units, deye_bus_unit_new (health, "", text));
  deye_bus_client_take_health (self, health, g_steal_pointer (&text), units);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-collector-private.h"

#include "deye-bus-client-standard.h"

/* The health of the units of a collector. Heartbeats contain the worst health; the report lists all units that are not healthy.
 * Any thread may set the health of a unit. */

typedef struct
{
  DeyeBusHealth health;
  char *detail;
} HealthUnit;

static void
health_unit_free (gpointer data)
{
  HealthUnit *unit = data;

  g_free (unit->detail);
  g_free (unit);
}

void
deye_bus_collector_init_health (DeyeBusCollector *self)
{
  g_mutex_init (&self->units_lock);
  self->units = g_tree_new_full ((GCompareDataFunc) (void (*) (void)) strcmp, NULL, g_free, health_unit_free);
}

void
deye_bus_collector_clear_health (DeyeBusCollector *self)
{
  g_clear_pointer (&self->units, g_tree_unref);
  g_mutex_clear (&self->units_lock);
}

typedef struct
{
  DeyeBusHealth worst;
  GString *detail;  /* of the units with the worst health, in order of their names */
  GPtrArray *units; /* DeyeBusUnit: all */
} HealthSum;

static gboolean
health_add (gpointer name, gpointer value, gpointer data)
{
  const HealthUnit *unit = value;
  HealthSum *sum = data;

  g_ptr_array_add (sum->units, deye_bus_unit_new (unit->health, name, unit->detail));
  if (unit->health > sum->worst)
    g_string_truncate (sum->detail, 0);
  if (unit->health < sum->worst)
    return FALSE;
  sum->worst = unit->health;
  if (sum->detail->len > 0)
    g_string_append (sum->detail, "; ");
  g_string_append (sum->detail, name);
  if (*unit->detail != '\0')
    g_string_append_printf (sum->detail, ": %s", unit->detail);
  return FALSE;
}

/* Sets the health of the client from the units. The caller holds the lock. */
static void
health_report (DeyeBusCollector *self)
{
  HealthSum sum = { DEYE_BUS_HEALTH_HEALTHY, g_string_new (NULL), g_ptr_array_new_with_free_func (deye_bus_unit_free) };

  g_tree_foreach (self->units, health_add, &sum);
  deye_bus_client_take_health (self->client, sum.worst, deye_bus_run_cut_text (sum.detail->str), sum.units);
  g_string_free (sum.detail, TRUE);
}

void
deye_bus_collector_set_unit_health (DeyeBusCollector *self, const char *unit, DeyeBusHealth health, const char *detail)
{
  g_autofree char *name = NULL;
  HealthUnit *value;

  g_return_if_fail (DEYE_BUS_IS_COLLECTOR (self));
  g_return_if_fail (unit != NULL);

  name = g_utf8_make_valid (unit, -1);
  value = g_new (HealthUnit, 1);
  *value = (HealthUnit){ health, g_utf8_make_valid (detail != NULL ? detail : "", -1) };
  g_mutex_lock (&self->units_lock);
  if (health == DEYE_BUS_HEALTH_HEALTHY)
    {
      g_tree_remove (self->units, name);
      health_unit_free (value);
    }
  else
    g_tree_replace (self->units, g_steal_pointer (&name), value);
  health_report (self);
  g_mutex_unlock (&self->units_lock);
}

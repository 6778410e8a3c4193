/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-health-report.h"

#include "peer/bus-state.h"
#include "health.pb-c.h"
#include "wire-guard.h"

#define HEALTH    WIRE_SPAN_LITERAL ("control.health.")
#define HEARTBEAT WIRE_SPAN_LITERAL ("control.health.heartbeat.")
#define STATUS    WIRE_SPAN_LITERAL ("control.health.status.")

typedef Daemoneye__Eventbus__V1__HealthReport HealthReport;
typedef Daemoneye__Eventbus__V1__Heartbeat Heartbeat;

static gboolean
report_begins_with (WireSpan topic, WireSpan prefix)
{
  return topic.len > prefix.len && memcmp (topic.data, prefix.data, prefix.len) == 0;
}

/* TRUE if the topic is about the peer. The policy compares the rest of these topics with the id of the sender only if it is one
 * segment. */
static gboolean
report_is_own (const BusPeer *peer, WireSpan topic, WireSpan prefix)
{
  return report_begins_with (topic, prefix)
         && wire_span_equal (wire_span (topic.data + prefix.len, topic.len - prefix.len), wire_span_str (peer->id));
}

/* @health: as received. A number that only newer versions know counts as UNHEALTHY. */
static void
report_add_unit (GPtrArray *units, guint *dropped, guint32 health, const char *name, const char *reason)
{
  if (health <= BUS_UNIT_HEALTHY)
    return;
  if (units->len == BUS_HEALTH_UNITS_MAX)
    (*dropped)++;
  else
    g_ptr_array_add (units, bus_health_unit_new (MIN (health, BUS_UNIT_UNHEALTHY), name, reason));
}

static gboolean
report_keep (BusPeer *peer, GPtrArray *units, guint dropped)
{
  BusHealth *health = bus_peer_need_health (peer);
  const gboolean is_changed = bus_health_set_units (health, units, dropped);

  bus_quota_unkeep (&peer->core->quota, &peer->ledger.usage, health->charged);
  health->charged = bus_health_units_size (health);
  bus_quota_keep (&peer->core->quota, &peer->ledger.usage, health->charged);
  return is_changed;
}

static BusHealthReading
report_read_heartbeat (BusPeer *peer, WireSpan payload)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__heartbeat__descriptor, payload, 0, NULL);
  BusHealthReading reading = { .is_answer = guard != NULL };
  const Heartbeat *beat;
  GPtrArray *units;
  guint dropped = 0;

  if (guard == NULL || peer->health->has_report)
    return reading;
  beat = wire_guard_message (guard);
  units = g_ptr_array_new_with_free_func (bus_health_unit_free);
  report_add_unit (units, &dropped, (guint32) beat->health, "", beat->detail);
  reading.is_changed = report_keep (peer, units, dropped);
  return reading;
}

static BusHealthReading
report_read_status (BusPeer *peer, WireSpan payload)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__health_report__descriptor, payload, 0, NULL);
  const HealthReport *report;
  GPtrArray *units;
  guint dropped = 0;

  if (guard == NULL)
    return (BusHealthReading){ 0 };
  report = wire_guard_message (guard);
  units = g_ptr_array_new_with_free_func (bus_health_unit_free);
  for (gsize i = 0; i < report->n_units; i++)
    report_add_unit (units, &dropped, (guint32) report->units[i]->health, report->units[i]->name,
                     report->units[i]->reason);
  bus_peer_need_health (peer)->has_report = TRUE;
  return (BusHealthReading){ .is_changed = report_keep (peer, units, dropped) };
}

BusHealthReading
bus_health_report_read (BusPeer *peer, WireSpan topic, WireSpan payload)
{
  if (G_LIKELY (!report_begins_with (topic, HEALTH)) || !peer->health->is_tracked)
    return (BusHealthReading){ 0 };
  if (report_is_own (peer, topic, HEARTBEAT))
    return report_read_heartbeat (peer, payload);
  if (report_is_own (peer, topic, STATUS))
    return report_read_status (peer, payload);
  return (BusHealthReading){ 0 };
}

void
bus_health_report_forget (BusPeer *peer)
{
  report_keep (peer, NULL, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-health-news.h"

#include "base/bus-text.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "route/bus-retain.h"
#include "route/bus-router.h"

#define PREFIX "system.health."

typedef Daemoneye__Eventbus__V1__HealthRecord HealthRecord;
typedef Daemoneye__Eventbus__V1__HealthSignals HealthSignals;
typedef Daemoneye__Eventbus__V1__PeerHealth PeerHealth;
typedef Daemoneye__Eventbus__V1__UnitHealth UnitHealth;

/* The numbers on the wire are higher by one: 0 means none. */
static PeerHealth
news_health (BusHealthState state)
{
  return (PeerHealth) (state + 1);
}

static void
news_fill_signals (const BusPeer *peer, HealthSignals *signals)
{
  const BusHealth *health = peer->health;
  const gint64 now_us = peer->core->now_us;

  daemoneye__eventbus__v1__health_signals__init (signals);
  signals->connection_missed = health->missed[BUS_HEALTH_CONNECTION];
  signals->loop_missed = health->missed[BUS_HEALTH_LOOP];
  signals->queue_missed = health->missed[BUS_HEALTH_QUEUE];
  signals->interval_us = peer->core->limits.task_heartbeat_us;
  signals->heard_us = (guint64) (now_us - peer->heard_us);
  signals->answered_us = (guint64) (now_us - health->answered_us);
  signals->queued_bytes = bus_outq_bytes (&peer->flow.outq);
}

static void
news_fill_units (const BusHealth *health, HealthRecord *record, BusHealthBlock *block)
{
  for (guint i = 0; health->units != NULL && i < health->units->len; i++)
    {
      const BusHealthUnit *unit = g_ptr_array_index (health->units, i);
      UnitHealth *message = block->list[i] = &block->units[i];

      daemoneye__eventbus__v1__unit_health__init (message);
      message->name = unit->name;
      message->health = (Daemoneye__Eventbus__V1__Health) unit->health;
      message->reason = unit->reason;
      record->n_units = i + 1;
    }
  record->units = block->list;
  record->units_dropped = health->units_dropped;
}

void
bus_health_fill_record (const BusPeer *peer, HealthRecord *record, BusHealthBlock *block)
{
  const BusHealth *health = peer->health;

  daemoneye__eventbus__v1__health_record__init (record);
  if (health->state == BUS_HEALTH_GONE)
    g_strlcpy (block->cause, bus_peer_extra (peer)->close_detail, sizeof block->cause);
  else
    bus_health_cause (health, block->cause);
  news_fill_signals (peer, &block->signals);
  record->id = peer->id;
  record->type = peer->type;
  record->incarnation = peer->incarnation;
  record->state = news_health (health->state);
  record->cause = block->cause;
  record->before = news_health (health->before);
  record->since_us = (guint64) (peer->core->now_us - health->since_us);
  record->signals = &block->signals;
  record->account = peer->account->name;
  record->transitions = health->transitions;
  news_fill_units (health, record, block);
}

/* If there is no room for a new record, the old one, which would be wrong now, is removed. */
void
bus_health_news_publish (BusPeer *peer)
{
  BusCore *core = peer->core;
  g_autofree char *topic = g_strconcat (PREFIX, peer->id, NULL);
  HealthRecord record;
  BusHealthBlock block;

  bus_health_fill_record (peer, &record, &block);
  if (peer->health->state == BUS_HEALTH_GONE)
    {
      bus_retain_clear (core, wire_span_str (topic));
      bus_router_announce (core, topic, &record.base, core->now_us);
    }
  else if (!bus_router_announce_retained (core, topic, &record.base, peer->account, core->now_us))
    {
      bus_retain_clear (core, wire_span_str (topic));
      core->work->health_lost++;
    }
}

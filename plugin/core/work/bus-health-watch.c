/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-health-watch.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-health-news.h"
#include "work/bus-trust.h"

static gint64
watch_period_us (const BusPeer *peer)
{
  return (gint64) peer->core->limits.task_heartbeat_us;
}

/* Arms the only timer of the peer for the earliest of three times: the end of a round, the event CALM, delayed news. */
static void
watch_arm (BusPeer *peer)
{
  const BusHealth *health = peer->health;
  gint64 due_us = health->round_due_us;

  if (health->recovery_us != 0)
    due_us = MIN (due_us, health->recovery_us);
  if (health->has_news)
    due_us = MIN (due_us, health->news_us);
  bus_deadline_arm (&peer->core->deadlines, &bus_peer_need_health (peer)->timer.deadline, due_us);
}

static void
watch_step (BusPeer *peer, BusHealthEvent event)
{
  peer->core->work->health_reached[peer->health->state][event]++;
  bus_health_on (bus_peer_need_health (peer), event, peer->core->now_us);
}

/* --- news --- */

static void
watch_publish (BusPeer *peer)
{
  BusHealth *health = bus_peer_need_health (peer);

  health->is_published = TRUE;
  health->has_news = FALSE;
  health->news_us = peer->core->now_us + BUS_HEALTH_NEWS_US;
  bus_health_news_publish (peer);
}

static void
watch_close (BusPeer *peer)
{
  char cause[BUS_HEALTH_CAUSE_MAX];

  bus_health_cause (peer->health, cause);
  bus_peer_close (peer, WIRE_STATUS_UNRESPONSIVE, cause);
}

/* Publishes a change of the state, and acts on it. */
static void
watch_report_state (BusPeer *peer)
{
  watch_publish (peer);
  if (peer->member != NULL)
    bus_trust_health (peer->core, peer->member);
  if (peer->health->state == BUS_HEALTH_FAILED && peer->core->closes_failed)
    watch_close (peer);
}

static void
watch_report_reason (BusPeer *peer)
{
  if (peer->core->now_us >= peer->health->news_us)
    watch_publish (peer);
  else
    bus_peer_need_health (peer)->has_news = TRUE;
}

/* --- the state --- */

/* Applies the events that follow when no signal has a missed sign. */
static void
watch_review_signs (BusPeer *peer)
{
  BusHealth *health = bus_peer_need_health (peer);

  watch_step (peer, BUS_HEALTH_ON_SIGNS);
  if (health->units != NULL)
    {
      watch_step (peer, BUS_HEALTH_ON_COMPLAINT);
      health->recovery_us = 0;
      health->recovery_rounds = MAX (health->recovery_rounds, 1);
    }
  else if (health->state == BUS_HEALTH_DEGRADED && health->recovery_us == 0)
    health->recovery_us = peer->core->now_us + health->recovery_rounds * watch_period_us (peer);
}

static void
watch_review (BusPeer *peer)
{
  BusHealth *health = bus_peer_need_health (peer);
  const guint missed = bus_health_missed (health, NULL);

  if (missed == 0)
    {
      watch_review_signs (peer);
      return;
    }
  watch_step (peer, BUS_HEALTH_ON_MISS + missed - 1);
  health->recovery_us = 0;
  health->recovery_rounds = BUS_HEALTH_RECOVERY_ROUNDS;
}

/* Updates the state after a sign was missed or arrived, or after a report. @is_changed: the reason of the state has changed */
static void
watch_settle (BusPeer *peer, gboolean is_changed)
{
  const guint64 transitions = peer->health->transitions;

  watch_review (peer);
  watch_arm (peer);
  if (peer->health->transitions != transitions)
    watch_report_state (peer);
  else if (is_changed)
    watch_report_reason (peer);
  watch_arm (peer);
}

/* --- inputs --- */

void
bus_health_watch_begin (BusPeer *peer)
{
  if (peer->principal.role == BUS_ROLE_TOOL)
    return;
  peer->heard_us = peer->core->now_us;
  bus_health_begin (bus_peer_need_health (peer), watch_period_us (peer), peer->core->now_us);
  watch_arm (peer);
}

void
bus_health_watch_end (BusPeer *peer)
{
  BusHealth *health;

  if (!peer->health->is_tracked)
    return;
  health = bus_peer_need_health (peer);
  health->is_tracked = health->is_silent = FALSE;
  bus_deadline_disarm (&peer->core->deadlines, &health->timer.deadline);
  watch_step (peer, BUS_HEALTH_ON_END);
  if (health->is_published)
    bus_health_news_publish (peer);
  bus_health_report_forget (peer);
}

void
bus_health_watch_note_frame (BusPeer *peer)
{
  if (peer->health->is_tracked && bus_health_note_frame (bus_peer_need_health (peer)))
    watch_settle (peer, TRUE);
}

void
bus_health_watch_answered (BusPeer *peer)
{
  if (peer->health->is_tracked && bus_health_answered (bus_peer_need_health (peer), peer->core->now_us))
    watch_settle (peer, TRUE);
}

void
bus_health_watch_taken (BusPeer *peer)
{
  if (peer->health->is_tracked && bus_health_taken (bus_peer_need_health (peer)))
    watch_settle (peer, TRUE);
}

void
bus_health_watch_reported (BusPeer *peer, BusHealthReading reading)
{
  const gboolean had_missed
      = reading.is_answer && bus_health_answered (bus_peer_need_health (peer), peer->core->now_us);

  if (bus_peer_is_ready (peer) && (had_missed || reading.is_changed))
    watch_settle (peer, TRUE);
}

/* --- time --- */

static void
watch_ping (BusPeer *peer)
{
  WireEnvelope ping;

  wire_envelope_init (&ping);
  ping.id = 1;
  bus_peer_put (peer, WIRE_KIND_PING, 0, &ping);
}

/* Ends a round. TRUE: the number of signs that the worst signal misses has changed */
static gboolean
watch_end_round (BusPeer *peer)
{
  BusCore *core = peer->core;
  BusHealth *health = bus_peer_need_health (peer);
  const gint64 period_us = watch_period_us (peer);
  const gint64 grace_us = bus_grace_take (&core->work->grace, health->round_due_us, period_us, core->now_us);
  const guint missed = bus_health_missed (health, NULL);

  if (grace_us > 0)
    bus_health_extend_round (health, grace_us, core->now_us);
  else if (bus_health_end_round (health, peer->received, bus_outq_bytes (&peer->flow.outq), period_us, core->now_us))
    watch_ping (peer);
  return bus_health_missed (health, NULL) != missed;
}

static void
watch_recover (BusPeer *peer)
{
  BusHealth *health = bus_peer_need_health (peer);

  health->recovery_us = 0;
  health->recovery_rounds = 0;
  watch_step (peer, BUS_HEALTH_ON_CALM);
  watch_report_state (peer);
}

void
bus_health_watch_due (BusPeer *peer)
{
  BusHealth *health = bus_peer_need_health (peer);
  const gint64 now_us = peer->core->now_us;

  if (!bus_peer_is_ready (peer))
    return; /* it was closed in this input call */
  if (now_us >= health->round_due_us)
    watch_settle (peer, watch_end_round (peer));
  if (health->recovery_us != 0 && now_us >= health->recovery_us)
    watch_recover (peer);
  if (health->has_news && now_us >= health->news_us)
    watch_publish (peer);
  watch_arm (peer);
}

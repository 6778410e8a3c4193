/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-shed.h"

#include "queue/bus-admit.h"
#include "queue/bus-fifo.h"
#include "peer/bus-state.h"

#define AT_LEAST 262144u /* given at a time, so that a full broker does not look for the largest at each message */

/* --- uids --- */

GHashTable *
bus_uid_table_new (void)
{
  return g_hash_table_new (NULL, NULL);
}

BusUid *
bus_uid_join (BusCore *core, guint32 uid)
{
  BusUid *entry = g_hash_table_lookup (core->uids, GUINT_TO_POINTER (uid));

  if (entry == NULL)
    {
      entry = g_new0 (BusUid, 1);
      entry->uid = uid;
      entry->core = core;
      entry->report_timer.kind = BUS_TIMER_ACCOUNT;
      entry->report_timer.owner = entry;
      g_hash_table_insert (core->uids, GUINT_TO_POINTER (uid), entry);
    }
  entry->peers++;
  return entry;
}

void
bus_uid_leave (BusCore *core, BusUid *uid)
{
  g_assert (uid->peers > 0);
  if (--uid->peers > 0)
    return;
  g_assert (uid->usage.charged == 0);
  bus_deadline_disarm (&core->deadlines, &uid->report_timer.deadline);
  g_hash_table_remove (core->uids, GUINT_TO_POINTER (uid->uid));
  g_free (uid);
}

/* --- who pays --- */

/* @tried: those with this number gave all that they can. */
static BusPeer *
largest_but (BusCore *core, guint32 uid, guint64 tried)
{
  BusPeer *largest = NULL;

  for (GList *link = core->peers.head; link != NULL; link = link->next)
    {
      BusPeer *peer = link->data;

      /* What one who goes leaves behind is handed on, or freed, at the end of the input call. */
      if (bus_peer_is_ready (peer) && (uid == BUS_SHED_ALL || peer->who.uid == uid)
          && (tried == 0 || peer->shed_tried != tried) && peer->flow.waiting_bytes > 0
          && (largest == NULL || bus_flow_bytes (&peer->flow) > bus_flow_bytes (&largest->flow)))
        largest = peer;
    }
  return largest;
}

BusPeer *
bus_shed_largest (BusCore *core, guint32 uid)
{
  return largest_but (core, uid, 0);
}

/* Nobody can give anything: what is owed to somebody can only go with him. */
static void
close_most_owed (BusCore *core, guint32 uid)
{
  BusPeer *most = NULL;

  for (GList *link = core->peers.head; link != NULL; link = link->next)
    {
      BusPeer *peer = link->data;

      if ((uid == BUS_SHED_ALL || peer->who.uid == uid) && bus_peer_is_ready (peer)
          && (most == NULL || bus_flow_bytes (&peer->flow) > bus_flow_bytes (&most->flow)))
        most = peer;
    }
  /* What one who goes already gives back comes at the end of this input call: nobody else pays for that. */
  if (most == NULL || bus_flow_bytes (&most->flow) < AT_LEAST || core->dying.length > 0)
    return;
  bus_peer_note (most, BUS_NOTE_CLOSED, WIRE_STATUS_SLOW_CONSUMER, "the broker is full, and it owes this peer most");
  bus_peer_close (most, WIRE_STATUS_SLOW_CONSUMER,
                  "the broker is full (broker_bytes, uid_bytes), and it owes you most: read faster");
}

static gboolean
shed (BusCore *core, guint32 uid, const guint64 *held, guint64 limit, guint64 bytes, gint64 now_us)
{
  guint64 round = ++core->shed_round;
  BusPeer *peer;

  while (*held + bytes > limit && (peer = largest_but (core, uid, round)) != NULL)
    {
      if (bus_admit_shed (&peer->flow, peer->subscriptions, MAX (*held + bytes - limit, AT_LEAST), now_us) == 0)
        peer->shed_tried = round;
      bus_flow_note_level (&peer->flow, now_us);
      bus_peer_touch (peer);
    }
  if (*held + bytes <= limit)
    return TRUE;
  close_most_owed (core, uid);
  return FALSE;
}

/* --- levels --- */

static guint64
soft (const BusCore *core, guint64 limit)
{
  return limit / 100 * core->limits.quota_soft_percent;
}

static void
note_level (BusCore *core,
            gboolean *is_soft,
            BusTimer *timer,
            gint64 next_us,
            guint64 held,
            guint64 limit,
            gint64 now_us)
{
  gboolean now_soft = held >= soft (core, limit);

  if (now_soft && !*is_soft)
    bus_deadline_arm (&core->deadlines, &timer->deadline, MAX (now_us, next_us));
  *is_soft = now_soft;
}

gboolean
bus_shed_reserve (BusCore *core, guint64 bytes, gint64 now_us)
{
  guint64 limit = core->quota.cap;
  guint64 held = core->quota.memory + bytes;

  if (held >= soft (core, limit) || core->is_soft)
    note_level (core, &core->is_soft, &core->soft_timer, core->soft_next_us, held, limit, now_us);
  return held <= limit || shed (core, BUS_SHED_ALL, &core->quota.memory, limit, bytes, now_us);
}

gboolean
bus_shed_reserve_uid (BusUid *uid, guint64 bytes, gint64 now_us)
{
  BusCore *core = uid->core;
  guint64 limit = core->limits.uid_bytes;
  guint64 held = uid->usage.charged + bytes;

  if (held >= soft (core, limit) || uid->is_soft)
    note_level (core, &uid->is_soft, &uid->report_timer, uid->report_next_us, held, limit, now_us);
  return held <= limit || shed (core, uid->uid, &uid->usage.charged, limit, bytes, now_us);
}

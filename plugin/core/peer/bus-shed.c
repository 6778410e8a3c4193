/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-shed.h"

#include "peer/bus-peer.h"
#include "peer/bus-pinned.h"
#include "peer/bus-state.h"
#include "queue/bus-trim.h"
#include "wire-hot.h"

/* The least number of bytes that are dropped at a time, so that a full broker need not search for the largest queue at each
 * message. */
#define SHED_MIN 262144u

/* --- the queue that loses messages --- */

/* The ready peer with the largest queue, except those without a message to drop in the round @tried; 0: no exception. */
static BusPeer *
shed_largest_untried (BusCore *core, guint32 account, guint64 tried)
{
  BusPeer *largest = NULL;

  for (GList *link = core->peers.head; link != NULL; link = link->next)
    {
      BusPeer *peer = link->data;

      /* A closing peer is skipped: its messages are handed on or freed at the end of the input call. */
      if (bus_peer_is_ready (peer) && (account == BUS_ALL_ACCOUNTS || peer->who.account == account)
          && (tried == 0 || peer->shed_tried != tried) && peer->flow.waiting_bytes > 0
          && (largest == NULL || bus_flow_bytes (&peer->flow) > bus_flow_bytes (&largest->flow)))
        largest = peer;
    }
  return largest;
}

BusPeer *
bus_shed_largest (BusCore *core, guint32 account)
{
  return shed_largest_untried (core, account, 0);
}

/* No queue has a message that may be dropped. Only closing a peer frees its encoded frames and the requests that wait for it, so
 * this closes the peer with the most bytes. */
static void
shed_close_largest (BusCore *core, guint32 account)
{
  BusPeer *most = NULL;

  for (GList *link = core->peers.head; link != NULL; link = link->next)
    {
      BusPeer *peer = link->data;

      if ((account == BUS_ALL_ACCOUNTS || peer->who.account == account) && bus_peer_is_ready (peer)
          && (most == NULL || bus_flow_bytes (&peer->flow) > bus_flow_bytes (&most->flow)))
        most = peer;
    }
  /* If a peer is closing already, its memory becomes free at the end of this input call, so no other one is closed. */
  if (most == NULL || bus_flow_bytes (&most->flow) < SHED_MIN || core->unflushed.length > 0)
    return;
  bus_peer_close (most, WIRE_STATUS_SLOW_CONSUMER,
                  "the broker is full (broker-bytes, uid-bytes), and your queue is the largest: read faster");
}

/* Makes room so that *@held + @bytes is at most @limit. @held is compared after each step, because a message that several
 * queues share is not freed before the last one has dropped it. FALSE: disconnecting peers for pinned bytes and dropping messages
 * was not enough. */
static gboolean
shed_until_below (BusCore *core, guint32 account, const guint64 *held, guint64 limit, guint64 bytes, gint64 now_us)
{
  BusLimit which = account == BUS_ALL_ACCOUNTS ? BUS_LIMIT_broker_bytes : BUS_LIMIT_uid_bytes;
  guint64 round = ++core->shed_round;
  BusPeer *peer;

  while (*held + bytes > limit && (peer = bus_pinned_holder (core, account, limit, now_us)) != NULL)
    bus_pinned_disconnect (peer, which, *held + bytes);
  while (*held + bytes > limit && (peer = shed_largest_untried (core, account, round)) != NULL)
    {
      if (bus_trim_shed (&peer->flow, &peer->subscriptions, (gsize) MAX (*held + bytes - limit, SHED_MIN), now_us) == 0)
        peer->shed_tried = round;
      bus_flow_note_level (&peer->flow, now_us);
      bus_peer_touch (peer);
    }
  return *held + bytes <= limit;
}

/* --- levels --- */

static void
shed_note_level (BusCore *core,
                 gboolean *is_soft,
                 BusTimer *timer,
                 gint64 next_us,
                 guint64 held,
                 guint64 limit,
                 gint64 now_us)
{
  gboolean now_soft = held >= bus_shed_soft_limit (core, limit);

  if (now_soft && !*is_soft)
    bus_deadline_arm (&core->deadlines, &timer->deadline, MAX (now_us, next_us));
  *is_soft = now_soft;
}

gboolean
bus_shed_reserve_above (BusCore *core, guint64 bytes, gint64 now_us)
{
  guint64 limit = core->quota.cap;
  guint64 held = core->quota.memory + bytes;

  if (held >= bus_shed_soft_limit (core, limit) || core->is_soft)
    shed_note_level (core, &core->is_soft, &core->soft_timer, core->soft_next_us, held, limit, now_us);
  if (held <= limit || shed_until_below (core, BUS_ALL_ACCOUNTS, &core->quota.memory, limit, bytes, now_us))
    return TRUE;
  shed_close_largest (core, BUS_ALL_ACCOUNTS);
  return FALSE;
}

gboolean
bus_shed_fit_account (BusAccount *account, guint64 bytes, gint64 now_us)
{
  BusCore *core = account->core;
  guint64 limit = core->limits.uid_bytes;
  guint64 held = account->usage.charged + bytes;

  if (held >= bus_shed_soft_limit (core, limit) || account->is_soft)
    shed_note_level (core, &account->is_soft, &account->report_timer, account->report_next_us, held, limit, now_us);
  return held <= limit || shed_until_below (core, account->number, &account->usage.charged, limit, bytes, now_us);
}

gboolean
bus_shed_reserve_account_above (BusAccount *account, guint64 bytes, gint64 now_us)
{
  if (bus_shed_fit_account (account, bytes, now_us))
    return TRUE;
  shed_close_largest (account->core, account->number);
  return FALSE;
}

/* --- the end of an input call --- */

/* Charges the block of the unfinished frame, even above the limits. TRUE: the block has grown. */
static gboolean
shed_charge_reader (BusPeer *peer)
{
  gsize held = bus_peer_frame_held (peer);
  gsize charged = bus_peer_frame_charged (peer);
  gboolean has_grown = held > charged;

  if (held != charged)
    {
      bus_quota_unkeep (&peer->core->quota, &peer->ledger.usage, charged);
      bus_quota_keep (&peer->core->quota, &peer->ledger.usage, held);
      peer->input->charged = held;
    }
  return has_grown;
}

/* Disconnects the peer for its unfinished frame, unless a closing peer frees memory at the end of this input call anyway. */
static void
shed_refuse_frame (BusPeer *peer, BusLimit limit, guint64 held)
{
  if (bus_peer_is_ready (peer) && peer->core->unflushed.length == 0 && bus_pinned_bytes (peer) >= BUS_PINNED_MIN)
    bus_pinned_disconnect (peer, limit, held);
}

WIRE_HOT void
bus_shed_settle (BusPeer *peer, gint64 now_us)
{
  BusCore *core = peer->core;
  BusAccount *account = peer->account;
  gboolean has_grown = shed_charge_reader (peer);

  if ((has_grown || account->usage.charged > core->limits.uid_bytes) && !bus_shed_reserve_account (account, 0, now_us))
    shed_refuse_frame (peer, BUS_LIMIT_uid_bytes, account->usage.charged);
  if ((has_grown || core->quota.memory > core->quota.cap) && !bus_shed_reserve (core, 0, now_us))
    shed_refuse_frame (peer, BUS_LIMIT_broker_bytes, core->quota.memory);
}

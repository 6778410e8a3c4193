/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-hold.h"

#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "queue/bus-fifo.h"
#include "route/bus-confirm.h"
#include "route/bus-retain.h"
#include "route/bus-routes.h"

#define HOLD_RETRY_US (100 * G_TIME_SPAN_MILLISECOND)

/* --- the store --- */

static BusHolds *
hold_store (BusCore *core)
{
  BusHolds *holds = core->routes->holds;

  if (holds == NULL)
    {
      holds = core->routes->holds = g_new0 (BusHolds, 1);
      holds->retry.kind = BUS_TIMER_HOLD_RETRY;
      holds->retry.owner = core;
      holds->report.timer.kind = BUS_TIMER_HOLD_REPORT;
      holds->report.timer.owner = core;
    }
  return holds;
}

guint
bus_hold_count (const BusCore *core)
{
  return core->routes->holds != NULL ? core->routes->holds->messages.length : 0;
}

static gsize
hold_cost (gsize len)
{
  return bus_message_size (len) + sizeof (BusHeld);
}

gboolean
bus_hold_has_room (BusCore *core, const BusAccount *account, guint n, gsize len, BusExcess *excess)
{
  const BusLimits *limits = &core->limits;
  const guint64 bytes = n * (guint64) hold_cost (len);
  const BusExcess rows[] = {
    { BUS_LIMIT_held_messages, limits->held_messages, account->held_messages + n },
    { BUS_LIMIT_held_bytes, limits->held_bytes, account->held_bytes + bytes },
    { BUS_LIMIT_uid_bytes, limits->uid_bytes, account->usage.charged + bytes },
    { BUS_LIMIT_broker_bytes, core->quota.cap, core->quota.memory + bytes },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].value > rows[i].most)
      {
        *excess = rows[i];
        return FALSE;
      }
  return TRUE;
}

static WireSpan
hold_copy_text (guint8 **at, WireSpan text)
{
  WireSpan copy = wire_span (*at, text.len);

  if (text.len > 0)
    memcpy (*at, text.data, text.len);
  *at += text.len;
  return copy;
}

static BusHeld *
hold_new (const BusHoldSpec *spec)
{
  const BusGroupKey none = { .hash = 0 };
  const BusPrincipal no_principal = { .role = BUS_ROLE_COLLECTOR };
  const BusGroupKey *key = spec->group != NULL ? &spec->group->key : &none;
  const BusPrincipal *who = spec->who != NULL ? spec->who : &no_principal;
  BusHeld *held = g_malloc0 (sizeof (BusHeld) + key->text.len + key->type.len + who->id.len + who->type.len);
  guint8 *at = (guint8 *) (held + 1);

  held->group = *key;
  held->group.text = hold_copy_text (&at, key->text);
  held->group.type = hold_copy_text (&at, key->type);
  held->who
      = (BusPrincipal){ who->role, hold_copy_text (&at, who->id), hold_copy_text (&at, who->type), who->has_tasks };
  held->message = bus_message_ref (spec->message);
  held->delivery = *spec->delivery;
  held->account = spec->account;
  held->cost = hold_cost (spec->message->body.len);
  held->link.data = held;
  return held;
}

void
bus_hold_add (BusCore *core, const BusHoldSpec *spec)
{
  BusHeld *held = hold_new (spec);

  g_assert (spec->message->expires_us > 0);
  bus_account_hold (held->account);
  held->account->held_messages++;
  held->account->held_bytes += held->cost;
  bus_quota_charge (&core->quota, &held->account->usage, bus_message_cost (held->message));
  bus_quota_keep (&core->quota, &held->account->usage, sizeof (BusHeld));
  held->timer.kind = BUS_TIMER_HELD;
  held->timer.owner = held;
  bus_deadline_arm (&core->deadlines, &held->timer.deadline, held->message->expires_us);
  g_queue_push_tail_link (&hold_store (core)->messages, &held->link);
}

static void
hold_free (BusCore *core, BusHeld *held)
{
  BusAccount *account = held->account;

  g_assert (account->held_messages > 0 && account->held_bytes >= held->cost);
  bus_deadline_disarm (&core->deadlines, &held->timer.deadline);
  g_queue_unlink (&core->routes->holds->messages, &held->link);
  account->held_messages--;
  account->held_bytes -= held->cost;
  bus_quota_refund (&core->quota, &account->usage, bus_message_cost (held->message));
  bus_quota_unkeep (&core->quota, &account->usage, sizeof (BusHeld));
  bus_message_unref (held->message);
  g_free (held);
  bus_account_release (core->accounts, &core->deadlines, account);
}

gboolean
bus_hold_leave (BusCore *core, const BusParcel *parcel, const BusGroup *group, BusAccount *account)
{
  const BusHoldSpec spec = { parcel->message, &parcel->delivery, account, NULL, group };
  BusExcess excess;

  if (!parcel->delivery.may_hold || !bus_hold_has_room (core, account, 1, parcel->message->body.len, &excess))
    return FALSE;
  bus_confirm_move (core, parcel->delivery.route_id, NULL);
  bus_hold_add (core, &spec);
  return TRUE;
}

/* --- giving it to a member --- */

/* The members of @group that match the message. NULL: none, or the message is for another group. */
static const BusGroupMatch *
hold_find_members (BusCore *core, const BusHeld *held, const BusGroup *group)
{
  const BusMatch *match;

  if (held->group.text.len > 0 && !bus_group_key_equal (&held->group, &group->key))
    return NULL;
  match = bus_router_match (core, held->message->topic);
  for (guint i = 0; i < match->n_groups; i++)
    if (match->groups[i].group == group)
      return &match->groups[i];
  return NULL;
}

/* Counts and reports the loss, and frees the message. @status: for a publisher that waits for a confirmation */
static void
hold_lose (BusCore *core, BusHeld *held, WireStatus status, const char *detail, gint64 now_us)
{
  BusHoldReport *report = &core->routes->holds->report;
  WireSpan topic = held->message->topic;
  guint64 seq = held->message->accept_seq;

  report->from = report->count == 0 ? seq : MIN (report->from, seq);
  report->to = MAX (report->to, seq);
  report->count++;
  g_snprintf (report->topic, sizeof report->topic, "%.*s", (int) topic.len, (const char *) topic.data);
  if (!bus_deadline_is_armed (&report->timer.deadline))
    bus_deadline_arm (&core->deadlines, &report->timer.deadline, MAX (now_us, report->next_us));
  bus_confirm_fail (core, held->delivery.route_id, status, detail);
  hold_free (core, held);
}

/* FALSE: the publisher lost the right to publish to the topic, and so the message is lost. */
static gboolean
hold_is_allowed (BusCore *core, BusHeld *held, gint64 now_us)
{
  if (held->who.id.len == 0 || bus_policy_authorize (&held->who, BUS_OP_PUBLISH, held->message->topic).allowed)
    return TRUE;
  core->routes->holds->denied++;
  hold_lose (core, held, WIRE_STATUS_DENIED, "its publisher may not publish to the topic any more", now_us);
  return FALSE;
}

/* A held message of the same account is charged until it is given away, so the member needs only the difference. */
static gboolean
hold_fits_account (const BusHeld *held, const BusSubscription *member, guint64 need, gint64 now_us)
{
  BusAccount *account = member->owner->account;
  guint64 makes_way = account == held->account ? MIN (held->cost, need) : 0;

  return bus_shed_fit_account (account, need - makes_way, now_us);
}

/* FALSE: the account of the member or the broker has no room, or the member was closed to make room. */
static gboolean
hold_deliver (BusCore *core, BusHeld *held, BusSubscription *member, gint64 now_us)
{
  BusMessage *message = bus_message_ref (held->message);
  BusDelivery delivery = held->delivery;
  WireEnvelope envelope;
  BusInbound inbound;
  gboolean fits;

  bus_inbound_view_kept (&inbound, message, NULL, &envelope);
  fits = hold_fits_account (held, member, bus_router_need (&inbound, 1), now_us)
         && bus_shed_reserve (core, bus_router_need (&inbound, 1), now_us) && bus_peer_is_ready (member->owner);
  if (fits)
    {
      hold_free (core, held);
      core->routes->holds->given++;
      bus_confirm_move (core, delivery.route_id, member->owner);
      if (bus_router_offer (&inbound, member->owner, &member, 1, &delivery, TRUE, now_us).queued == 0)
        bus_fifo_note_dropped (&core->flows, delivery.route_id, BUS_LOSS_REFUSED);
    }
  bus_inbound_clear (&inbound);
  bus_message_unref (message);
  return fits;
}

static gboolean
hold_has_member (const BusGroupMatch *members)
{
  for (guint i = 0; i < members->n; i++)
    if (bus_subscription_takes_part (members->candidates[i]) && bus_peer_is_ready (members->candidates[i]->owner))
      return TRUE;
  return FALSE;
}

typedef enum
{
  HOLD_STAYS, /* the group has no member that takes part, or the message is for another group */
  HOLD_STUCK, /* its members have no room */
  HOLD_GONE,
} HoldResult;

static HoldResult
hold_try (BusCore *core, BusHeld *held, BusGroup *group, gint64 now_us)
{
  const BusGroupMatch *members = hold_find_members (core, held, group);
  const BusNeed need = { .len = held->message->body.len,
                         .lane = held->message->class_of.lane,
                         .now_us = now_us,
                         .is_kept = held->delivery.is_kept };
  guint picked;

  if (members == NULL || !hold_has_member (members) || bus_message_is_expired (held->message, now_us))
    return HOLD_STAYS;
  if (!hold_is_allowed (core, held, now_us))
    return HOLD_GONE;
  picked = bus_pick_taker (&group->balance, members->candidates, members->n, &need, NULL);
  if (picked == members->n || !hold_deliver (core, held, members->candidates[picked], now_us))
    return HOLD_STUCK;
  return HOLD_GONE;
}

static void
hold_try_again_later (BusCore *core, gint64 now_us)
{
  BusTimer *retry = &core->routes->holds->retry;

  if (!bus_deadline_is_armed (&retry->deadline))
    bus_deadline_arm (&core->deadlines, &retry->deadline, now_us + HOLD_RETRY_US);
}

void
bus_hold_offer (BusCore *core, const BusSubscription *member, gint64 now_us)
{
  GList *next;

  if (bus_hold_count (core) == 0)
    return;
  for (GList *link = core->routes->holds->messages.head; link != NULL; link = next)
    {
      BusHeld *held = link->data;

      next = link->next;
      if (bus_retain_matches (bus_subscription_pattern (member), held->message->topic)
          && hold_try (core, held, member->group, now_us) == HOLD_STUCK)
        hold_try_again_later (core, now_us);
    }
}

static HoldResult
hold_try_all (BusCore *core, BusHeld *held, gint64 now_us)
{
  const BusMatch *match = bus_router_match (core, held->message->topic);
  HoldResult result = HOLD_STAYS;

  for (guint i = 0; i < match->n_groups && result != HOLD_GONE; i++)
    {
      HoldResult one = hold_try (core, held, match->groups[i].group, now_us);

      result = one == HOLD_STAYS ? result : one;
    }
  return result;
}

void
bus_hold_retry (BusCore *core, gint64 now_us)
{
  GList *next;

  for (GList *link = core->routes->holds->messages.head; link != NULL; link = next)
    {
      next = link->next;
      if (hold_try_all (core, link->data, now_us) == HOLD_STUCK)
        hold_try_again_later (core, now_us);
    }
}

/* --- the end --- */

void
bus_hold_expire (BusCore *core, BusHeld *held, gint64 now_us)
{
  core->routes->holds->expired++;
  hold_lose (core, held, WIRE_STATUS_NO_RESPONDERS,
             "no member of a group took the message before its time to live was over", now_us);
}

void
bus_hold_clear (BusCore *core)
{
  BusHolds *holds = g_steal_pointer (&core->routes->holds);

  if (holds == NULL)
    return;
  core->routes->holds = holds;
  while (holds->messages.head != NULL)
    hold_free (core, holds->messages.head->data);
  bus_deadline_disarm (&core->deadlines, &holds->retry.deadline);
  bus_deadline_disarm (&core->deadlines, &holds->report.timer.deadline);
  core->routes->holds = NULL;
  g_free (holds);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "news/bus-slow.h"

#include "base/bus-text.h"
#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "queue/bus-report.h"
#include "route/bus-group.h"
#include "route/bus-router.h"
#include "control.pb-c.h"

#include <string.h>

typedef Daemoneye__Eventbus__V1__DropEvent DropEvent;
typedef Daemoneye__Eventbus__V1__Missed Missed;
typedef Daemoneye__Eventbus__V1__SlowEvent SlowEvent;

static void
slow_publish_drop (BusSubscription *subscription, gint64 now_us)
{
  g_autofree char *pattern = bus_text_from_span (bus_subscription_pattern (subscription));
  g_autofree char *group
      = bus_text_from_span (subscription->group != NULL ? subscription->group->key.text : wire_span (NULL, 0));
  Missed missed[BUS_N_LOSSES];
  Missed *list[BUS_N_LOSSES];
  BusLosses *losses;
  DropEvent event;

  if (bus_subscription_losses (subscription)->unreported_to == 0)
    return;
  losses = bus_subscription_need_losses (subscription);
  daemoneye__eventbus__v1__drop_event__init (&event);
  event.peer = subscription->owner->id;
  event.subscription = subscription->id;
  event.pattern = pattern;
  event.group = group;
  event.policy = subscription->bounds.policy;
  event.from = losses->unreported_from;
  event.to = losses->unreported_to;
  event.missed_by = list;
  for (guint i = 0; i < BUS_N_LOSSES; i++)
    {
      if (losses->unreported[i] == 0)
        continue;
      daemoneye__eventbus__v1__missed__init (&missed[i]);
      missed[i].reason = bus_loss_status (i);
      missed[i].count = losses->unreported[i];
      list[event.n_missed_by++] = &missed[i];
      event.count += losses->unreported[i];
      losses->unreported[i] = 0;
    }
  losses->unreported_from = losses->unreported_to = 0;
  bus_router_announce (subscription->owner->core, "system.drop", &event.base, now_us);
}

static void
slow_fill_limit (SlowEvent *event, const BusLimits *limits, BusLimit limit, guint64 value)
{
  event->setting = bus_text_for_packing (bus_limit_name (limit));
  event->limit = bus_limit_value (limits, limit);
  event->value = value;
}

static void
slow_fill_account (SlowEvent *event, const BusAccount *account)
{
  event->uid = account->number;
  event->account = bus_text_for_packing (account->name);
}

static void
slow_publish_changes (BusSubscription *subscription, gint64 now_us)
{
  const BusCore *core = subscription->owner->core;
  guint32 changes = bus_subscription_losses (subscription)->unreported_changes;
  g_autofree char *pattern = NULL;
  SlowEvent event;

  if (changes == 0)
    return;
  bus_subscription_need_losses (subscription)->unreported_changes = 0;
  pattern = bus_text_from_span (bus_subscription_pattern (subscription));
  daemoneye__eventbus__v1__slow_event__init (&event);
  /* If it was demoted and has drained again since the last event, only `drained` is reported. */
  event.what = bus_text_for_packing (
      changes & BUS_CHANGE_DRAINED && !bus_subscription_is_demoted (subscription) ? "drained" : "demoted");
  event.peer = subscription->owner->id;
  slow_fill_account (&event, subscription->owner->account);
  event.subscription = subscription->id;
  event.pattern = pattern;
  event.queued_messages = subscription->fifo->messages;
  event.queued_bytes = subscription->fifo->bytes;
  event.oldest_us = (guint64) bus_flow_oldest_us (subscription, now_us);
  slow_fill_limit (&event, &core->limits, BUS_LIMIT_longest_block_us,
                   (guint64) (now_us - subscription->records->progress_us));
  bus_router_announce (subscription->owner->core, "system.slow", &event.base, now_us);
}

/* Writes the losses since the last log record, by reason: "SLOW_CONSUMER 5, LIMIT 2". Returns their sum. @status: (out): the most
 * frequent reason */
static guint64
slow_describe_loss (const BusSubscription *subscription, GString *text, WireStatus *status)
{
  const BusLosses *losses = bus_subscription_losses (subscription);
  guint64 sum = 0;
  guint64 most = 0;

  for (guint i = 0; i < BUS_N_LOSSES; i++)
    {
      guint64 n = losses->missed_by[i] - losses->noted_by[i];

      if (n == 0)
        continue;
      g_string_append_printf (text, "%s%s %" G_GUINT64_FORMAT, sum > 0 ? ", " : "",
                              wire_status_name (bus_loss_status ((BusLoss) i)), n);
      if (n > most)
        *status = bus_loss_status ((BusLoss) i);
      most = MAX (most, n);
      sum += n;
    }
  return sum;
}

/* Adds one log record for each report, so at most one a second. If the record is suppressed, the next one counts its messages. */
static void
slow_note_drop (BusSubscription *subscription)
{
  g_autoptr (GString) text = g_string_new (NULL);
  WireStatus status = WIRE_STATUS_OK;
  guint64 count = slow_describe_loss (subscription, text, &status);
  BusLosses *losses;
  BusNote *note;

  if (count == 0)
    return;
  note = bus_peer_note (subscription->owner, BUS_NOTE_DROPPED, status, text->str);
  if (note == NULL)
    return;
  note->subscription = subscription->id;
  note->policy = bus_overflow_name (subscription->bounds.policy);
  note->count = count;
  bus_note_set_topic (note, bus_subscription_pattern (subscription));
  losses = bus_subscription_need_losses (subscription);
  memcpy (losses->noted_by, losses->missed_by, sizeof losses->noted_by);
}

void
bus_slow_end (BusSubscription *subscription, gint64 now_us)
{
  if (subscription->extra == &bus_no_subscription_extra)
    return;
  bus_deadline_disarm (&subscription->owner->core->deadlines,
                       &bus_subscription_need_losses (subscription)->report_timer.deadline);
  slow_note_drop (subscription);
  slow_publish_drop (subscription, now_us);
  slow_publish_changes (subscription, now_us);
}

void
bus_slow_subscription_due (BusSubscription *subscription, gint64 now_us)
{
  if (!bus_peer_is_ready (subscription->owner))
    return; /* the subscription ends, and bus_slow_end() publishes the rest */
  bus_subscription_need_losses (subscription)->report_next_us = now_us + BUS_REPORT_EVERY_US;
  slow_note_drop (subscription);
  slow_publish_drop (subscription, now_us);
  slow_publish_changes (subscription, now_us);
  bus_flow_send_gaps (&subscription->owner->flow, subscription, now_us);
  bus_peer_touch (subscription->owner);
}

/* --- queues, accounts, the broker --- */

void
bus_slow_queue_due (BusPeer *peer, gint64 now_us)
{
  BusFlow *flow = &peer->flow;
  gboolean is_soft = flow->soft_since_us != 0;
  SlowEvent event;

  bus_report_need_losses (flow)->report_next_us = now_us + BUS_REPORT_EVERY_US;
  if (!bus_peer_is_ready (peer) || is_soft == flow->reported_soft)
    return;
  flow->reported_soft = is_soft;
  daemoneye__eventbus__v1__slow_event__init (&event);
  event.what = bus_text_for_packing (is_soft ? "queue" : "drained");
  event.peer = peer->id;
  slow_fill_account (&event, peer->account);
  event.queued_messages = flow->waiting_messages;
  event.queued_bytes = bus_flow_bytes (flow);
  event.oldest_us = is_soft ? (guint64) (now_us - flow->soft_since_us) : 0;
  slow_fill_limit (&event, &peer->core->limits, BUS_LIMIT_queue_soft_bytes, bus_flow_bytes (flow));
  bus_router_announce (peer->core, "system.slow", &event.base, now_us);
}

/* @account: NULL: the whole broker. */
static void
slow_publish_quota (BusCore *core,
                    const BusAccount *account,
                    guint64 value,
                    guint64 limit,
                    const char *setting,
                    gint64 now_us)
{
  const BusPeer *owner = bus_shed_largest (core, account != NULL ? account->number : BUS_ALL_ACCOUNTS);
  SlowEvent event;

  daemoneye__eventbus__v1__slow_event__init (&event);
  event.what = bus_text_for_packing (account != NULL ? "uid" : "broker");
  if (account != NULL)
    slow_fill_account (&event, account);
  event.setting = bus_text_for_packing (setting);
  event.limit = limit;
  event.value = value;
  if (owner != NULL && owner->id != NULL)
    {
      event.peer = owner->id;
      slow_fill_account (&event, owner->account);
      event.queued_messages = owner->flow.waiting_messages;
      event.queued_bytes = bus_flow_bytes (&owner->flow);
    }
  bus_router_announce (core, "system.slow", &event.base, now_us);
}

void
bus_slow_account_due (BusAccount *account, gint64 now_us)
{
  account->report_next_us = now_us + BUS_REPORT_EVERY_US;
  if (account->is_soft)
    slow_publish_quota (account->core, account, account->usage.charged, account->core->limits.uid_bytes,
                        bus_limit_name (BUS_LIMIT_uid_bytes), now_us);
}

void
bus_slow_broker_due (BusCore *core, gint64 now_us)
{
  core->soft_next_us = now_us + BUS_REPORT_EVERY_US;
  if (core->is_soft)
    slow_publish_quota (core, NULL, core->quota.memory, core->quota.cap, bus_limit_name (BUS_LIMIT_broker_bytes),
                        now_us);
}

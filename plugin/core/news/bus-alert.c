/* SPDX-License-Identifier: Apache-2.0 */
#include "news/bus-alert.h"

#include "route/bus-group.h"
#include "route/bus-router.h"
#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "control.pb-c.h"

typedef Daemoneye__Eventbus__V1__DropEvent DropEvent;
typedef Daemoneye__Eventbus__V1__Missed Missed;
typedef Daemoneye__Eventbus__V1__SlowEvent SlowEvent;

#define PAYLOAD_MAX 1536u

/* --- noting --- */

static void
arm (BusFlow *flow, BusTimer *timer, gint64 next_us, gint64 now_us)
{
  if (!bus_deadline_is_armed (&timer->deadline))
    bus_deadline_arm (flow->shared->deadlines, &timer->deadline, MAX (now_us, next_us));
}

void
bus_alert_loss (BusFlow *flow,
                BusSubscription *subscription,
                guint domain,
                guint64 accept_seq,
                BusLoss loss,
                gint64 now_us)
{
  arm (flow, &subscription->alert, subscription->alert_next_us, now_us);
  if (domain == BUS_DOMAIN_SYSTEM)
    return;
  if (subscription->unsaid_to == 0)
    subscription->unsaid_from = accept_seq;
  subscription->unsaid_from = MIN (subscription->unsaid_from, accept_seq);
  subscription->unsaid_to = MAX (subscription->unsaid_to, accept_seq);
  subscription->unsaid[loss]++;
}

void
bus_alert_news (BusFlow *flow, BusSubscription *subscription, BusNews news, gint64 now_us)
{
  subscription->unsaid_news |= news;
  arm (flow, &subscription->alert, subscription->alert_next_us, now_us);
}

void
bus_alert_queue (BusFlow *flow, gint64 now_us)
{
  arm (flow, &flow->alert, flow->alert_next_us, now_us);
}

/* --- telling --- */

/* Only packed from. */
static char *
packed (const char *text)
{
  return (char *) (gsize) text;
}

/* A pattern is a span; protobuf-c wants a string. */
static char *
text_of (WireSpan span)
{
  return span.len > 0 ? g_strndup ((const char *) span.data, span.len) : g_strdup ("");
}

static void
announce (BusCore *core, const char *topic, const ProtobufCMessage *event, gint64 now_us)
{
  guint8 payload[PAYLOAD_MAX];

  g_assert (protobuf_c_message_get_packed_size (event) <= sizeof payload);
  bus_router_announce (core, topic, event->descriptor->name,
                       wire_span (payload, protobuf_c_message_pack (event, payload)), now_us);
}

static void
say_drop (BusSubscription *subscription, gint64 now_us)
{
  g_autofree char *pattern = text_of (subscription->pattern);
  g_autofree char *group = text_of (subscription->group != NULL ? subscription->group->key.text : wire_span (NULL, 0));
  Missed missed[BUS_N_LOSSES];
  Missed *list[BUS_N_LOSSES];
  DropEvent event;

  if (subscription->unsaid_to == 0)
    return;
  daemoneye__eventbus__v1__drop_event__init (&event);
  event.peer = subscription->owner->id;
  event.subscription = subscription->id;
  event.pattern = pattern;
  event.group = group;
  event.policy = subscription->bounds.policy;
  event.from = subscription->unsaid_from;
  event.to = subscription->unsaid_to;
  event.missed_by = list;
  for (guint i = 0; i < BUS_N_LOSSES; i++)
    {
      if (subscription->unsaid[i] == 0)
        continue;
      daemoneye__eventbus__v1__missed__init (&missed[i]);
      missed[i].reason = bus_loss_status (i);
      missed[i].count = subscription->unsaid[i];
      list[event.n_missed_by++] = &missed[i];
      event.count += subscription->unsaid[i];
      subscription->unsaid[i] = 0;
    }
  subscription->unsaid_from = subscription->unsaid_to = 0;
  announce (subscription->owner->core, "system.drop", &event.base, now_us);
}

static void
fill_limit (SlowEvent *event, const BusLimits *limits, BusLimit limit, guint64 value)
{
  event->setting = packed (bus_limit_name (limit));
  event->limit = bus_limit_value (limits, limit);
  event->value = value;
}

static void
say_news (BusSubscription *subscription, gint64 now_us)
{
  const BusCore *core = subscription->owner->core;
  guint32 news = subscription->unsaid_news;
  g_autofree char *pattern = NULL;
  SlowEvent event;

  subscription->unsaid_news = 0;
  if (news == 0)
    return;
  pattern = text_of (subscription->pattern);
  daemoneye__eventbus__v1__slow_event__init (&event);
  /* When both happened since, it is as before again. */
  event.what = packed (news & BUS_NEWS_DRAINED && !subscription->demoted ? "drained" : "demoted");
  event.peer = subscription->owner->id;
  event.uid = subscription->owner->who.uid;
  event.subscription = subscription->id;
  event.pattern = pattern;
  event.queued_messages = subscription->fifo.messages;
  event.queued_bytes = subscription->fifo.bytes;
  event.oldest_us = (guint64) bus_flow_oldest_us (subscription, now_us);
  fill_limit (&event, &core->limits, BUS_LIMIT_longest_block_us, (guint64) (now_us - subscription->progress_us));
  announce (subscription->owner->core, "system.slow", &event.base, now_us);
}

/* The operator's log gets the first of each second. */
static void
note_drop (BusSubscription *subscription)
{
  char detail[160];

  g_snprintf (detail, sizeof detail,
              "subscription %u (%s) missed messages: more came than it handles; control.bus.stats tells how many",
              subscription->id, bus_overflow_name (subscription->bounds.policy));
  bus_peer_note (subscription->owner, BUS_NOTE_DROPPED, WIRE_STATUS_SLOW_CONSUMER, detail);
}

void
bus_alert_end (BusSubscription *subscription, gint64 now_us)
{
  bus_deadline_disarm (&subscription->owner->core->deadlines, &subscription->alert.deadline);
  say_drop (subscription, now_us);
  say_news (subscription, now_us);
}

void
bus_alert_due (BusSubscription *subscription, gint64 now_us)
{
  BusFlow *flow = &subscription->owner->flow;
  gboolean told;

  if (!bus_peer_is_ready (subscription->owner))
    return; /* it goes, and bus_alert_end() tells */
  subscription->alert_next_us = now_us + BUS_ALERT_EVERY_US;
  if (subscription->unsaid_to != 0)
    note_drop (subscription);
  say_drop (subscription, now_us);
  say_news (subscription, now_us);
  told = bus_flow_tell_gaps (flow, subscription);
  bus_peer_touch (subscription->owner);
  /* Nothing else would come back to a gap that nothing of its lane stands before. */
  if (!told)
    arm (flow, &subscription->alert, subscription->alert_next_us, now_us);
}

/* --- queues, uids, the broker --- */

void
bus_alert_queue_due (BusPeer *peer, gint64 now_us)
{
  BusFlow *flow = &peer->flow;
  gboolean is_soft = flow->soft_since_us != 0;
  SlowEvent event;

  flow->alert_next_us = now_us + BUS_ALERT_EVERY_US;
  if (!bus_peer_is_ready (peer) || is_soft == flow->alert_soft)
    return;
  flow->alert_soft = is_soft;
  daemoneye__eventbus__v1__slow_event__init (&event);
  event.what = packed (is_soft ? "queue" : "drained");
  event.peer = peer->id;
  event.uid = peer->who.uid;
  event.queued_messages = flow->waiting_messages;
  event.queued_bytes = bus_flow_bytes (flow);
  event.oldest_us = is_soft ? (guint64) (now_us - flow->soft_since_us) : 0;
  fill_limit (&event, &peer->core->limits, BUS_LIMIT_queue_soft_bytes, bus_flow_bytes (flow));
  announce (peer->core, "system.slow", &event.base, now_us);
}

void
bus_alert_quota_due (BusCore *core, guint32 uid, guint64 value, guint64 limit, const char *setting, gint64 now_us)
{
  const BusPeer *owner = bus_shed_largest (core, uid);
  SlowEvent event;

  daemoneye__eventbus__v1__slow_event__init (&event);
  event.what = packed (uid != BUS_SHED_ALL ? "uid" : "broker");
  event.uid = uid != BUS_SHED_ALL ? uid : 0;
  event.setting = packed (setting);
  event.limit = limit;
  event.value = value;
  if (owner != NULL && owner->id != NULL)
    {
      event.peer = owner->id;
      event.uid = owner->who.uid;
      event.queued_messages = owner->flow.waiting_messages;
      event.queued_bytes = bus_flow_bytes (&owner->flow);
    }
  announce (core, "system.slow", &event.base, now_us);
}

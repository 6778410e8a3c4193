/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-router.h"

#include "base/bus-probe.h"
#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "queue/bus-admit.h"
#include "queue/bus-room.h"
#include "queue/bus-fifo.h"
#include "queue/bus-unsettled.h"
#include "route/bus-catchup.h"
#include "route/bus-retain.h"
#include "route/bus-routes.h"
#include "route/bus-servers.h"

/* --- index --- */

void
bus_router_add (BusCore *core, BusSubscription *subscription, WireSpan group, BusStrategy strategy)
{
  BusPeer *owner = subscription->owner;

  if (group.len > 0)
    {
      bus_group_join (&core->routes->groups, group, owner->account->number, strategy, subscription);
      if (!subscription->serves && subscription->group->bounds.policy == BUS_OVERFLOW_DEFAULT)
        subscription->group->bounds = subscription->bounds;
      else if (!subscription->serves)
        subscription->bounds = subscription->group->bounds;
    }
  bus_fifo_index (&owner->flow, subscription, subscription->bounds.policy == BUS_OVERFLOW_CONFLATE);
  if (subscription->serves)
    bus_servers_add (core->routes->servers, core->seed, subscription);
  else
    bus_index_add (core->routes->index, bus_subscription_pattern (subscription), owner, &subscription->filed,
                   subscription);
  bus_subscriptions_add (&owner->subscriptions, subscription);
  bus_quota_keep (&core->quota, &owner->ledger.usage, bus_subscription_charge (subscription));
  core->routes->n_subscriptions++;
}

void
bus_router_unlist (BusCore *core, BusSubscription *subscription)
{
  BusPeer *owner = subscription->owner;

  bus_catchup_end (subscription);
  if (subscription->serves)
    bus_servers_remove (core->routes->servers, subscription);
  else
    {
      bus_index_remove (core->routes->index, &subscription->filed);
      bus_match_cache_trim (&core->routes->matches);
    }
  bus_subscriptions_remove (&owner->subscriptions, subscription);
  if (!bus_subscription_takes_part (subscription))
    {
      core->routes->n_drained--;
      core->routes->drains_due = TRUE;
    }
  bus_subscription_on (subscription, BUS_SUBSCRIPTION_ON_END, &core->flows.ignored_events);
  bus_unsettled_unlist_empty (&core->flows, subscription);
  core->routes->n_subscriptions--;
  bus_quota_unkeep (&core->quota, &owner->ledger.usage, bus_subscription_charge (subscription));
}

void
bus_router_free (BusCore *core, BusSubscription *subscription)
{
  if (subscription->group != NULL)
    bus_group_leave (&core->routes->groups, subscription);
  bus_subscription_free (&core->quota.lasting, subscription);
  core->routes->n_freed++;
}

/* --- offers --- */

static void
router_lose (BusPeer *receiver,
             BusInbound *inbound,
             BusSubscription *const *subscriptions,
             guint n,
             BusLoss loss,
             gint64 now_us)
{
  const BusLostAt at = { inbound->class_of.lane, inbound->domain, inbound->accept_seq };

  for (guint i = 0; i < n; i++)
    bus_fifo_lose (&receiver->flow, subscriptions[i], &at, 1, loss, now_us);
}

BusOutcome
bus_router_offer (BusInbound *inbound,
                  BusPeer *receiver,
                  BusSubscription *const *subscriptions,
                  guint n,
                  const BusDelivery *delivery,
                  gboolean fits,
                  gint64 now_us)
{
  BusOutcome outcome = { .matched = n };

  /* The receiver may have been closed to make room. */
  if (!fits || !bus_shed_reserve_account (receiver->account, bus_router_need (inbound, 1), now_us)
      || !bus_peer_is_ready (receiver))
    {
      router_lose (receiver, inbound, subscriptions, n, BUS_LOSS_LIMIT, now_us);
      outcome.refused = n;
      return outcome;
    }
  for (guint done = 0; done < n; done += WIRE_SUBSCRIPTIONS_MAX)
    {
      BusAdmission admission = bus_admit (&receiver->flow, inbound, delivery, subscriptions + done,
                                          MIN (n - done, WIRE_SUBSCRIPTIONS_MAX), now_us);

      outcome.queued += admission.queued;
      outcome.refused += admission.refused;
      if (admission.closes)
        bus_peer_close (receiver, WIRE_STATUS_SLOW_CONSUMER,
                        "your control queue (control-queue-bytes) is full: read faster");
    }
  bus_peer_touch (receiver);
  return outcome;
}

/* --- publishing --- */

void
bus_router_count_accepted (BusCore *core, BusInbound *inbound, guint domain)
{
  inbound->domain = domain;
  core->flows.domains[domain].accepted++;
  core->flows.domains[domain].accepted_bytes += inbound->envelope->payload.len;
}

static void
router_choose_member (BusMatch *match, BusGroupMatch *group, guint at)
{
  BusReceiver *receiver = &match->receivers[group->receivers[at]];

  receiver->subscriptions[receiver->n_now++] = group->candidates[at];
}

static void
router_choose_filtered (BusMatch *match, const WireEnvelope *envelope)
{
  for (guint i = 0; i < match->n_filtered; i++)
    {
      const BusFilteredMatch *filtered = &match->filtered[i];
      BusReceiver *receiver = &match->receivers[filtered->receiver];

      if (bus_filter_passes (filtered->subscription->filter, envelope))
        receiver->subscriptions[receiver->n_now++] = filtered->subscription;
    }
}

void
bus_router_choose_plain (BusMatch *match, const WireEnvelope *envelope)
{
  for (guint i = 0; i < match->n_receivers; i++)
    match->receivers[i].n_now = match->receivers[i].n_plain;
  router_choose_filtered (match, envelope);
}

static void
router_choose_members (BusMatch *match, const BusInbound *inbound, gboolean broadcast, gint64 now_us)
{
  const BusNeed need = { .len = inbound->frame.body.len, .lane = inbound->class_of.lane, .now_us = now_us };

  bus_router_choose_plain (match, inbound->envelope);
  for (guint i = 0; i < match->n_groups; i++)
    {
      BusGroupMatch *group = &match->groups[i];
      guint picked = broadcast ? group->n : bus_pick (&group->group->balance, group->candidates, group->n, &need);

      if (picked < group->n)
        router_choose_member (match, group, picked);
      for (guint at = 0; broadcast && at < group->n; at++)
        if (bus_subscription_takes_part (group->candidates[at]))
          router_choose_member (match, group, at);
    }
}

BusMatch *
bus_router_match (BusCore *core, WireSpan topic)
{
  return bus_match_lookup (&core->routes->matches, topic);
}

BusOutcome
bus_router_offer_chosen (BusInbound *inbound,
                         BusMatch *match,
                         const BusDelivery *delivery,
                         gboolean fits,
                         gint64 now_us)
{
  BusOutcome outcome = { 0, 0, 0 };

  inbound->copy_max = match->n_receivers > BUS_OUTQ_FANOUT ? BUS_OUTQ_COPY_MAX_FANOUT : BUS_OUTQ_COPY_MAX;
  for (guint i = 0; i < match->n_receivers; i++)
    {
      BusReceiver *receiver = &match->receivers[i];

      if (receiver->n_now > 0 && bus_peer_is_ready (receiver->peer))
        bus_router_add_outcome (&outcome, bus_router_offer (inbound, receiver->peer, receiver->subscriptions,
                                                            receiver->n_now, delivery, fits, now_us));
    }
  return outcome;
}

BusOutcome
bus_router_publish (BusCore *core, BusInbound *inbound, BusMatch *match, gboolean broadcast, gint64 now_us)
{
  BusDelivery delivery = { .kind = WIRE_KIND_DELIVER, .to_each = broadcast };
  BusOutcome outcome = { 0, 0, 0 };
  gboolean fits;

  bus_router_count_accepted (core, inbound, match->domain);
  if (match->n_receivers > 0)
    {
      fits = bus_shed_reserve (core, bus_router_need (inbound, match->n_receivers), now_us);
      router_choose_members (match, inbound, broadcast, now_us);
      outcome = bus_router_offer_chosen (inbound, match, &delivery, fits, now_us);
    }
  BUS_PROBE4 (route, inbound->accept_seq, outcome.matched, outcome.queued, outcome.refused);
  return outcome;
}

/* The subscriptions of @target that get a direct message: plain ones, and one of each group. If there is none, a subscription that
 * serves the topic, but not the one for its own methods, which answers requests only. */
static GPtrArray *
router_subscriptions_of_peer (BusCore *core, BusPeer *target, const WireEnvelope *envelope)
{
  BusMatch *match = bus_router_match (core, envelope->topic);
  GPtrArray *found = g_ptr_array_new ();
  BusServers *servers;

  for (guint i = 0; i < match->n_receivers; i++)
    if (match->receivers[i].peer == target)
      for (guint j = 0; j < match->receivers[i].n_plain; j++)
        g_ptr_array_add (found, match->receivers[i].subscriptions[j]);
  for (guint i = 0; i < match->n_filtered; i++)
    if (match->filtered[i].subscription->owner == target
        && bus_filter_passes (match->filtered[i].subscription->filter, envelope))
      g_ptr_array_add (found, match->filtered[i].subscription);
  for (guint i = 0; i < match->n_groups; i++)
    for (guint j = 0; j < match->groups[i].n; j++)
      if (match->groups[i].candidates[j]->owner == target
          && bus_subscription_takes_part (match->groups[i].candidates[j]))
        g_ptr_array_add (found, match->groups[i].candidates[j]);

  servers = found->len == 0 ? bus_servers_find (core->routes->servers, core->seed, envelope->topic) : NULL;
  for (guint i = 0; servers != NULL && i < servers->n; i++)
    {
      BusSubscription *server = servers->list[i];

      if (server->owner == target && !server->serves_methods && bus_subscription_takes_part (server) && found->len == 0)
        g_ptr_array_add (found, server);
    }
  return found;
}

gboolean
bus_router_is_subscribed (BusCore *core, BusPeer *target, const WireEnvelope *envelope)
{
  g_autoptr (GPtrArray) found = router_subscriptions_of_peer (core, target, envelope);

  return found->len > 0;
}

BusOutcome
bus_router_direct (BusCore *core, BusInbound *inbound, BusPeer *target, guint64 route_id, gint64 now_us)
{
  g_autoptr (GPtrArray) found = router_subscriptions_of_peer (core, target, inbound->envelope);
  BusDelivery delivery = { .kind = WIRE_KIND_DELIVER, .route_id = route_id, .to_each = TRUE };

  if (route_id != 0)
    delivery.flags = WIRE_FLAG_WANT_DELIVERED;
  bus_router_count_accepted (core, inbound, bus_domain_of_topic (inbound->envelope->topic));
  return bus_router_offer (inbound, target, (BusSubscription *const *) (gconstpointer) found->pdata, found->len,
                           &delivery, bus_shed_reserve (core, bus_router_need (inbound, 1), now_us), now_us);
}

BusSubscription *
bus_router_pick_server (BusCore *core, WireSpan topic, BusPeer *target, const BusNeed *need)
{
  BusServers *servers = bus_servers_find (core->routes->servers, core->seed, topic);
  BusSubscription *const *candidates;

  if (servers == NULL)
    return NULL;
  candidates = servers->list;
  if (target == NULL)
    {
      guint picked = bus_pick (&servers->balance, candidates, servers->n, need);

      return picked < servers->n ? candidates[picked] : NULL;
    }
  for (guint i = 0; i < servers->n; i++)
    if (candidates[i]->owner == target && bus_subscription_takes_part (candidates[i]))
      return candidates[i];
  return NULL;
}

void
bus_router_count_request (BusCore *core, BusInbound *inbound, BusServers *servers, gint64 now_us)
{
  bus_topics_count (&core->routes->topics, &servers->counter, servers->key, inbound->envelope, now_us);
  bus_router_count_accepted (core, inbound, bus_domain_of_topic (inbound->envelope->topic));
}

gboolean
bus_router_request (BusCore *core,
                    BusInbound *inbound,
                    BusSubscription *server,
                    const BusDelivery *delivery,
                    gint64 now_us)
{
  BusPeer *responder = server->owner;
  gboolean queued;

  queued = bus_shed_reserve (core, bus_router_need (inbound, 1), now_us)
           && bus_shed_fit_account (responder->account, bus_router_need (inbound, 1), now_us)
           && bus_peer_is_ready (responder) /* it may have been closed to make room */
           && bus_admit_request (&responder->flow, inbound, delivery, server, now_us);
  bus_peer_touch (responder);
  BUS_PROBE4 (route, inbound->accept_seq, 1, queued, !queued);
  return queued;
}

static gboolean
router_has_server_of (const GPtrArray *servers, const BusPeer *peer)
{
  for (guint i = 0; i < servers->len; i++)
    if (((const BusSubscription *) g_ptr_array_index (servers, i))->owner == peer)
      return TRUE;
  return FALSE;
}

GPtrArray *
bus_router_all_servers (BusCore *core, WireSpan topic, const BusPeer *target)
{
  const BusServers *servers = bus_servers_find (core->routes->servers, core->seed, topic);
  GPtrArray *found = g_ptr_array_new ();

  for (guint i = 0; servers != NULL && i < servers->n; i++)
    {
      BusSubscription *server = servers->list[i];

      if (bus_peer_is_ready (server->owner) && bus_subscription_takes_part (server)
          && (target == NULL || server->owner == target) && !router_has_server_of (found, server->owner))
        g_ptr_array_add (found, server);
    }
  return found;
}

guint
bus_router_count_servers (BusCore *core, WireSpan topic)
{
  const BusServers *servers = bus_servers_find (core->routes->servers, core->seed, topic);
  guint n = 0;

  for (guint i = 0; servers != NULL && i < servers->n; i++)
    n += bus_peer_is_ready (servers->list[i]->owner) ? 1 : 0;
  return n;
}

/* --- events --- */

/* There is no memory for the event: adds its loss to a gap of each receiver. */
static void
router_lose_event (BusCore *core, BusInbound *inbound, BusMatch *match, gint64 now_us)
{
  bus_router_count_accepted (core, inbound, match->domain);
  router_choose_members (match, inbound, FALSE, now_us);
  for (guint i = 0; i < match->n_receivers; i++)
    {
      BusReceiver *receiver = &match->receivers[i];

      if (bus_peer_is_ready (receiver->peer))
        router_lose (receiver->peer, inbound, receiver->subscriptions, receiver->n_now, BUS_LOSS_NO_MEMORY, now_us);
    }
}

/* Writes the event as the body of a PUBLISH frame, and makes the envelope point into it: a message that is kept has its topic
 * inside its body. */
static void
router_write_event (const ProtobufCMessage *event, WireEnvelope *envelope, guint8 *body, gsize size)
{
  guint8 *at = wire_envelope_write (envelope, body);

  protobuf_c_message_pack (event, at);
  if (wire_envelope_read (wire_span (body, size), WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, envelope).status
      != WIRE_STATUS_OK)
    g_assert_not_reached ();
}

/* A message of the broker itself. */
typedef struct
{
  const char *topic;
  const ProtobufCMessage *event;
  BusAccount *account; /* for which it is retained; NULL: it is not retained */
  BusPeer *target;     /* the only peer that gets it; NULL: all subscribers */
} RouterNews;

static void
router_send_news (BusCore *core, BusInbound *inbound, BusMatch *match, const RouterNews *news, gint64 now_us)
{
  if (news->target != NULL)
    bus_router_direct (core, inbound, news->target, 0, now_us);
  else
    bus_router_publish (core, inbound, match, FALSE, now_us);
}

/* FALSE: it has to be retained, but there is no room. */
static gboolean
router_announce (BusCore *core, const RouterNews *news, gint64 now_us)
{
  const ProtobufCMessage *event = news->event;
  BusMatch *match = bus_router_match (core, wire_span_str (news->topic));
  g_autofree guint8 *body = NULL; /* texts that peers chose decide the size */
  gboolean is_retained = news->account == NULL;
  WireEnvelope envelope;
  BusInbound inbound;
  gsize size;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (news->topic);
  envelope.type_name = wire_span_str (event->descriptor->name);
  envelope.payload = wire_span (NULL, protobuf_c_message_get_packed_size (event));
  bus_topics_count (&core->routes->topics, &match->counter, match->key, &envelope, now_us);
  if (match->n_receivers == 0 && news->account == NULL)
    return TRUE;
  size = wire_envelope_size (&envelope) + envelope.payload.len;
  body = g_try_malloc (size);
  inbound = (BusInbound){
    .frame = { .kind = WIRE_KIND_PUBLISH, .body = wire_span (body, size) },
    .envelope = &envelope,
    .copy_max = BUS_OUTQ_COPY_MAX,
    .class_of = wire_class_of (WIRE_KIND_PUBLISH, envelope.topic, envelope.payload.len, 0),
    .quota = &core->quota,
  };
  bus_inbound_stamp (&inbound, wire_span_str (core->name), ++core->routes->accept_seq, now_us + core->wall_us);
  if (body != NULL)
    {
      router_write_event (event, &envelope, body, size);
      is_retained = is_retained || bus_retain_store_own (core, news->account, &inbound);
      router_send_news (core, &inbound, match, news, now_us);
    }
  else
    router_lose_event (core, &inbound, match, now_us);
  bus_inbound_clear (&inbound);
  return is_retained;
}

void
bus_router_announce (BusCore *core, const char *topic, const ProtobufCMessage *event, gint64 now_us)
{
  router_announce (core, &(const RouterNews){ .topic = topic, .event = event }, now_us);
}

gboolean
bus_router_announce_retained (BusCore *core,
                              const char *topic,
                              const ProtobufCMessage *event,
                              BusAccount *account,
                              gint64 now_us)
{
  return router_announce (core, &(const RouterNews){ .topic = topic, .event = event, .account = account }, now_us);
}

gboolean
bus_router_announce_to (BusCore *core, const char *topic, const ProtobufCMessage *event, BusPeer *target, gint64 now_us)
{
  const WireEnvelope envelope = { .topic = wire_span_str (topic) };

  if (!bus_router_is_subscribed (core, target, &envelope))
    return FALSE;
  router_announce (core, &(const RouterNews){ .topic = topic, .event = event, .target = target }, now_us);
  return TRUE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-drain.h"

#include "calls/bus-budget.h"
#include "calls/bus-later.h"
#include "peer/bus-peer.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "queue/bus-block.h"
#include "queue/bus-unsettled.h"
#include "route/bus-hold.h"
#include "route/bus-reroute.h"
#include "route/bus-routes.h"
#include "work/bus-trust.h"
#include "control.pb-c.h"
#include "wire-feature.h"
#include "wire-hot.h"

typedef Daemoneye__Eventbus__V1__DrainReply DrainReply;
typedef Daemoneye__Eventbus__V1__DrainRequest DrainRequest;

#define DRAIN_MAX 64u /* subscriptions of one call */

/* One call that waits. */
typedef struct
{
  BusLater later;
  GList link;  /* in the list `drains` of the routes */
  BusKey peer; /* the id of the peer that owns the subscriptions; its bytes are in `name` */
  char name[64];
  const BusPeer *target; /* that peer; only compared with the peer that has the id now, never read */
  guint32 ids[DRAIN_MAX];
  guint n_ids;
  guint64 handed_on;
} BusDrain;

static void
drain_ended (BusLater *later)
{
  BusDrain *drain = (BusDrain *) later;

  g_queue_unlink (&later->asker->core->routes->drains, &drain->link);
}

static const BusLaterKind drain_kind
    = { .size = sizeof (BusDrain),
        .overdue = "the member has not handled all its messages in time; it gets no new ones",
        .ended = drain_ended };

/* --- the subscriptions to drain --- */

static gboolean
drain_refuse (const BusCall *call, WireStatus status, const char *detail)
{
  bus_peer_error (call->peer, call->id, status, detail);
  return FALSE;
}

/* NULL: refused. */
static BusPeer *
drain_find_peer (const BusCall *call, const DrainRequest *request)
{
  BusKey key = bus_key (call->core->seed, wire_span_str (request->peer));
  BusPeer *peer = call->peer;

  if (request->peer[0] == '\0' || strcmp (request->peer, call->peer->id) == 0)
    return peer;
  if (call->peer->principal.role == BUS_ROLE_COLLECTOR)
    {
      bus_peer_deny (
          call->peer, call->id, BUS_OP_SUBSCRIBE, wire_span_str (request->peer),
          (BusVerdict){ FALSE, "drain-own", "only the agent and tools may drain what belongs to another peer" });
      return NULL;
    }
  peer = g_hash_table_lookup (call->core->peers_by_id, &key);
  if (peer != NULL && bus_peer_is_ready (peer))
    return peer;
  drain_refuse (call, WIRE_STATUS_ABSENT, "no peer of this id is connected");
  return NULL;
}

/* TRUE if the request is about the subscription. All subscriptions of a peer in a group are drained together. */
static gboolean
drain_wants (const BusSubscription *subscription, const DrainRequest *request, const BusGroup *group)
{
  if (subscription->serves)
    return subscription->id == request->subscription;
  if (group != NULL)
    return subscription->group == group;
  return subscription->group != NULL && request->group[0] != '\0'
         && wire_span_equal (subscription->group->key.text, wire_span_str (request->group));
}

static int
drain_compare (gconstpointer a, gconstpointer b)
{
  return (*(BusSubscription *const *) a)->id < (*(BusSubscription *const *) b)->id ? -1 : 1;
}

/* FALSE: refused. @found: (out): sorted, because messages are handed on in this order */
static gboolean
drain_select (const BusCall *call, const DrainRequest *request, BusPeer *peer, GPtrArray *found)
{
  const BusSubscription *named = bus_subscriptions_find (&peer->subscriptions, request->subscription);
  const BusGroup *group = named != NULL && !named->serves ? named->group : NULL;
  guint at = 0;
  gpointer value;

  if ((request->subscription != 0) == (request->group[0] != '\0'))
    return drain_refuse (call, WIRE_STATUS_BAD_MESSAGE, "name either a subscription or a group");
  while ((value = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
    if (drain_wants (value, request, group))
      g_ptr_array_add (found, value);
  g_ptr_array_sort (found, drain_compare);
  if (found->len == 0)
    return drain_refuse (call, WIRE_STATUS_NOT_SUBSCRIBED,
                         "the peer has no such member of a group, and no such subscription that serves");
  if (found->len > DRAIN_MAX)
    return drain_refuse (call, WIRE_STATUS_LIMIT, "at most 64 subscriptions are drained by one call");
  return TRUE;
}

/* --- notices --- */

/* @status: DRAINING: it drains, or has finished; OK: it takes part again. Clients without the feature DELIVERY get no notice. */
static void
drain_notify (const BusSubscription *subscription, WireStatus status)
{
  BusPeer *member = subscription->owner;
  WireEnvelope notice;

  if (!bus_peer_is_ready (member) || !(member->features & WIRE_FEATURE_DELIVERY))
    return;
  wire_envelope_init (&notice);
  notice.subscription = subscription->id;
  notice.status = status;
  notice.value = subscription->fifo->messages + bus_unsettled_messages (subscription);
  bus_peer_put (member, WIRE_KIND_ACK, 0, &notice);
}

static gboolean
drain_apply (BusSubscription *subscription, BusSubscriptionEvent event)
{
  BusCore *core = subscription->owner->core;
  gboolean is_news = bus_subscription_on (subscription, event, &core->flows.ignored_events);

  if (is_news && event == BUS_SUBSCRIPTION_ON_DRAIN)
    core->routes->n_drained++;
  else if (is_news && event == BUS_SUBSCRIPTION_ON_RESUME)
    core->routes->n_drained--;
  core->routes->drains_due |= is_news;
  return is_news;
}

/* The member has finished: no message waits for it, and its client has settled everything. This also ends a demotion, which lasts
 * until the queue has drained. */
static void
drain_finish (BusSubscription *subscription, gint64 now_us)
{
  if (!bus_subscription_is_draining (subscription) || !bus_unsettled_is_empty (subscription))
    return; /* it takes part again, or has got a request that was already on its way */
  bus_block_restore (&subscription->owner->flow, subscription, now_us);
  drain_apply (subscription, BUS_SUBSCRIPTION_ON_EMPTY);
  drain_notify (subscription, WIRE_STATUS_DRAINING);
}

static void
drain_finish_emptied (BusCore *core)
{
  GList *link;

  while ((link = core->flows.emptied.head) != NULL)
    {
      BusSubscription *subscription = link->data;

      bus_unsettled_unlist_empty (&core->flows, subscription);
      drain_finish (subscription, core->now_us);
    }
}

/* --- the end --- */

/* TRUE if a subscription of @drain has not finished. One that has ended counts as finished. */
static gboolean
drain_is_busy (const BusDrain *drain, const BusPeer *peer)
{
  for (guint i = 0; i < drain->n_ids; i++)
    {
      const BusSubscription *subscription = bus_subscriptions_find (&peer->subscriptions, drain->ids[i]);

      if (subscription != NULL && bus_subscription_is_draining (subscription))
        return TRUE;
    }
  return FALSE;
}

static void
drain_check (BusCore *core, BusDrain *drain)
{
  const BusPeer *peer = g_hash_table_lookup (core->peers_by_id, &drain->peer);
  DrainReply reply;

  if (peer != drain->target || !bus_peer_is_ready (peer))
    {
      bus_later_fail (&drain->later, WIRE_STATUS_RESPONDER_GONE,
                      "the member disconnected before it had handled all its messages");
      return;
    }
  if (drain_is_busy (drain, peer))
    return;
  daemoneye__eventbus__v1__drain_reply__init (&reply);
  reply.subscriptions = drain->n_ids;
  reply.handed_on = drain->handed_on;
  bus_later_finish (&drain->later, &reply.base);
}

WIRE_HOT void
bus_drain_settle (BusCore *core)
{
  GList *next;

  drain_finish_emptied (core);
  if (!core->routes->drains_due)
    return;
  core->routes->drains_due = FALSE;
  for (GList *link = core->routes->drains.head; link != NULL; link = next)
    {
      next = link->next;
      drain_check (core, link->data);
    }
}

/* --- the call --- */

/* The subscription gets no new messages any more: hands on those that wait for it. Returns the number of messages handed on. */
static guint64
drain_empty (BusCore *core, BusSubscription *subscription, gboolean is_news, gint64 now_us)
{
  guint64 before = subscription->extra->rerouted;

  bus_reroute_waiting (core, subscription, now_us);
  bus_peer_touch (subscription->owner);
  if (is_news)
    drain_notify (subscription, WIRE_STATUS_DRAINING);
  bus_unsettled_note_empty (&core->flows, subscription);
  return subscription->extra->rerouted - before;
}

static void
drain_wait (const BusCall *call, BusPeer *peer, const GPtrArray *found)
{
  BusDrain *drain = bus_later_new (call, &drain_kind);
  gboolean is_news[DRAIN_MAX];

  if (drain == NULL)
    return;
  memcpy (drain->name, peer->key.text.data, MIN (peer->key.text.len, sizeof drain->name));
  drain->peer = (BusKey){ peer->key.hash, wire_span (drain->name, MIN (peer->key.text.len, sizeof drain->name)) };
  drain->target = peer;
  drain->link.data = drain;
  g_queue_push_tail_link (&call->core->routes->drains, &drain->link);
  call->core->routes->drains_due = TRUE;
  for (guint i = 0; i < found->len; i++)
    drain->ids[drain->n_ids++] = ((const BusSubscription *) g_ptr_array_index (found, i))->id;
  for (guint i = 0; i < found->len; i++)
    is_news[i] = drain_apply (g_ptr_array_index (found, i), BUS_SUBSCRIPTION_ON_DRAIN);
  for (guint i = 0; i < found->len; i++)
    drain->handed_on += drain_empty (call->core, g_ptr_array_index (found, i), is_news[i], call->now_us);
}

/* Only members that did not take part before are notified. All of them take part again before held messages are offered to any of
 * them. */
static void
drain_resume (const BusCall *call, GPtrArray *found)
{
  guint held = bus_hold_count (call->core);
  guint n_news = 0;
  DrainReply reply;

  if (!bus_budget_admit_work (call->peer, call->id, call->now_us))
    return;
  daemoneye__eventbus__v1__drain_reply__init (&reply);
  reply.subscriptions = found->len;
  for (guint i = 0; i < found->len; i++)
    if (drain_apply (g_ptr_array_index (found, i), BUS_SUBSCRIPTION_ON_RESUME))
      {
        drain_notify (g_ptr_array_index (found, i), WIRE_STATUS_OK);
        found->pdata[n_news++] = found->pdata[i];
      }
  for (guint i = 0; i < n_news; i++)
    if (((BusSubscription *) g_ptr_array_index (found, i))->group != NULL)
      bus_hold_offer (call->core, g_ptr_array_index (found, i), call->now_us);
  bus_budget_spend (call->peer, n_news * (guint64) held * BUS_WORK_MEMBER, &reply.base);
  bus_reply_message (call->peer, call->id, &reply.base);
}

void
bus_drain_joined (const BusCall *call, BusSubscription *subscription)
{
  const BusGroup *group = subscription->group;
  gboolean drains = FALSE;

  if (call->core->routes->n_drained == 0 || group == NULL || subscription->serves)
    return;
  for (const GList *link = group->members.head; link != NULL && !drains; link = link->next)
    {
      const BusSubscription *member = link->data;

      drains = member->owner == subscription->owner && !member->serves && !bus_subscription_takes_part (member);
    }
  if (drains)
    drain_empty (call->core, subscription, drain_apply (subscription, BUS_SUBSCRIPTION_ON_DRAIN), call->now_us);
}

void
bus_drain_answer (const BusCall *call)
{
  const DrainRequest *request = call->request;
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  BusPeer *peer = drain_find_peer (call, request);

  if (peer == NULL || !drain_select (call, request, peer, found))
    return;
  if (request->resume)
    drain_resume (call, found);
  else
    drain_wait (call, peer, found);
  if (peer->member != NULL)
    bus_trust_served (call->core, peer->member);
}

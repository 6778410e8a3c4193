/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-join.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "route/bus-routes.h"

typedef Daemoneye__Eventbus__V1__SubscribeRequest SubscribeRequest;

static gboolean
join_refuse (const BusCall *call, WireStatus status, const char *detail)
{
  bus_peer_error (call->peer, call->id, status, detail);
  return FALSE;
}

/* --- values --- */

static gboolean
join_check_values (const BusCall *call, const SubscribeRequest *request)
{
  gboolean has_group = request->group[0] != '\0';

  if (request->strategy != 0 && (request->serve || !has_group))
    return join_refuse (call, WIRE_STATUS_BAD_MESSAGE,
                        "strategy needs a group, without serve: servers of a topic take turns");
  if ((request->weight != 0 || request->in_flight != 0) && !request->serve && !has_group)
    return join_refuse (call, WIRE_STATUS_BAD_MESSAGE, "weight and in_flight need a group or serve");
  if ((guint) request->strategy > BUS_STRATEGY_LAST)
    return join_refuse (
        call, WIRE_STATUS_UNSUPPORTED,
        "strategy must be 1 round robin, 2 least loaded, 3 random, 4 first available, or 0 for the group's");
  if (request->weight > BUS_WEIGHT_MAX)
    return join_refuse (call, WIRE_STATUS_BAD_MESSAGE, "weight must be at most 1000");
  if (request->in_flight > bus_limit_spec (BUS_LIMIT_receive_window_messages)->ceiling)
    {
      bus_peer_error_ceiling (call->peer, call->id, BUS_LIMIT_receive_window_messages, request->in_flight);
      return FALSE;
    }
  return TRUE;
}

/* --- rights --- */

static gboolean
join_check_type (const BusCall *call, const SubscribeRequest *request)
{
  const BusPrincipal *who = &call->peer->principal;
  WireSpan pattern = wire_span_str (request->pattern);

  if (request->serve || who->role != BUS_ROLE_COLLECTOR || !bus_group_matches_other_type (pattern, who->type))
    return TRUE;
  bus_peer_deny (
      call->peer, call->id, BUS_OP_SUBSCRIBE, pattern,
      (BusVerdict){
          FALSE, "group-own-type",
          "the pattern matches tasks of another type: only its collectors, the agent and tools join a group on them" });
  return FALSE;
}

gboolean
bus_join_may_adjust (const BusCall *call, const BusSubscription *subscription)
{
  const BusGroup *group = subscription->group;
  gboolean is_only_member = TRUE;

  if (group == NULL || call->peer->principal.role != BUS_ROLE_COLLECTOR)
    return TRUE;
  for (const GList *link = group->members.head; is_only_member && link != NULL; link = link->next)
    is_only_member
        = ((const BusSubscription *) link->data)->serves || ((const BusSubscription *) link->data)->owner == call->peer;
  if (!is_only_member)
    bus_peer_deny (call->peer, call->id, BUS_OP_SUBSCRIBE, bus_subscription_pattern (subscription),
                   (BusVerdict){ FALSE, "group-adjust",
                                 "only the agent, tools and the only member may change what belongs to a group" });
  return is_only_member;
}

/* --- a group that exists --- */

static gboolean
join_check_pattern (const BusCall *call, const BusGroup *group, WireSpan pattern)
{
  char detail[360];

  if (bus_group_overlaps (group->pattern, pattern))
    return TRUE;
  g_snprintf (detail, sizeof detail,
              "group-pattern: no topic matches both this pattern and %.*s, that of the group's first member: "
              "use another group",
              (int) MIN (group->pattern.len, 200), (const char *) group->pattern.data);
  return join_refuse (call, WIRE_STATUS_BAD_PATTERN, detail);
}

/* A strategy of the configuration overrides that of the request without an error; the reply contains it. */
static gboolean
join_check_strategy (const BusCall *call, const BusGroup *group, BusStrategy strategy)
{
  char detail[200];

  if (strategy == BUS_STRATEGY_DEFAULT || strategy == group->balance.strategy
      || (group->rule != NULL && group->rule->strategy != BUS_STRATEGY_DEFAULT))
    return TRUE;
  g_snprintf (detail, sizeof detail,
              "group-strategy: the strategy of this group is %s, not %s: leave the strategy out, or use another group",
              bus_strategy_name (group->balance.strategy), bus_strategy_name (strategy));
  return join_refuse (call, WIRE_STATUS_UNSUPPORTED, detail);
}

gboolean
bus_join_check (const BusCall *call, const SubscribeRequest *request, const BusGroup **group)
{
  WireSpan pattern = wire_span_str (request->serve ? "" : request->pattern);

  *group = NULL;
  if (!join_check_values (call, request))
    return FALSE;
  if (request->group[0] == '\0')
    return TRUE;
  if (!join_check_type (call, request))
    return FALSE;
  *group = bus_group_find (&call->core->routes->groups, wire_span_str (request->group), call->peer->account->number,
                           pattern);
  return *group == NULL || request->serve || (*group)->pattern.len == 0
         || (join_check_pattern (call, *group, pattern)
             && join_check_strategy (call, *group, (BusStrategy) request->strategy));
}

/* --- values in force --- */

void
bus_join_settle (const BusCall *call, const SubscribeRequest *request, BusSubscription *subscription)
{
  const BusGroupRule *rule = bus_group_rules_find (call->core->routes->groups.rules, wire_span_str (request->group));
  guint32 weight = bus_group_rule_weight (rule, call->peer->id);
  guint32 in_flight;

  if (weight == 0)
    weight = request->weight;
  in_flight = rule != NULL && rule->in_flight != 0 ? rule->in_flight : (guint32) request->in_flight;
  if (weight > 1 || in_flight != 0)
    {
      BusShare *share = bus_subscription_need_share (subscription);

      share->weight = MAX (weight, 1);
      share->in_flight = in_flight;
    }
  if (in_flight != 0)
    bus_window_init (&subscription->window, MIN (subscription->window.window_messages, in_flight),
                     subscription->window.window_bytes);
}

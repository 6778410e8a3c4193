/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-dispatch-run.h"

#include "base/bus-probe.h"
#include "route/bus-route-run.h"
#include "wire-class.h"
#include "wire-hot.h"

/* A message that joins a run is not checked for the largest payload, and its class does not depend on its length. */
G_STATIC_ASSERT (BUS_RUN_BODY_MAX <= WIRE_CONTROL_PAYLOAD_MAX);

void
dispatch_run_set_input (BusCore *core, WireSpan input)
{
  core->routes->run->input = input;
  core->routes->run->head_len = 0; /* encoded again for this input: sender or time may differ */
}

/* TRUE if the message is plain, its body stays in the read buffer until the end of the input call, and it is small enough to be
 * copied for every receiver. */
static gboolean
dispatch_can_collect (const BusRun *run, const DispatchCall *call)
{
  const WireSpan body = call->frame->body;

  return dispatch_is_plain (call) && body.len <= BUS_RUN_BODY_MAX
         && (gsize) (body.data - run->input.data) < run->input.len;
}

WIRE_HOT static void
dispatch_collect (BusRun *run, const DispatchCall *call)
{
  const WireEnvelope *envelope = call->envelope;

  run->messages[run->n++] = (BusRunMessage){
    .body = call->frame->body, .topic = envelope->topic, .payload_len = envelope->payload.len, .id = envelope->id
  };
  run->bytes += call->frame->body.len;
  run->payload_bytes += envelope->payload.len;
  run->cost += call->cost;
  run->type_name = envelope->type_name;
}

/* The credit of a run returns all at once, so a run uses only a part of the publisher's window: with a small window its runs are
 * short. */
static void
dispatch_bound_run (BusRun *run, const BusWindow *window)
{
  run->n_max = (guint) CLAMP (window->window_messages / BUS_RUN_SHARE, 1, BUS_RUN_MESSAGES);
  run->bytes_max = (gsize) MIN (window->window_bytes / BUS_RUN_SHARE, BUS_RUN_BYTES - BUS_RUN_BODY_MAX);
}

gboolean
dispatch_begin_run (DispatchCall *call, BusMatch *match)
{
  BusRun *run = call->core->routes->run;
  BusPeer *peer = call->peer;

  if (call->class_of.lane != WIRE_LANE_DATA || !dispatch_can_collect (run, call) || !bus_route_run_suits (match))
    return FALSE;
  run->match = match;
  run->class_of = call->class_of;
  run->publisher = &peer->ledger;
  run->sender = peer->key.text;
  run->now_us = call->now_us;
  run->bytes = 0;
  run->payload_bytes = 0;
  run->cost = 0;
  dispatch_bound_run (run, &bus_ledger_allowance (&peer->ledger, call->class_of.credit_class)->window);
  dispatch_collect (run, call);
  call->is_held = TRUE; /* the run returns the credit at its end */
  return TRUE;
}

static gboolean
dispatch_belongs_to_run (const BusRun *run, const DispatchCall *call)
{
  return run->n > 0 && run->n < run->n_max && run->bytes < run->bytes_max && dispatch_can_collect (run, call)
         && call->envelope->id > 0 && wire_span_equal (call->envelope->topic, run->match->key.text);
}

gboolean
dispatch_join_run (const DispatchCall *call)
{
  BusRun *run = call->core->routes->run;

  /* A message without credit does not join: the run ends, and the message is refused like one that came alone. */
  if (!dispatch_belongs_to_run (run, call)
      || !bus_credit_take (run->publisher, run->class_of.credit_class, call->cost, call->now_us))
    return FALSE;
  call->peer->received_bytes += call->cost;
  dispatch_collect (run, call);
  return TRUE;
}

static void
dispatch_trace_run (const BusPeer *peer, const BusRun *run, guint64 first_seq)
{
  for (guint i = 0; i < run->n; i++)
    BUS_PROBE4 (accept, peer->id, first_seq + i, WIRE_KIND_PUBLISH, run->messages[i].payload_len);
}

WIRE_HOT void
dispatch_end_run_now (BusPeer *peer)
{
  BusRoutes *routes = peer->core->routes;
  BusRun *run = routes->run;

  run->time_us = run->now_us + peer->core->wall_us;
  bus_topics_count_run (&routes->topics, &run->match->counter, run->match->key, run->n, run->payload_bytes,
                        run->type_name, run->now_us);
  dispatch_trace_run (peer, run, routes->accept_seq + 1);
  bus_route_run (peer->core, run, run->match, run->now_us);
  if (run->held < run->n)
    bus_credit_return (&peer->ledger, run->class_of.credit_class, run->n - run->held, run->cost - run->held_cost);
  run->n = 0;
}

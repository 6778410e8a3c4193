/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-flow-retained.h"

#include "base/bus-probe.h"
#include "wire-hot.h"

static void
retained_take_room (BusRetainedStep *step)
{
  const BusWindow *window = &step->subscription->window;
  const gboolean is_open = bus_window_is_open (window);

  step->credit_messages = is_open ? window->granted_messages - window->used_messages : 0;
  step->credit_bytes = is_open ? window->granted_bytes - window->used_bytes : 0;
  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    {
      step->room[lane] = bus_flow_room (step->flow, lane);
      step->bytes[lane] = 0;
    }
  step->messages = 0;
  step->payload_bytes = 0;
}

void
bus_flow_retained_begin (BusRetainedStep *step, BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  step->flow = flow;
  step->subscription = subscription;
  step->now_us = now_us;
  step->domain = 0;
  bus_outq_own_init (&step->own, subscription->id);
  retained_take_room (step);
}

void
bus_flow_retained_end (BusRetainedStep *step)
{
  BusSubscription *subscription = step->subscription;

  if (step->messages == 0)
    return;
  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    bus_outq_count (&step->flow->outq, lane, step->bytes[lane]);
  bus_window_use_many (&subscription->window, step->messages, step->payload_bytes);
  bus_subscription_need_records (subscription)->retained += step->messages;
  step->flow->retained += step->messages;
  bus_flow_count_delivered (step->flow, subscription, step->domain, step->messages, step->now_us);
  retained_take_room (step);
}

/* A value that is referenced, or expires. */
static gboolean
retained_put_alone (BusRetainedStep *step, BusMessage *message)
{
  gboolean is_put;

  bus_flow_retained_end (step);
  is_put = bus_flow_encode_kept (step->flow, step->subscription, message, step->now_us);
  retained_take_room (step);
  return is_put;
}

static inline void
retained_note_put (BusRetainedStep *step, const BusMessage *message, gsize bytes)
{
  const WireLane lane = message->class_of.lane;

  step->messages++;
  step->payload_bytes += message->payload_len;
  step->bytes[lane] += bytes;
  step->credit_messages--;
  step->credit_bytes -= MIN (step->credit_bytes, message->payload_len);
  step->room[lane] -= MIN (step->room[lane], bytes);
}

WIRE_HOT gboolean
bus_flow_retained_put (BusRetainedStep *step, BusMessage *message, guint64 accept_seq)
{
  const WireLane lane = message->class_of.lane;
  gsize bytes;

  if (G_UNLIKELY (message->body.len > BUS_OUTQ_COPY_MAX || message->expires_us != 0))
    return retained_put_alone (step, message);
  if (G_UNLIKELY (message->domain != step->domain))
    {
      bus_flow_retained_end (step);
      step->domain = message->domain;
    }
  bytes = bus_outq_put_retained (&step->flow->outq, lane, &message->stamp, &step->own, message->body);
  if (bytes == 0)
    return FALSE;
  BUS_PROBE4 (write, accept_seq, WIRE_KIND_DELIVER, lane, message->body.len);
  retained_note_put (step, message, bytes);
  return TRUE;
}

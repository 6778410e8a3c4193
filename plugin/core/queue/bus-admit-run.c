/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-admit-run.h"

#include "base/bus-probe.h"
#include "queue/bus-fifo-run.h"
#include "queue/bus-withheld.h"
#include "wire-hot.h"

static guint64
admit_run_window_bytes (const BusWindow *window)
{
  return window->granted_bytes - window->used_bytes;
}

/* The number of messages that the window allows. A message may be sent while one byte of credit is left, so the last one may be
 * larger than the credit that is left for it. */
static guint
admit_run_within_window (const BusRun *run, guint from, guint n, const BusWindow *window)
{
  const guint64 bytes = admit_run_window_bytes (window);
  guint64 sum = 0;
  guint fit = 0;

  n = (guint) MIN (n, window->granted_messages - window->used_messages);
  if (G_LIKELY (run->payload_bytes < bytes))
    return n;
  for (; fit < n && sum < bytes; fit++)
    sum += run->messages[from + fit].payload_len;
  return fit;
}

/* The number of messages that may be encoded. A message may be encoded while the lane is below its limit, so the last one may
 * exceed the limit. */
static guint
admit_run_within_lane (const BusRun *run, guint from, guint n, gsize room)
{
  gsize sum = 0;
  guint fit = 0;

  if (G_LIKELY (run->bytes + run->n * BUS_RUN_FRONT_MAX < room))
    return n;
  for (; fit < n && sum < room; fit++)
    sum += BUS_RUN_FRONT_MAX + run->messages[from + fit].body.len;
  return fit;
}

static guint
admit_run_fits (const BusFlow *flow, const BusRun *run, guint from, guint n, const BusSubscription *subscription)
{
  const WireLane lane = run->class_of.lane;

  if (!bus_flow_lane_is_clear (flow, lane) || !bus_room_is_ready (subscription)
      || bus_flow_gap_is_first (subscription, lane))
    return 0;
  n = admit_run_within_window (run, from, n, &subscription->window);
  return admit_run_within_lane (run, from, n, bus_flow_room (flow, lane));
}

static void
admit_run_trace (const BusRun *run, guint from, guint n)
{
  for (guint i = from; i < from + n; i++)
    BUS_PROBE4 (write, run->first_seq + i, WIRE_KIND_DELIVER, run->class_of.lane, run->messages[i].body.len);
}

WIRE_HOT guint
bus_admit_run (BusFlow *flow,
               BusRun *run,
               guint from,
               guint n,
               BusSubscription *subscription,
               gboolean is_shared,
               gint64 now_us)
{
  n = admit_run_fits (flow, run, from, n, subscription);
  if (n == 0)
    return 0;
  n = is_shared && from == 0 ? bus_outq_copy_run (&flow->outq, run, n, subscription->id)
                             : bus_outq_put_run (&flow->outq, run, from, n, subscription->id);
  if (n == 0)
    return 0;
  admit_run_trace (run, from, n);
  bus_window_use_many (&subscription->window, n, bus_run_payload_bytes (run, from, n));
  bus_flow_count_delivered (flow, subscription, run->domain, n, now_us);
  return n;
}

static gsize
admit_run_cost (const BusRun *run, guint from)
{
  gsize cost = 0;

  for (guint i = from; i < run->n; i++)
    cost += bus_room_cost (run->messages[i].body.len);
  return cost;
}

static gsize
admit_run_bytes (const BusRun *run, guint from)
{
  gsize bytes = 0;

  for (guint i = from; i < run->n; i++)
    bytes += run->messages[i].body.len;
  return bytes;
}

/* TRUE if all messages from @from on have to wait for credit, and the bounds and the policy allow each of them to wait. */
static gboolean
admit_run_may_wait (const BusFlow *flow,
                    const BusRun *run,
                    guint from,
                    const BusSubscription *subscription,
                    gboolean is_withheld)
{
  if (run->n - from < 2 || run->class_of.lane != WIRE_LANE_DATA || bus_room_is_ready (subscription)
      || subscription->fifo->by_topic != NULL)
    return FALSE;
  return is_withheld
         || bus_room_fits_many (flow, subscription, run->n - from, admit_run_bytes (run, from),
                                admit_run_cost (run, from));
}

/* Appends as many messages from @from on as one waiting run holds. @ticket: (nullable). Returns their number; 0: no memory. */
static guint
admit_run_let_wait (BusFlow *flow,
                    const BusRun *run,
                    guint from,
                    BusSubscription *subscription,
                    BusTicket *ticket,
                    gint64 now_us)
{
  BusWaitingRun *waiting = bus_waiting_run_new (flow->shared->quota, run, from, run->n - from, subscription->id);

  if (waiting == NULL)
    return 0;
  if (!bus_fifo_append_run (flow, subscription, waiting, ticket, now_us))
    {
      bus_waiting_run_free (waiting);
      return 0;
    }
  if (ticket != NULL)
    {
      bus_ticket_ref (ticket);
      bus_withheld_note_ticket (flow, subscription, now_us);
    }
  return waiting->n;
}

guint
bus_admit_run_wait (BusFlow *flow,
                    const BusRun *run,
                    guint from,
                    BusSubscription *subscription,
                    BusTicket *ticket,
                    gint64 now_us)
{
  const gboolean is_withheld
      = bus_admit_withholds (flow, subscription, run->publisher) && run->class_of.credit_class != WIRE_CLASS_NONE;
  guint at = from;

  if (!admit_run_may_wait (flow, run, from, subscription, is_withheld))
    return 0;
  while (at < run->n)
    {
      const guint n = admit_run_let_wait (flow, run, at, subscription, is_withheld ? ticket : NULL, now_us);

      if (n == 0)
        break;
      at += n;
    }
  bus_flow_note_level (flow, now_us);
  return at - from;
}

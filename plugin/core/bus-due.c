/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-due.h"

#include "calls/bus-later.h"
#include "calls/bus-wait.h"
#include "news/bus-cascade.h"
#include "news/bus-slow.h"
#include "news/bus-unheld.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "peer/bus-takeover.h"
#include "queue/bus-flow-credit.h"
#include "route/bus-answer.h"
#include "route/bus-catchup.h"
#include "route/bus-confirm.h"
#include "route/bus-demote.h"
#include "route/bus-hold.h"
#include "route/bus-many.h"
#include "route/bus-reroute.h"
#include "route/bus-request.h"
#include "route/bus-resend.h"
#include "route/bus-retain.h"
#include "work/bus-adoption.h"
#include "work/bus-expiry.h"
#include "work/bus-gather.h"
#include "work/bus-health-watch.h"
#include "work/bus-lease.h"
#include "work/bus-leaving.h"
#include "work/bus-operation.h"
#include "work/bus-standing.h"
#include "work/bus-trust.h"

static void
due_hello (BusCore *core, gpointer owner, gint64 now_us)
{
  BusPeer *peer = owner;

  if (peer->state == BUS_PEER_WAITING)
    bus_peer_end (peer, BUS_PEER_ON_HELLO_DUE, WIRE_STATUS_DUPLICATE_ID,
                  "another connection has this id, and the time for HELLO was over (hello-timeout-us)");
  else
    bus_peer_end (peer, BUS_PEER_ON_HELLO_DUE, WIRE_STATUS_HELLO_TIMEOUT, NULL);
}

static void
due_takeover (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_takeover_due (owner);
}

static void
due_frame (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_peer_end (owner, BUS_PEER_ON_FRAME_DUE, WIRE_STATUS_TIMEOUT,
                "a frame was not complete in time (frame-timeout-us)");
}

static void
due_request (BusCore *core, gpointer owner, gint64 now_us)
{
  BusRequest *request = owner;

  if (request->kind == BUS_PENDING_QUESTION)
    bus_many_expire (core, request, now_us);
  else
    bus_request_expire (core, request);
}

static void
due_stall (BusCore *core, gpointer owner, gint64 now_us)
{
  BusRequest *request = owner;

  if (!bus_answer_is_stalled (request))
    return;
  if (request->kind == BUS_PENDING_QUESTION)
    bus_many_stall (core, request, now_us);
  else
    bus_request_fail (core, request, BUS_REQUEST_ON_EXPIRED, WIRE_STATUS_TIMEOUT,
                      "no further answer within the pause allowed (stall_us)");
}

static void
due_stream (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_answer_block_due (core, owner, now_us);
}

static void
due_wait (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_wait_due (owner);
}

static void
due_later (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_later_due (owner);
}

static void
due_confirm (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_confirm_expire (owner);
}

static void
due_resend (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_resend_due (owner);
}

static void
due_expiry (BusCore *core, gpointer owner, gint64 now_us)
{
  BusSlot *slot = owner;
  BusPeer *peer = slot->subscription->owner;

  bus_flow_expire (&peer->flow, slot, now_us);
  bus_peer_touch (peer);
}

static void
due_block (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_demote_due (owner, now_us);
}

static void
due_settle (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_reroute_unsettled_due (core, owner, now_us);
}

static void
due_report (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_slow_subscription_due (owner, now_us);
}

static void
due_queue (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_slow_queue_due (owner, now_us);
}

static void
due_retry (BusCore *core, gpointer owner, gint64 now_us)
{
  BusPeer *peer = owner;

  bus_catchup_continue (peer, now_us);
  bus_flow_resume_all (&peer->flow, &peer->subscriptions, now_us);
  bus_peer_touch (peer);
}

static void
due_catchup (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_catchup_continue (owner, now_us);
}

static void
due_retained (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_retain_due (core, owner);
}

static void
due_held (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_hold_expire (core, owner, now_us);
}

static void
due_hold_retry (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_hold_retry (core, now_us);
}

static void
due_hold_report (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_unheld_due (core, now_us);
}

static void
due_account (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_slow_account_due (owner, now_us);
}

static void
due_broker (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_slow_broker_due (core, now_us);
}

static void
due_cascade (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_cascade_due (owner, now_us);
}

static void
due_reservation (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_operation_on_timer (owner);
}

static void
due_task (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_expiry_due (core, owner, now_us);
}

static void
due_task_run (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_expiry_run_due (core, owner, now_us);
}

static void
due_task_deadline (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_expiry_deadline_due (core, owner, now_us);
}

static void
due_task_alone (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_expiry_alone_due (core, owner, now_us);
}

static void
due_lease (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_expiry_lease_due (core, owner);
}

static void
due_death (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_leaving_death_due (owner, now_us);
}

static void
due_drain (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_leaving_drain_over (core, owner, now_us);
}

static void
due_busy (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_lease_busy_due (core, owner);
}

static void
due_recovery (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_adoption_window_over (core, now_us);
}

static void
due_gather (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_gather_due (owner, now_us);
}

static void
due_standing (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_standing_due (core, owner, now_us);
}

static void
due_health (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_health_watch_due (owner);
}

static void
due_hold (BusCore *core, gpointer owner, gint64 now_us)
{
  bus_trust_hold_due (core, owner);
}

typedef void (*DueHandler) (BusCore *core, gpointer owner, gint64 now_us);

static const DueHandler due_handlers[] = {
  [BUS_TIMER_HELLO] = due_hello,
  [BUS_TIMER_TAKEOVER] = due_takeover,
  [BUS_TIMER_FRAME] = due_frame,
  [BUS_TIMER_REQUEST] = due_request,
  [BUS_TIMER_LATER] = due_later,
  [BUS_TIMER_CONFIRM] = due_confirm,
  [BUS_TIMER_STALL] = due_stall,
  [BUS_TIMER_STREAM] = due_stream,
  [BUS_TIMER_RESEND] = due_resend,
  [BUS_TIMER_WAIT] = due_wait,
  [BUS_TIMER_EXPIRY] = due_expiry,
  [BUS_TIMER_BLOCK] = due_block,
  [BUS_TIMER_SETTLE] = due_settle,
  [BUS_TIMER_REPORT] = due_report,
  [BUS_TIMER_QUEUE] = due_queue,
  [BUS_TIMER_RETRY] = due_retry,
  [BUS_TIMER_ACCOUNT] = due_account,
  [BUS_TIMER_BROKER] = due_broker,
  [BUS_TIMER_HEALTH] = due_health,
  [BUS_TIMER_HOLD] = due_hold,
  [BUS_TIMER_CASCADE] = due_cascade,
  [BUS_TIMER_CATCHUP] = due_catchup,
  [BUS_TIMER_RETAINED] = due_retained,
  [BUS_TIMER_HELD] = due_held,
  [BUS_TIMER_HOLD_RETRY] = due_hold_retry,
  [BUS_TIMER_HOLD_REPORT] = due_hold_report,
  [BUS_TIMER_TASK] = due_task,
  [BUS_TIMER_TASK_RUN] = due_task_run,
  [BUS_TIMER_TASK_DEADLINE] = due_task_deadline,
  [BUS_TIMER_TASK_ALONE] = due_task_alone,
  [BUS_TIMER_RESERVATION] = due_reservation,
  [BUS_TIMER_LEASE] = due_lease,
  [BUS_TIMER_DEATH] = due_death,
  [BUS_TIMER_BUSY] = due_busy,
  [BUS_TIMER_DRAIN] = due_drain,
  [BUS_TIMER_RECOVERY] = due_recovery,
  [BUS_TIMER_GATHER] = due_gather,
  [BUS_TIMER_STANDING] = due_standing,
};
G_STATIC_ASSERT (G_N_ELEMENTS (due_handlers) == BUS_N_TIMERS);

void
bus_due_handle (BusCore *core, BusTimer *timer, gint64 now_us)
{
  due_handlers[timer->kind](core, timer->owner, now_us);
}

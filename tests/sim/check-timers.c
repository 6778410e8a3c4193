/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "peer/bus-state.h"
#include "route/bus-request.h"
#include "route/bus-retain-store.h"

/* I15: every armed timer belongs to an object that exists and has this timer. */
void
sim_check_timers (SimWorld *world)
{
  const BusCore *core = world->core;

  for (guint i = 0; i < core->deadlines.heap->len; i++)
    {
      const BusDeadline *deadline = g_array_index (core->deadlines.heap, BusDeadlineCell, i).deadline;
      const BusTimer *timer = (const BusTimer *) deadline; /* its first field */
      const BusSubscription *subscription = timer != NULL ? timer->owner : NULL;
      const BusRequest *request = timer != NULL ? timer->owner : NULL;
      const BusSlot *slot = timer != NULL ? timer->owner : NULL;

      if (timer == NULL)
        continue;
      if ((timer->kind == BUS_TIMER_BLOCK && timer != &subscription->records->block_timer)
          || (timer->kind == BUS_TIMER_SETTLE && timer != &subscription->records->settle_timer)
          || (timer->kind == BUS_TIMER_REPORT && timer != &bus_subscription_losses (subscription)->report_timer)
          || (timer->kind == BUS_TIMER_REQUEST && timer != &request->timer)
          || (timer->kind == BUS_TIMER_STALL && timer != &request->stall_timer)
          || (timer->kind == BUS_TIMER_STREAM
              && (request->stream == NULL || timer != &request->stream->block_timer || request->stream->tickets == 0))
          || (timer->kind == BUS_TIMER_CATCHUP && timer != &bus_peer_extra (timer->owner)->catchup_timer)
          || (timer->kind == BUS_TIMER_RETAINED && timer != &((const BusRetained *) timer->owner)->timer)
          || (timer->kind == BUS_TIMER_CASCADE && timer != &bus_peer_extra (timer->owner)->cascade_timer)
          || (timer->kind == BUS_TIMER_EXPIRY && timer != slot->expiry))
        sim_world_fail (world, "I15: a timer of kind %u has no owner", timer->kind);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "peer/bus-state.h"
#include "route/bus-request.h"

/* I15: every timer that is armed belongs to an object that exists and knows this timer. */
void
sim_check_timers (SimWorld *world)
{
  const BusCore *core = world->core;

  for (guint i = 0; i < core->deadlines.heap->len; i++)
    {
      const BusAlarm *alarm = g_ptr_array_index (core->deadlines.heap, i); /* deadline is its first field */
      const BusSubscription *subscription = alarm->owner;
      const BusRequest *request = alarm->owner;
      const BusSlot *slot = alarm->owner;

      if ((alarm->kind == BUS_ALARM_BLOCK && alarm != &subscription->block)
          || (alarm->kind == BUS_ALARM_ALERT && alarm != &subscription->alert)
          || (alarm->kind == BUS_ALARM_REQUEST && alarm != &request->alarm)
          || (alarm->kind == BUS_ALARM_EXPIRY && alarm != slot->expiry))
        sim_world_fail (world, "I15: a timer of kind %u has no owner", alarm->kind);
    }
}

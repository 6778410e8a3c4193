/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-ops-private.h"

/*
 * Messages that wait for a member of a group: which of them ask for it. Some are confirmed as well, delivered at least once, or
 * numbered, so that their publisher may come back and send them again while they wait.
 */

#define SHORT_US 100000u
#define LONG_US  3000000u

/* With a time to live, without a target; some of them for a long time, so that clients leave and come while they wait. */
void
sim_op_draw_hold (SimWorld *world, SimFrame *frame, WireEnvelope *envelope)
{
  if (!world->holds || frame->target[0] != '\0' || frame->broadcast || frame->is_retained
      || !sim_chance (&world->random, 40))
    return;
  if (frame->ttl_us == 0)
    frame->ttl_us = envelope->ttl_us
        = 2 * (500 + sim_below (&world->random, sim_chance (&world->random, 30) ? SHORT_US : LONG_US));
  frame->hold = TRUE;
  envelope->delivery |= WIRE_DELIVERY_HOLD;
}

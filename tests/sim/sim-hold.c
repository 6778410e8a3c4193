/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-ops-private.h"

/*
 * Messages that are held for a group without members: selects the messages that ask for this. Some of them ask for a
 * confirmation or at-least-once delivery as well, or have a number, so that their publisher may reconnect and send them again
 * while they wait.
 */

#define SHORT_US 100000u
#define LONG_US  3000000u

/* With a time to live and without a target. Some have a long time to live, so that clients disconnect and connect during this
 * time. */
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-ops-private.h"

/* Messages that wait for a member of a group: which of them ask for it. */

/* With a time to live, without a target; some of them for a long time, so that clients leave and come while they wait. */
void
sim_op_draw_hold (SimWorld *world, SimFrame *frame, WireEnvelope *envelope)
{
  if (!world->holds || frame->target[0] != '\0' || frame->broadcast || frame->is_retained || frame->is_confirmed
      || frame->message_id != 0 || !sim_chance (&world->random, 40))
    return;
  if (frame->ttl_us == 0)
    frame->ttl_us = envelope->ttl_us = 2 * (500 + sim_below (&world->random, 3000000));
  frame->hold = TRUE;
  envelope->delivery |= WIRE_DELIVERY_HOLD;
}

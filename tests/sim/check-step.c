/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"

/* Invariants that hold after every step of any kind. */

void
sim_check_step (SimWorld *world)
{
  gboolean was_demoted = world->was_demoted;
  guint64 demoted = world->coverage->counts[SIM_COVER_DEMOTED];

  if (sim_world_failed (world))
    return;
  sim_check_sums (world);
  sim_check_reports (world);
  sim_check_timers (world);
  sim_check_requests (world);
  sim_check_names (world);
  sim_check_index (world);
  sim_check_pinned (world);
  sim_check_lineage (world);
  sim_check_confirms (world);
  sim_check_lanes (world);
  sim_check_drains (world);
  sim_check_retained (world);
  sim_check_holds (world);
  sim_check_wills (world);
  sim_check_waits (world);
  sim_check_hops (world);
  world->was_demoted = world->coverage->counts[SIM_COVER_DEMOTED] > demoted;
  if (was_demoted && !world->was_demoted)
    sim_cover (world, SIM_COVER_DRAINED);
}

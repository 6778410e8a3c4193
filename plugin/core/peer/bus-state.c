/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-state.h"

#include "base/bus-key.h"
#include "peer/bus-account.h"

static void
state_open_windows (BusCore *core)
{
  const BusLimits *limits = &core->limits;

  core->creditors = (BusCreditors){ .quota = &core->quota, .unused = core->allowances };
  bus_window_init (&core->allowances[WIRE_CLASS_CONTROL].window, limits->publish_window_messages,
                   limits->publish_window_control_bytes);
  bus_window_init (&core->allowances[WIRE_CLASS_MUST_KEEP].window, limits->publish_window_messages,
                   limits->publish_window_must_keep_bytes);
  bus_window_init (&core->allowances[WIRE_CLASS_MAY_DROP].window, limits->publish_window_messages,
                   limits->publish_window_may_drop_bytes);
}

void
bus_state_init (BusCore *core, const BusLimits *limits, guint64 seed, gint64 now_us)
{
  core->limits = *limits;
  core->topic_limits
      = (WireTopicLimits){ (guint) limits->topic_segments, (guint) limits->topic_bytes, (guint) limits->segment_bytes };
  core->seed = seed;
  core->started_us = now_us;
  core->now_us = now_us;
  core->name = g_ref_string_new ("bus");
  wire_envelope_init (&core->envelope);
  core->quota.cap = limits->broker_bytes;
  bus_deadline_set_init (&core->deadlines);
  state_open_windows (core);
  core->flows.limits = &core->limits;
  core->flows.deadlines = &core->deadlines;
  core->flows.segments = &core->segments;
  core->flows.quota = &core->quota;
  core->flows.seed = core->seed;
  core->soft_timer.kind = BUS_TIMER_BROKER;
  core->soft_timer.owner = core;
  core->accounts = bus_account_table_new ();
  core->peers_by_id = g_hash_table_new (bus_key_hash, bus_key_equal);
}

void
bus_state_clear (BusCore *core)
{
  g_assert (core->peers.length == 0);
  g_assert (core->quota.charged == 0 && core->quota.memory == 0);
  g_assert (g_hash_table_size (core->accounts) == 0);
  g_assert (core->creditors.due.length == 0 && core->n_later == 0);

  bus_deadline_disarm (&core->deadlines, &core->soft_timer.deadline);
  bus_note_ring_clear (&core->notes);
  g_hash_table_unref (core->accounts);
  g_hash_table_unref (core->peers_by_id);
  bus_deadline_set_clear (&core->deadlines);
  g_clear_pointer (&core->flows.route_notes, g_array_unref);
  bus_segment_pool_clear (&core->segments);
  bus_cells_clear (&core->quota.cells);
  bus_cells_clear (&core->quota.lasting);
  g_ref_string_release (core->name);
}

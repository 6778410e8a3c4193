/* SPDX-License-Identifier: Apache-2.0 */
#include "chaos-schedule.h"

#define LEAST_PAUSE_MS 30
#define MOST_PAUSE_MS  400

static const struct
{
  const char *name;
  guint cards;
  gint32 least_ms, most_ms;
} faults[CHAOS_N_FAULTS] = {
  [CHAOS_KILL] = { "kill a collector", 8, 0, 1 },
  [CHAOS_KILL_CROWD] = { "kill half of the collectors", 1, 0, 1 },
  [CHAOS_STOP] = { "stop a collector", 8, 50, 1500 },
  [CHAOS_LEAVE] = { "let a collector leave", 4, 0, 1 },
  [CHAOS_LEAVE_CROWD] = { "let half of the collectors leave", 1, 0, 1 },
  [CHAOS_DRAIN] = { "drain a collector", 2, 0, 500 },
  [CHAOS_DRAIN_EXIT] = { "drain a collector until it ends", 2, 0, 1 },
  [CHAOS_DRAIN_KILL] = { "drain a collector and kill it", 2, 0, 500 },
  [CHAOS_PAUSE] = { "pause an operation", 3, 50, 800 },
  [CHAOS_STORM] = { "connect many", 2, 0, 1 },
  [CHAOS_AGENT_KILL] = { "kill the agent", 2, 0, 1200 },
  [CHAOS_AGENT_LEAVE] = { "let the agent leave", 1, 0, 1200 },
  [CHAOS_AGENT_STOP] = { "stop the agent", 2, 50, 1500 },
  [CHAOS_SUBMITTER_GONE] = { "let a submitter leave", 2, 0, 2500 },
};

static void
shuffle (GArray *deck, GRand *random)
{
  for (guint i = deck->len; i > 1; i--)
    {
      const guint other = (guint) g_rand_int_range (random, 0, (gint32) i);
      const ChaosFault held = g_array_index (deck, ChaosFault, i - 1);

      g_array_index (deck, ChaosFault, i - 1) = g_array_index (deck, ChaosFault, other);
      g_array_index (deck, ChaosFault, other) = held;
    }
}

static ChaosFault
draw_fault (GArray *deck, GRand *random)
{
  ChaosFault fault;

  if (deck->len == 0)
    {
      for (fault = 0; fault < CHAOS_N_FAULTS; fault++)
        for (guint i = 0; i < faults[fault].cards; i++)
          g_array_append_val (deck, fault);
      shuffle (deck, random);
    }
  fault = g_array_index (deck, ChaosFault, deck->len - 1);
  g_array_set_size (deck, deck->len - 1);
  return fault;
}

GArray *
chaos_schedule_new (guint32 seed, gint64 length_us)
{
  GRand *random = g_rand_new_with_seed (seed);
  g_autoptr (GArray) deck = g_array_new (FALSE, FALSE, sizeof (ChaosFault));
  GArray *schedule = g_array_new (FALSE, FALSE, sizeof (ChaosEvent));
  gint64 now_us = 0;

  for (;;)
    {
      ChaosEvent event = { 0 };

      now_us += g_rand_int_range (random, LEAST_PAUSE_MS, MOST_PAUSE_MS) * G_TIME_SPAN_MILLISECOND;
      if (now_us >= length_us)
        break;
      event.at_us = now_us;
      event.fault = draw_fault (deck, random);
      event.victim = g_rand_int (random);
      event.time_us = g_rand_int_range (random, faults[event.fault].least_ms, faults[event.fault].most_ms)
                      * G_TIME_SPAN_MILLISECOND;
      g_array_append_val (schedule, event);
    }
  g_rand_free (random);
  return schedule;
}

const char *
chaos_fault_name (ChaosFault fault)
{
  return faults[fault].name;
}

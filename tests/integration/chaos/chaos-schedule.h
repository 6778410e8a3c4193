/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The schedule of a chaos run: the kind, the victim and the time of each fault. The seed and the length alone determine it.
 *
 * The kinds are drawn from a set without replacement, which is filled again when it is empty. So each kind occurs in each long
 * enough part of a run.
 */

#define CHAOS_COLLECTORS 8u

typedef enum
{
  CHAOS_KILL,           /* a collector, kill -9 */
  CHAOS_KILL_CROWD,     /* half of the collectors, kill -9 */
  CHAOS_STOP,           /* a collector: SIGSTOP, and SIGCONT after the time */
  CHAOS_LEAVE,          /* a collector: SIGTERM */
  CHAOS_LEAVE_CROWD,    /* half of the collectors: SIGTERM */
  CHAOS_DRAIN,          /* a collector is drained; SIGTERM after the time */
  CHAOS_DRAIN_EXIT,     /* the same, its end is announced, and it ends by itself */
  CHAOS_DRAIN_KILL,     /* the same, and kill -9 after the time if it still runs */
  CHAOS_PAUSE,          /* an operation, for the time */
  CHAOS_STORM,          /* many connections that send HELLO and end */
  CHAOS_AGENT_KILL,     /* kill -9, and a new agent after the time */
  CHAOS_AGENT_LEAVE,    /* SIGTERM, and a new agent after the time */
  CHAOS_AGENT_STOP,     /* SIGSTOP, and SIGCONT after the time */
  CHAOS_SUBMITTER_GONE, /* a submitter closes its connection, and returns after the time */
  CHAOS_N_FAULTS
} ChaosFault;

typedef struct
{
  gint64 at_us; /* since the start of the run */
  ChaosFault fault;
  guint victim;
  gint64 time_us;
} ChaosEvent;

/* Returns a GArray of ChaosEvent in order of their times. */
GArray *chaos_schedule_new (guint32 seed, gint64 length_us);
const char *chaos_fault_name (ChaosFault fault);

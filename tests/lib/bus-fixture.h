/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control.pb-c.h"
#include "deye-bus.h"
#include "test-channel.h"
#include "test-process.h"
#include "test-watchdog.h"
#include "wire-guard.h"

/*
 * A bus with real processes: a broker process in a directory of its own, a client of the test (the "boss") and any
 * number of worker processes.
 *
 * The broker is tests/integration/test-host, which hands out connections with the agent's role, or the real
 * daemoneye-agent, where the boss has the role of a tool. The fixture owns a GMainContext, pushed as thread default, and
 * a watchdog.
 *
 * Tearing down asserts that the bus is idle: nothing queued or pending but the asking call, with all workers still
 * there and again after they went; then that every process ended well.
 */

typedef struct
{
  const char *limits;      /* lines of [limits] in the configuration; NULL: defaults */
  gboolean agent_program;  /* daemoneye-agent instead of test-host */
  gboolean fatal_warnings; /* the broker's process aborts at its first warning */
} BusFixtureOptions;

typedef struct
{
  GMainContext *context;
  char *dir;
  char *address;
  TestProcess *broker;
  DeyeBusClient *boss;  /* role agent, or tool when it is daemoneye-agent */
  GPtrArray *workers;   /* of TestProcess */
  TestChannel *channel; /* connections from test-host; NULL with daemoneye-agent */
} BusFixture;

/* @options: const BusFixtureOptions, or NULL: defaults. For g_test_add(). */
void bus_fixture_set_up (BusFixture *f, gconstpointer options);
void bus_fixture_tear_down (BusFixture *f, gconstpointer options);

/* Iterates the context until @condition holds; the watchdog ends it when it never does. */
#define bus_fixture_wait(f, condition)                                                                                 \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    test_watchdog_note ("%s:%d: %s", __FILE__, __LINE__, #condition);                                                  \
    while (!(condition))                                                                                               \
      g_main_context_iteration ((f)->context, TRUE);                                                                   \
    test_watchdog_note (NULL);                                                                                         \
  }                                                                                                                    \
  G_STMT_END

/* A collector process, connected. Give it back with bus_fixture_end_worker(), or let the fixture do it. */
TestProcess *bus_fixture_worker (BusFixture *f, const char *id, const char *type);
TestProcess *bus_fixture_worker_at (BusFixture *f, const char *address, const char *id, const char *type);
/* It says goodbye and must end with 0. */
void bus_fixture_end_worker (BusFixture *f, TestProcess *worker);
/* Kills and reaps it. */
void bus_fixture_kill_worker (BusFixture *f, TestProcess *worker);

/* test-host only: another connection with the agent's role to the bus number @bus of that process. */
DeyeBusClient *bus_fixture_agent_client (BusFixture *f, guint bus);

/* control.bus.stats as @asker sees it, with everything that it tells. */
typedef struct
{
  WireGuard *guard;
  const Daemoneye__Eventbus__V1__StatsReply *reply;
} BusStatsView;
BusStatsView bus_fixture_stats (DeyeBusClient *asker);
void bus_stats_view_clear (BusStatsView *view);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (BusStatsView, bus_stats_view_clear)
/* NULL: not there. */
const Daemoneye__Eventbus__V1__PeerStats *bus_stats_view_peer (const BusStatsView *view, const char *id);
const Daemoneye__Eventbus__V1__QueueStats *
bus_stats_view_subscription (const BusStatsView *view, const char *peer, const char *pattern);

/* Asks again and again until the bus is idle, as above. */
void bus_fixture_assert_idle (BusFixture *f);
/* Until so many peers are connected. */
void bus_fixture_wait_peers (BusFixture *f, guint n);

/* Lets the context rest for a moment between two questions to another process. */
void bus_fixture_breathe (BusFixture *f);

/* A payload of @len bytes whose first eight are @number (as far as they fit). */
GBytes *bus_fixture_payload (guint64 number, gsize len);
/* Path of a program, from the environment that meson sets. */
const char *bus_fixture_program (const char *variable);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control.pb-c.h"
#include "deye-bus.h"
#include "test-channel.h"
#include "test-process.h"
#include "test-watchdog.h"
#include "wire-guard.h"

/*
 * A bus with real processes: a broker process with a directory of its own, a client in the test (the "controller"), and any
 * number of worker processes.
 *
 * The broker process is tests/integration/test-host, and the controller then has the agent's role; or it is daemoneye-agent,
 * and the controller has the role of a tool. The fixture owns a GMainContext, which is the thread default during the test,
 * and a watchdog.
 *
 * Teardown asserts that the bus is idle, before the workers end and again afterwards: nothing is queued, and the only pending
 * request is control.bus.stats itself. Then it asserts that every process ended with success.
 */

typedef struct
{
  const char *limits;             /* lines of [limits]; NULL: defaults, except for a long hello_timeout_us */
  gboolean agent_program;         /* daemoneye-agent instead of test-host */
  gboolean fatal_warnings;        /* the broker process aborts at its first warning */
  const char *const *environment; /* NULL-ended "A=b" for daemoneye-agent; NULL: none */
} BusFixtureOptions;

typedef struct
{
  GMainContext *context;
  char *dir;
  char *address;
  TestProcess *broker;
  DeyeBusClient *controller; /* role agent, or tool when it is daemoneye-agent */
  GPtrArray *workers;        /* of TestProcess */
  TestChannel *channel;      /* connections from test-host; NULL with daemoneye-agent */
} BusFixture;

/* For g_test_add(). @options: const BusFixtureOptions, or NULL for the defaults. */
void bus_fixture_set_up (BusFixture *f, gconstpointer options);
void bus_fixture_tear_down (BusFixture *f, gconstpointer options);

/* With daemoneye-agent only: kills it, and starts another one at the same address. The controller is then a new client. */
void bus_fixture_kill_broker (BusFixture *f);
void bus_fixture_start_broker (BusFixture *f, const BusFixtureOptions *options);

/* Iterates the context until @condition is true. If it never is, the watchdog ends the test. */
#define bus_fixture_wait(f, condition)                                                                                 \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    test_watchdog_note ("%s:%d: %s", __FILE__, __LINE__, #condition);                                                  \
    while (!(condition))                                                                                               \
      g_main_context_iteration ((f)->context, TRUE);                                                                   \
    test_watchdog_note (NULL);                                                                                         \
  }                                                                                                                    \
  G_STMT_END

/* Starts a worker process with a connected collector. It ends with bus_fixture_end_worker(), or in the teardown. */
TestProcess *bus_fixture_worker (BusFixture *f, const char *id, const char *type);
TestProcess *bus_fixture_worker_at (BusFixture *f, const char *address, const char *id, const char *type);
/* Asserts that the worker closes its connection and ends with status 0. */
void bus_fixture_end_worker (BusFixture *f, TestProcess *worker);
/* Kills and reaps the worker. */
void bus_fixture_kill_worker (BusFixture *f, TestProcess *worker);

/* With test-host only: another client with the agent's role, connected to broker number @bus of that process. */
DeyeBusClient *bus_fixture_agent_client (BusFixture *f, guint bus);

/* The complete answer of control.bus.stats to @asker. */
typedef struct
{
  WireGuard *guard;
  const Daemoneye__Eventbus__V1__StatsReply *reply;
} BusStatsView;
BusStatsView bus_fixture_stats (DeyeBusClient *asker);
void bus_stats_view_clear (BusStatsView *view);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (BusStatsView, bus_stats_view_clear)
/* NULL: there is none. */
const Daemoneye__Eventbus__V1__PeerStats *bus_stats_view_peer (const BusStatsView *view, const char *id);
const Daemoneye__Eventbus__V1__QueueStats *
bus_stats_view_subscription (const BusStatsView *view, const char *peer, const char *pattern);

/* Repeats control.bus.stats until the bus is idle, as described above. */
void bus_fixture_assert_idle (BusFixture *f);
/* Repeats control.bus.stats until @n peers are connected. */
void bus_fixture_wait_peers (BusFixture *f, guint n);

/* Runs the context for a short time, between two requests that poll another process. */
void bus_fixture_run_briefly (BusFixture *f);

/* A payload of @len bytes that starts with @number in eight bytes, as far as they fit. */
GBytes *bus_fixture_payload (guint64 number, gsize len);
/* The path of a program, from an environment variable that meson sets. */
const char *bus_fixture_program (const char *variable);

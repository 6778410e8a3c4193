/* SPDX-License-Identifier: Apache-2.0 */
#include "health-fixture.h"

#include "peer/bus-state.h"
#include "work/bus-work.h"

/* The health of peers over time: three signals, the resulting states, their events, and the actions of the broker. */

#define TOPIC "events.process.lifecycle"

/* A silent peer gets one PING, and its state gets worse with each interval. It recovers one step at a time. */
static void
test_silent (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");

  health_pass_time (core, 9 * SECOND, one);
  g_assert_cmpuint (client_count (one, WIRE_KIND_PING), ==, 1);
  health_assert_list (watcher, "daemoneye-agent=healthy one=healthy");
  health_assert_news (watcher, "");
  health_pass_time (core, 1 * SECOND, one);
  health_assert_news (watcher, "one:healthy-degraded");
  health_pass_time (core, 5 * SECOND, one);
  health_assert_news (watcher, "one:degraded-unresponsive");
  health_pass_time (core, 5 * SECOND, one);
  health_assert_news (watcher, "one:unresponsive-failed");
  health_pass_time (core, 60 * SECOND, one);
  health_assert_news (watcher, "");
  health_assert_list (watcher, "daemoneye-agent=healthy one=failed");
  g_assert_cmpuint (client_count (one, WIRE_KIND_PING), ==, 1);
  health_pong (one);
  health_assert_news (watcher, "one:failed-degraded");
  health_pass_time (core, 9 * SECOND, NULL);
  health_assert_news (watcher, "");
  health_pass_time (core, 1 * SECOND, NULL);
  health_assert_news (watcher, "one:degraded-healthy");
}

/* A peer that answers is healthy, and has no record. */
static void
test_idle (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);

  member_ready (core, "one");
  health_pass_time (core, 300 * SECOND, NULL);
  health_assert_list (watcher, "daemoneye-agent=healthy one=healthy");
  health_assert_news (watcher, "");
}

/* A busy sender whose main loop hangs. */
static void
test_loop (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");
  HealthRecord *record;

  for (guint i = 0; i < 20; i++)
    {
      client_publish (one, TOPIC, 0, "x", 1);
      health_pass_time (core, SECOND, one);
    }
  record = health_take_record (watcher, "one");
  g_assert_cmpint (record->state, ==, DAEMONEYE__EVENTBUS__V1__PEER_HEALTH__PEER_HEALTH_FAILED);
  g_assert_cmpuint (record->signals->loop_missed, ==, 3);
  g_assert_cmpuint (record->signals->connection_missed, ==, 0);
  g_assert_cmpuint (record->signals->heard_us, ==, SECOND);
  g_assert_cmpuint (record->signals->answered_us, ==, 20 * SECOND);
  g_assert_cmpuint (record->signals->interval_us, ==, 5 * SECOND);
  g_assert_nonnull (strstr (record->cause, "main loop"));
  member_done (record);
}

/* A peer sends heartbeats in time, but reads nothing. */
static void
test_queue (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");
  HealthRecord *record;

  client_subscribe_with (one, .subscription = 1, .pattern = "control.shutdown.#");
  one->is_stopped = TRUE;
  client_publish (watcher, "control.shutdown", 0, "x", 1);
  for (guint i = 0; i < 12; i++)
    {
      health_pass_time (core, 2 * SECOND, one);
      health_beat (one, BUS_UNIT_HEALTHY, "");
    }
  record = health_take_record (watcher, "one");
  g_assert_cmpint (record->state, ==, DAEMONEYE__EVENTBUS__V1__PEER_HEALTH__PEER_HEALTH_FAILED);
  g_assert_cmpuint (record->signals->queue_missed, ==, 3);
  g_assert_cmpuint (record->signals->loop_missed, ==, 0);
  g_assert_cmpuint (record->signals->queued_bytes, >, 0);
  g_assert_nonnull (strstr (record->cause, "reads nothing"));
  member_done (record);
  one->is_stopped = FALSE;
  core_flush (core);
  health_assert_news (watcher, "one:failed-degraded");
}

/* A queue that is never empty, but is read, causes no miss. */
static void
test_queue_moves (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");
  WireSpan spans[16];

  client_subscribe_with (one, .subscription = 1, .pattern = "control.shutdown.#");
  one->is_stopped = TRUE;
  for (guint i = 0; i < 20; i++)
    {
      client_publish (watcher, "control.shutdown", 0, "12345678", 8);
      health_pass_time (core, 2 * SECOND, one);
      health_beat (one, BUS_UNIT_HEALTHY, "");
      bus_core_gather (core->core, one->peer, spans, G_N_ELEMENTS (spans));
      bus_core_sent (core->core, one->peer, 1, core->now_us);
      g_assert_cmpuint (bus_outq_bytes (&one->peer->flow.outq), >, 0);
    }
  health_assert_news (watcher, "");
}

/* An unresponsive member is suspect until it answers PING; other frames do not change that. */
static void
test_member (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");

  health_pass_time (core, 10 * SECOND, one);
  health_assert_list (watcher, "daemoneye-agent=healthy one=degraded");
  member_assert_list (watcher, "one=ready"); /* it gets offers */
  health_pass_time (core, 5 * SECOND, one);
  member_assert_list (watcher, "one=suspect");
  client_publish (one, TOPIC, 0, "x", 1);
  member_assert_list (watcher, "one=suspect");
  health_pong (one);
  member_assert_list (watcher, "one=ready");
  health_assert_list (watcher, "daemoneye-agent=healthy one=degraded");
}

/* A new registration does not make an unresponsive peer a member that gets tasks. */
static void
test_registers_again (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");

  health_pass_time (core, 15 * SECOND, one);
  member_enrol (one, "scan");
  member_assert_list (watcher, "one=suspect");
  health_pong (one);
  member_assert_list (watcher, "one=ready");
}

/* A miss during the recovery, even at its very end, restarts the recovery. */
static void
test_flapping (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");

  health_pass_time (core, 10 * SECOND, one);
  health_assert_news (watcher, "one:healthy-degraded");
  for (guint i = 0; i < 3; i++)
    {
      health_pong (one);
      health_pass_time (core, 10 * SECOND, one);
      health_assert_list (watcher, "daemoneye-agent=healthy one=degraded");
    }
  health_pong (one);
  g_assert_cmpuint (one->peer->health->transitions, ==, 1);
  health_pass_time (core, 9 * SECOND, NULL);
  health_assert_list (watcher, "daemoneye-agent=healthy one=degraded");
  health_pass_time (core, SECOND, NULL);
  health_assert_list (watcher, "daemoneye-agent=healthy one=healthy");
}

/* The broker itself was suspended, for longer than a peer needs to fail. */
static void
test_frozen_broker (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");

  health_pass_time (core, 60 * SECOND, NULL);
  core_advance (core, 5 * SECOND); /* it gets PING and answers, but the broker has not read the answer yet */
  core_advance (core, 60 * SECOND);
  health_pong (one);
  health_pong (watcher);
  health_assert_news (watcher, "");
  health_assert_list (watcher, "daemoneye-agent=healthy one=healthy");
}

/* Tools are not monitored. */
static void
test_tool (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *tool = tool_ready (core, "watch");

  health_pass_time (core, 60 * SECOND, tool);
  g_assert_cmpuint (client_count (tool, WIRE_KIND_PING), ==, 0);
  health_assert_list (watcher, "daemoneye-agent=healthy");
  health_pong (tool);
  client_disconnect (tool);
  health_assert_news (watcher, "");
}

/* Without the setting a failed connection stays open; with it, the peer is disconnected, which does not count as a death. */
static void
test_failed_action (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");
  HealthRecord *record;
  BusPast *past;

  health_pass_time (core, 30 * SECOND, one);
  g_assert_false (one->closed);
  client_disconnect (one);
  core->core->closes_failed = TRUE;
  one = member_ready (core, "one");
  one->peer->member->n_running = 1;
  past = member_of (core, "one")->past;
  health_pass_time (core, 19 * SECOND, one);
  g_assert_false (one->closed);
  health_take_record (watcher, "none");
  health_pass_time (core, SECOND, one);
  g_assert_cmpuint (one->goodbye, ==, WIRE_STATUS_UNRESPONSIVE);
  g_assert_cmpuint (past->deaths, ==, 0);
  record = health_take_record (watcher, "one");
  g_assert_cmpint (record->state, ==, DAEMONEYE__EVENTBUS__V1__PEER_HEALTH__PEER_HEALTH_GONE);
  g_assert_nonnull (strstr (record->cause, "PING"));
  member_done (record);
  health_assert_list (watcher, "daemoneye-agent=healthy");
  one = member_ready (core, "one");
  one->peer->member->n_running = 1;
  client_disconnect (one);
  g_assert_cmpuint (past->deaths, ==, 1);
}

/* The record is retained as long as the connection, and replaced by each change. */
static void
test_retained (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");
  Client *late;

  health_pass_time (core, 15 * SECOND, one);
  health_assert_news (watcher, "one:healthy-degraded one:degraded-unresponsive");
  late = tool_ready (core, "late");
  late->peer->features |= WIRE_FEATURE_RETAIN;
  client_subscribe (late, 1, "system.health.one", NULL);
  health_assert_news (late, "one:degraded-unresponsive .");
  client_disconnect (one);
  health_assert_news (watcher, "one:unresponsive-gone");
  health_assert_news (late, "one:unresponsive-gone");
  client_subscribe (late, 2, "system.health.+", NULL);
  health_assert_news (late, "");
  health_assert_list (watcher, "daemoneye-agent=healthy");
}

/* A new connection of the same id begins as healthy. */
static void
test_connects_again (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");

  health_pass_time (core, 10 * SECOND, one);
  client_disconnect (one);
  member_ready (core, "one");
  health_assert_news (watcher, "one:healthy-degraded one:degraded-gone");
  health_assert_list (watcher, "daemoneye-agent=healthy one=healthy");
}

/* If there is no room for the record, the older record is not retained either; there is room for the record of the next
 * change. */
static void
test_no_room (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");

  core->core->limits.retained_messages = 1; /* the record of the registration */
  health_pass_time (core, 10 * SECOND, one);
  health_assert_news (watcher, "one:healthy-degraded");
  g_assert_cmpuint (core->core->work->health_lost, ==, 1);
  core->core->limits.retained_messages = 1024;
  health_pass_time (core, 5 * SECOND, one);
  health_assert_news (watcher, "one:degraded-unresponsive");
  client_subscribe (watcher, 8, "system.health.one", NULL);
  health_assert_news (watcher, "one:degraded-unresponsive .");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/core/health/" path, Core, NULL, core_setup, function, core_teardown)
  ADD ("M13-silent", test_silent);
  ADD ("M13-idle", test_idle);
  ADD ("M13-loop", test_loop);
  ADD ("M13-queue", test_queue);
  ADD ("M13-queue-moves", test_queue_moves);
  ADD ("M13-member", test_member);
  ADD ("M13-registers-again", test_registers_again);
  ADD ("M13-flapping", test_flapping);
  ADD ("M13-D02-frozen-broker", test_frozen_broker);
  ADD ("M13-tool", test_tool);
  ADD ("M13-failed-action", test_failed_action);
  ADD ("M13-retained", test_retained);
  ADD ("M13-connects-again", test_connects_again);
  ADD ("M13-no-room", test_no_room);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "health-fixture.h"

#include "peer/bus-state.h"
#include "work/bus-health-watch.h"

/* Reports of peers about themselves: units and heartbeats, their bounds, and the rights to report. */

#define STATUS "control.health.status.one"

static void
assert_units (Client *watcher, const char *expected)
{
  HealthListRequest request = DAEMONEYE__EVENTBUS__V1__HEALTH_LIST_REQUEST__INIT;
  g_autoptr (GString) text = g_string_new (NULL);
  HealthListReply *reply;
  char id[] = "one";

  request.id = id;
  reply = health_call_list (watcher, &request);
  g_assert_cmpuint (reply->n_peers, ==, 1);
  for (gsize i = 0; i < reply->peers[0]->n_units; i++)
    {
      const UnitHealth *unit = reply->peers[0]->units[i];

      g_string_append_printf (text, "%s%s:%u:%s", i > 0 ? ", " : "", unit->name, unit->health, unit->reason);
    }
  g_assert_cmpstr (text->str, ==, expected);
  member_done (reply);
}

/* A bad unit degrades its peer at once; a new reason is published as well; an interval without bad reports makes it healthy. */
static void
test_units (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");

  health_report (one, "disk:2:it is nearly full");
  health_assert_news (watcher, "one:healthy-degraded");
  assert_units (watcher, "disk:2:it is nearly full");
  health_pass_time (core, 60 * SECOND, NULL);
  health_assert_news (watcher, "");
  health_report (one, "disk:3:it is full, cache:1:, net:2:");
  health_assert_news (watcher, "one:healthy-degraded");
  assert_units (watcher, "disk:3:it is full, net:2:");
  health_report (one, "disk:3:it is full, net:2:");
  health_assert_news (watcher, "");
  member_assert_list (watcher, "one=ready"); /* it still gets tasks */
  health_report (one, "");
  health_assert_list (watcher, "daemoneye-agent=healthy one=degraded");
  health_pass_time (core, 5 * SECOND, NULL);
  health_assert_news (watcher, "one:healthy-degraded one:degraded-healthy");
  assert_units (watcher, "");
}

/* A bad report during that interval begins it again. */
static void
test_units_again (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");

  for (guint i = 0; i < 5; i++)
    {
      health_report (one, "disk:2:");
      health_pass_time (core, 2 * SECOND, NULL);
      health_report (one, "");
      health_pass_time (core, 4 * SECOND, NULL);
    }
  g_assert_cmpuint (one->peer->health->transitions, ==, 1);
  health_pass_time (core, 9 * SECOND, one);
  g_assert_cmpuint (one->peer->health->transitions, ==, 2);
  health_assert_list (watcher, "daemoneye-agent=healthy one=healthy");
}

/* The heartbeat of the client determines its health until it sends reports. */
static void
test_heartbeats (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");

  health_beat (one, BUS_UNIT_HEALTHY, "all is well");
  health_assert_news (watcher, "");
  health_beat (one, BUS_UNIT_UNHEALTHY, "it is full");
  health_assert_news (watcher, "one:healthy-degraded");
  assert_units (watcher, ":3:it is full");
  health_report (one, "disk:2:");
  assert_units (watcher, "disk:2:");
  health_beat (one, BUS_UNIT_UNHEALTHY, "it is full");
  assert_units (watcher, "disk:2:");
  for (guint i = 0; i < 30; i++)
    {
      core_advance (core, 2 * SECOND);
      health_beat (one, BUS_UNIT_HEALTHY, "");
      health_pong (watcher);
    }
  g_assert_cmpuint (client_count (one, WIRE_KIND_PING), ==, 0); /* heartbeats are answers */
}

/* Units beyond the number that the broker keeps are counted; the kept ones are charged to the peer. */
static void
test_bounds (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");
  g_autoptr (GString) units = g_string_new (NULL);
  g_autofree char *reason = g_strnfill (BUS_HEALTH_REASON_MAX + 100, 'r');
  const guint64 before = one->peer->ledger.usage.charged;
  HealthRecord *record;

  for (guint i = 0; i < BUS_HEALTH_UNITS_MAX + 6; i++)
    g_string_append_printf (units, "%su%u:2:%s", i > 0 ? ", " : "", i, reason);
  health_report (one, units->str);
  g_assert_cmpuint (one->peer->ledger.usage.charged, >, before + BUS_HEALTH_UNITS_MAX * BUS_HEALTH_REASON_MAX);
  record = health_take_record (watcher, "one");
  g_assert_cmpuint (record->n_units, ==, BUS_HEALTH_UNITS_MAX);
  g_assert_cmpuint (record->units_dropped, ==, 6);
  g_assert_cmpuint (strlen (record->units[0]->reason), ==, BUS_HEALTH_REASON_MAX);
  member_done (record);
  health_report (one, "");
  g_assert_cmpuint (one->peer->ledger.usage.charged, ==, before);
  health_report (one, units->str); /* refunded at the end of its connection, as core_teardown() asserts */
}

/* If reasons change continuously, at most ten per second are published, and the last one always. */
static void
test_rate (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");
  guint n = 0;
  Got *got;

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *units = g_strdup_printf ("disk:2:%u", i);

      health_report (one, units);
      core_advance (core, SECOND / 1000);
    }
  core_advance (core, BUS_HEALTH_NEWS_US);
  core_flush (core);
  for (; (got = client_take (watcher, WIRE_KIND_DELIVER)) != NULL; got_free (got))
    n++;
  g_assert_cmpuint (n, >=, 10);
  g_assert_cmpuint (n, <=, 12);
  client_subscribe (watcher, 8, "system.health.one", NULL);
  assert_units (watcher, "disk:2:999");
  g_assert_false (one->peer->health->has_news);
}

/* A report about another peer is refused, and a malformed one is ignored. */
static void
test_reports_about_others_are_refused (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");
  Client *two = member_ready (core, "two");
  Daemoneye__Eventbus__V1__HealthReport report = DAEMONEYE__EVENTBUS__V1__HEALTH_REPORT__INIT;
  UnitHealth unit = DAEMONEYE__EVENTBUS__V1__UNIT_HEALTH__INIT, *list[] = { &unit };
  guint8 payload[64];
  guint64 id;

  report.units = list;
  report.n_units = 1;
  unit.health = DAEMONEYE__EVENTBUS__V1__HEALTH__HEALTH_UNHEALTHY;
  id = client_publish (two, STATUS, WIRE_FLAG_WANT_ACK, payload, MSG (health_report__pack) (&report, payload));
  client_expect_error (two, id, WIRE_STATUS_DENIED);
  client_publish (two, "control.health.status", 0, payload, MSG (health_report__pack) (&report, payload));
  client_publish (one, STATUS, 0, "\377\377", 2);
  client_publish (one, STATUS, 0, "not protobuf", 12);
  health_assert_news (watcher, "");
  health_assert_list (watcher, "daemoneye-agent=healthy one=healthy two=healthy");
  client_publish (one, STATUS, 0, payload, MSG (health_report__pack) (&report, payload));
  health_assert_news (watcher, "one:healthy-degraded");
}

/* The report is an ordinary message for its subscribers. */
static void
test_passes (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);
  Client *one = member_ready (core, "one");

  client_subscribe (watcher, 7, STATUS, NULL);
  health_report (one, "disk:2:");
  core_flush (core);
  g_assert_cmpuint (client_count (watcher, WIRE_KIND_DELIVER), ==, 1);
  health_assert_list (watcher, "daemoneye-agent=healthy one=degraded");
}

/* Misses and a bad report: the misses determine the state, and the longer recovery applies. */
static void
test_miss_and_complaint (Core *core, gconstpointer data)
{
  Client *watcher = health_watcher (core);
  Client *one = member_ready (core, "one");

  health_report (one, "disk:2:");
  health_pass_time (core, 15 * SECOND, one);
  health_assert_list (watcher, "daemoneye-agent=healthy one=unresponsive");
  health_report (one, "");
  health_assert_list (watcher, "daemoneye-agent=healthy one=unresponsive");
  health_report (one, "disk:2:");
  health_pong (one);
  health_assert_list (watcher, "daemoneye-agent=healthy one=degraded");
  health_pass_time (core, 20 * SECOND, NULL);
  health_assert_list (watcher, "daemoneye-agent=healthy one=degraded");
  health_report (one, "");
  health_pass_time (core, 9 * SECOND, NULL);
  health_assert_list (watcher, "daemoneye-agent=healthy one=degraded");
  health_pass_time (core, SECOND, NULL);
  health_assert_list (watcher, "daemoneye-agent=healthy one=healthy");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/core/health-reports/" path, Core, NULL, core_setup, function, core_teardown)
  ADD ("M13-units", test_units);
  ADD ("M13-units-again", test_units_again);
  ADD ("M13-heartbeats", test_heartbeats);
  ADD ("M13-bounds", test_bounds);
  ADD ("M13-rate", test_rate);
  ADD ("M13-reports-about-others-are-refused", test_reports_about_others_are_refused);
  ADD ("M13-passes", test_passes);
  ADD ("M13-miss-and-complaint", test_miss_and_complaint);
  return g_test_run ();
}

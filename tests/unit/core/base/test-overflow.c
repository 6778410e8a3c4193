/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-overflow.h"

/* The tables of policies, reasons of loss and topic domains. */

static void
test_policy_of_pattern (void)
{
  static const struct
  {
    const char *pattern;
    BusOverflow policy;
  } rows[] = {
    { "tasks", BUS_OVERFLOW_BLOCK },
    { "tasks.run.#", BUS_OVERFLOW_BLOCK },
    { "tasksx.run", BUS_OVERFLOW_DROP_OLDEST },
    { "task", BUS_OVERFLOW_DROP_OLDEST },
    { "results.process.one", BUS_OVERFLOW_BLOCK },
    { "health.#", BUS_OVERFLOW_CONFLATE },
    { "control.health.status", BUS_OVERFLOW_CONFLATE },
    { "control.health", BUS_OVERFLOW_CONFLATE },
    { "control.healthy", BUS_OVERFLOW_DROP_NEWEST },
    { "control", BUS_OVERFLOW_DROP_NEWEST },
    { "control.collector.one", BUS_OVERFLOW_DROP_NEWEST },
    { "controls.x", BUS_OVERFLOW_DROP_OLDEST },
    { "events.process.#", BUS_OVERFLOW_DROP_OLDEST },
    { "system.drop", BUS_OVERFLOW_DROP_OLDEST },
    { "#", BUS_OVERFLOW_DROP_OLDEST },
    { "+.tasks", BUS_OVERFLOW_DROP_OLDEST },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpstr (bus_overflow_name (bus_overflow_of_pattern (wire_span_str (rows[i].pattern))), ==,
                     bus_overflow_name (rows[i].policy));
}

/* The numbers of the enum are those of the wire, and each name has its number as index. */
static void
test_names (void)
{
  static const char *const names[] = { "default", "block", "drop-oldest", "drop-newest", "error", "conflate" };

  g_assert_cmpuint (G_N_ELEMENTS (names), ==, BUS_OVERFLOW_LAST + 1);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_cmpstr (bus_overflow_name ((BusOverflow) i), ==, names[i]);
  g_assert_cmpstr (bus_overflow_name ((BusOverflow) (BUS_OVERFLOW_LAST + 1)), ==, "conflate");
}

static void
test_loss_status (void)
{
  static const WireStatus statuses[] = {
    [BUS_LOSS_FULL] = WIRE_STATUS_SLOW_CONSUMER, [BUS_LOSS_REFUSED] = WIRE_STATUS_WOULD_BLOCK,
    [BUS_LOSS_EXPIRED] = WIRE_STATUS_EXPIRED,    [BUS_LOSS_NO_MEMORY] = WIRE_STATUS_NO_MEMORY,
    [BUS_LOSS_LIMIT] = WIRE_STATUS_LIMIT,        [BUS_LOSS_ENDED] = WIRE_STATUS_NOT_SUBSCRIBED,
    [BUS_LOSS_UNSENT] = WIRE_STATUS_UNKNOWN,
  };

  g_assert_cmpuint (G_N_ELEMENTS (statuses), ==, BUS_N_LOSSES);
  for (guint i = 0; i < BUS_N_LOSSES; i++)
    g_assert_cmpint (bus_loss_status ((BusLoss) i), ==, statuses[i]);
}

static void
test_domains (void)
{
  static const struct
  {
    const char *topic;
    const char *domain;
  } rows[] = {
    { "events.process.new", "events" }, { "events", "events" },
    { "eventsx.new", "other" },         { "control.bus.ping", "control" },
    { "tasks.run", "tasks" },           { "results.one", "results" },
    { "health.one", "health" },         { "system.drop", "system" },
    { "elsewhere.x", "other" },         { "event", "other" },
    { "x.events.new", "other" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpstr (bus_domain_name (bus_domain_of_topic (wire_span_str (rows[i].topic))), ==, rows[i].domain);
  g_assert_cmpuint (bus_domain_of_topic (wire_span_str ("system.slow")), ==, BUS_DOMAIN_SYSTEM);
  g_assert_cmpstr (bus_domain_name (BUS_N_DOMAINS - 1), ==, "other");
  g_assert_cmpstr (bus_domain_name (BUS_N_DOMAINS + 5), ==, "other");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/overflow/policy-of-pattern", test_policy_of_pattern);
  g_test_add_func ("/core/overflow/names", test_names);
  g_test_add_func ("/core/overflow/loss-status", test_loss_status);
  g_test_add_func ("/core/overflow/domains", test_domains);
  return g_test_run ();
}

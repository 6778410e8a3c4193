/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-health.h"

#include "collector-fixture.h"

/* The health of a unit is that of its worst reason. */

typedef CollectorFixture Fixture;

static void
assert_health (Fixture *f, DeyeBusHealth expected, const char *detail)
{
  g_autofree char *got = NULL;

  g_assert_cmpuint (deye_bus_client_dup_health (f->base.client, &got), ==, expected);
  g_assert_cmpstr (got, ==, detail);
}

static void
test_reasons (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) reasons = g_string_new (NULL);
  g_autoptr (GString) none = g_string_new (NULL);

  collector_health_add (reasons, "%u files can't be read", 3u);
  collector_health_report (f->collector, "reading", reasons);
  assert_health (f, DEYE_BUS_HEALTH_DEGRADED, "reading: 3 files can't be read");
  collector_health_add (reasons, "it is late");
  collector_health_report (f->collector, "reading", reasons);
  assert_health (f, DEYE_BUS_HEALTH_DEGRADED, "reading: 3 files can't be read; it is late");
  collector_health_report (f->collector, "reading", none);
  assert_health (f, DEYE_BUS_HEALTH_HEALTHY, "");
  collector_health_report (NULL, "reading", reasons);
  assert_health (f, DEYE_BUS_HEALTH_HEALTHY, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/collector/health/reasons", Fixture, NULL, collector_fixture_set_up, test_reasons,
              collector_fixture_tear_down);
  return g_test_run ();
}

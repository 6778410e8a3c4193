/* SPDX-License-Identifier: Apache-2.0 */
#include "service-fixture.h"

#include "bus-core.h"

/*
 * Random values of each start of the service: the seed of the hash tables, which peers must not know, and the epoch, by which
 * clients detect a new broker. The test intercepts the creation of the core (linked with --wrap).
 */

#define STARTS 8u

typedef ServiceFixture Fixture;

static GArray *seeds; /* guint64, of the cores that were made */
static GArray *epochs;

BusCore *__real_bus_core_new (const BusCoreOptions *options, gint64 now_us);
BusCore *__wrap_bus_core_new (const BusCoreOptions *options, gint64 now_us);

BusCore *
__wrap_bus_core_new (const BusCoreOptions *options, gint64 now_us)
{
  g_array_append_val (seeds, options->seed);
  g_array_append_val (epochs, options->epoch);
  return __real_bus_core_new (options, now_us);
}

static void
assert_random (const GArray *numbers)
{
  guint64 ones = 0, zeros = 0;

  g_assert_cmpuint (numbers->len, ==, STARTS);
  for (guint i = 0; i < numbers->len; i++)
    {
      ones |= g_array_index (numbers, guint64, i);
      zeros |= ~g_array_index (numbers, guint64, i);
      for (guint j = 0; j < i; j++)
        g_assert_cmpuint (g_array_index (numbers, guint64, i), !=, g_array_index (numbers, guint64, j));
    }
  /* Both halves of the value differ between starts. */
  g_assert_cmpuint (ones & zeros & G_MAXUINT32, !=, 0);
  g_assert_cmpuint ((ones & zeros) >> 32, !=, 0);
}

static void
test_drawn (Fixture *f, gconstpointer data)
{
  seeds = g_array_new (FALSE, FALSE, sizeof (guint64));
  epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  for (guint i = 0; i < STARTS; i++)
    {
      g_autoptr (GError) error = NULL;

      f->service = service_fixture_start_at (f->address, &error);
      g_assert_no_error (error);
      g_assert_true (service_stop (g_steal_pointer (&f->service), G_TIME_SPAN_MINUTE, NULL));
    }
  assert_random (seeds);
  assert_random (epochs);
  for (guint i = 0; i < STARTS; i++)
    g_assert_cmpuint (g_array_index (seeds, guint64, i), !=, g_array_index (epochs, guint64, i));
  g_array_unref (seeds);
  g_array_unref (epochs);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/service/T09-seed-and-epoch-are-drawn", Fixture, "not started", service_fixture_set_up, test_drawn,
              service_fixture_tear_down);
  return g_test_run ();
}

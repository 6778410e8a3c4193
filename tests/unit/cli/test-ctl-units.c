/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-units.h"

/* Sizes and times with units for humans. */

static void
test_units (void)
{
  static const struct
  {
    guint64 bytes;
    const char *want;
  } sizes[] = { { 0, "0" },          { 1023, "1023" },    { 1024, "1.0K" },      { 10240, "10K" },
                { 3565158, "3.4M" }, { 67108864, "64M" }, { G_MAXUINT64, "16E" } };
  static const struct
  {
    guint64 us;
    const char *want;
  } times[] = { { 0, "0.0 s" },
                { 800000, "0.8 s" },
                { 60 * (guint64) G_TIME_SPAN_SECOND, "1 min 0 s" },
                { 3725 * (guint64) G_TIME_SPAN_SECOND, "1 h 2 min" },
                { 90000 * (guint64) G_TIME_SPAN_SECOND, "1 d 1 h" } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *got = ctl_bytes (sizes[i].bytes);

      g_assert_cmpstr (got, ==, sizes[i].want);
    }
  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    {
      g_autofree char *got = ctl_duration (times[i].us);

      g_assert_cmpstr (got, ==, times[i].want);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cli/units", test_units);
  return g_test_run ();
}

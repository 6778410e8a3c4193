/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-units.h"

#include <glib/gi18n.h>

char *
ctl_bytes (guint64 bytes)
{
  static const char units[] = "KMGTPE";
  gdouble value = (gdouble) bytes;
  guint unit = 0;

  if (bytes < 1024)
    return g_strdup_printf ("%u", (guint) bytes);
  for (value /= 1024; value >= 1024 && units[unit + 1] != '\0'; unit++)
    value /= 1024;
  return g_strdup_printf (value < 10 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

char *
ctl_duration (guint64 us)
{
  guint64 s = us / G_TIME_SPAN_SECOND;

  if (s < 60)
    return g_strdup_printf (_ ("%.1f s"), (gdouble) us / (gdouble) G_TIME_SPAN_SECOND);
  if (s < 3600)
    return g_strdup_printf (_ ("%d min %d s"), (int) (s / 60), (int) (s % 60));
  if (s < 86400)
    return g_strdup_printf (_ ("%d h %d min"), (int) (s / 3600), (int) (s / 60 % 60));
  return g_strdup_printf (_ ("%d d %d h"), (int) MIN (s / 86400, G_MAXINT), (int) (s / 3600 % 24));
}

char *
ctl_moment (guint64 wall_us, gboolean with_fraction)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc ((gint64) (wall_us / G_TIME_SPAN_SECOND));
  g_autoptr (GDateTime) local = utc != NULL ? g_date_time_to_local (utc) : NULL;
  g_autofree char *text = local != NULL ? g_date_time_format (local, "%F %T") : NULL;

  if (text == NULL)
    return g_strdup ("?");
  return with_fraction ? g_strdup_printf ("%s.%06d", text, (int) (wall_us % G_TIME_SPAN_SECOND))
                       : g_steal_pointer (&text);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-health.h"

#include "procmond-service.h"

static void health_append (GString *text, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
health_append (GString *text, const char *format, ...)
{
  va_list args;

  if (text->len > 0)
    g_string_append (text, "; ");
  va_start (args, format);
  g_string_append_vprintf (text, format, args);
  va_end (args);
}

static void
health_report_unit (const ProcmondHealth *health, const char *unit, const GString *text)
{
  gboolean is_healthy = text->len == 0;

  deye_bus_collector_set_unit_health (health->collector, unit,
                                      is_healthy ? DEYE_BUS_HEALTH_HEALTHY : DEYE_BUS_HEALTH_DEGRADED,
                                      is_healthy ? NULL : text->str);
}

void
procmond_health_update (const ProcmondHealth *health)
{
  g_autoptr (GString) reading = g_string_new (NULL);
  g_autoptr (GString) publishing = g_string_new (NULL);

  if (health->collector == NULL)
    return;
  if (health->unlisted)
    health_append (reading, "the processes can't be listed");
  if (health->unreadable > 0)
    health_append (reading, "%u processes can't be read (rights, hidepid, or a mount over /proc)", health->unreadable);
  if (health->partial)
    health_append (reading, "the system hides processes of other users (hidepid)");
  if (health->waiting > 0)
    health_append (publishing,
                   "a subscriber of %s with the policy block stands still: %u events wait, %" G_GUINT64_FORMAT
                   " were not published so far",
                   PROCMOND_LIFECYCLE_TOPIC, health->waiting, health->lost);
  health_report_unit (health, "reading", reading);
  health_report_unit (health, "publishing", publishing);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-health.h"

void
collector_health_add (GString *reasons, const char *format, ...)
{
  va_list args;

  if (reasons->len > 0)
    g_string_append (reasons, "; ");
  va_start (args, format);
  g_string_append_vprintf (reasons, format, args);
  va_end (args);
}

void
collector_health_report (DeyeBusCollector *collector, const char *unit, const GString *reasons)
{
  gboolean is_healthy = reasons->len == 0;

  if (collector != NULL)
    deye_bus_collector_set_unit_health (collector, unit,
                                        is_healthy ? DEYE_BUS_HEALTH_HEALTHY : DEYE_BUS_HEALTH_DEGRADED,
                                        is_healthy ? NULL : reasons->str);
}

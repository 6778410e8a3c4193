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

void
procmond_health_update (const ProcmondHealth *health)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (health->client == NULL)
    return;
  if (health->unlisted)
    health_append (text, "the processes can't be listed");
  if (health->unreadable > 0)
    health_append (text, "%u processes can't be read (rights, hidepid, or a mount over /proc)", health->unreadable);
  if (health->partial)
    health_append (text, "the system hides processes of other users (hidepid)");
  if (health->waiting > 0)
    health_append (text,
                   "a subscriber of %s with the policy block stands still: %u events wait, %" G_GUINT64_FORMAT
                   " were not published so far",
                   PROCMOND_LIFECYCLE_TOPIC, health->waiting, health->lost);
  deye_bus_client_set_health (health->client, text->len > 0 ? DEYE_BUS_HEALTH_DEGRADED : DEYE_BUS_HEALTH_HEALTHY,
                              text->len > 0 ? text->str : NULL);
}

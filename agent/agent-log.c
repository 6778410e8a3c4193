/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-log.h"

#define MAX_FIELDS 12u

void
agent_log (AgentLogLevel level, const AgentLogField *fields, const char *format, ...)
{
  const char priority[] = { (char) ('0' + level), '\0' };
  g_autofree char *message = NULL;
  GLogField all[MAX_FIELDS] = { { "PRIORITY", priority, -1 }, { "GLIB_DOMAIN", G_LOG_DOMAIN, -1 } };
  gsize n = 2;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  all[n++] = (GLogField){ "MESSAGE", message, -1 };
  for (; fields->key != NULL; fields++)
    {
      g_assert (n < MAX_FIELDS);
      all[n++] = (GLogField){ fields->key, fields->value, -1 };
    }
  g_log_structured_array (G_LOG_LEVEL_MESSAGE, all, n);
}

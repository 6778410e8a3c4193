/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-timer.h"

GSource *
collector_timer_new (guint ms, GSourceFunc function, gpointer data)
{
  GSource *timer = g_timeout_source_new (ms);

  g_source_set_callback (timer, function, data, NULL);
  g_source_attach (timer, g_main_context_get_thread_default ());
  return timer;
}

void
collector_timer_clear (GSource **timer)
{
  if (*timer == NULL)
    return;
  g_source_destroy (*timer);
  g_source_unref (*timer);
  *timer = NULL;
}

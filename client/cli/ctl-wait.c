/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-wait.h"

static gboolean
wait_on_time_over (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

void
ctl_wait_init (CtlWait *wait, gint64 time_us)
{
  gint64 time_ms = (time_us + G_TIME_SPAN_MILLISECOND - 1) / G_TIME_SPAN_MILLISECOND;

  *wait = (CtlWait){ .cancellable = g_cancellable_new (), .timer = g_timeout_source_new ((guint) time_ms) };
  g_source_set_static_name (wait->timer, "ctl-wait");
  g_source_set_callback (wait->timer, wait_on_time_over, wait->cancellable, NULL);
  g_source_attach (wait->timer, NULL);
}

void
ctl_wait_clear (CtlWait *wait)
{
  if (wait->timer != NULL)
    g_source_destroy (wait->timer);
  g_clear_pointer (&wait->timer, g_source_unref);
  g_clear_object (&wait->result);
  g_clear_object (&wait->cancellable);
}

void
ctl_wait_on_ready (GObject *source, GAsyncResult *result, gpointer wait)
{
  ((CtlWait *) wait)->result = g_object_ref (result);
}

GAsyncResult *
ctl_wait_result (CtlWait *wait)
{
  while (wait->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return wait->result;
}

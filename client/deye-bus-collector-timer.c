/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-collector-private.h"

/* The collector's timer, a source for everything that is due at some time. Each dispatch computes the next time from the state,
 * so no function has to cancel a time that it has set: a dispatch that comes too early does no harm. */

static gboolean
timer_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  /* The collector destroys the source in its dispose, so it is alive here. */
  g_autoptr (DeyeBusCollector) self = g_object_ref (data);
  GMainContext *context = self->client->context;
  gint64 now_us = g_get_monotonic_time ();

  if (deye_bus_client_is_forked (self->client))
    return G_SOURCE_REMOVE;
  g_source_set_ready_time (source, -1);
  g_main_context_push_thread_default (context);
  deye_bus_collector_settle (self);
  deye_bus_collector_arm (self, deye_bus_collector_send_reports (self, now_us));
  deye_bus_collector_arm (self, deye_bus_collector_step_kept (self, now_us));
  deye_bus_collector_arm (self, deye_bus_collector_step_drain (self, now_us));
  g_main_context_pop_thread_default (context);
  return G_SOURCE_CONTINUE;
}

/* GLib passes user data only to a source with a callback. The source has a dispatch function that does not call it. */
static gboolean
timer_no_callback (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs timer_funcs = { NULL, NULL, timer_dispatch, NULL, NULL, NULL };

void
deye_bus_collector_start_timer (DeyeBusCollector *self)
{
  self->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_static_name (self->timer, "DeyeBusCollector");
  g_source_set_can_recurse (self->timer, TRUE); /* a handler of a signal may stop the collector and wait */
  g_source_set_callback (self->timer, timer_no_callback, self, NULL);
  g_source_attach (self->timer, self->client->context);
}

void
deye_bus_collector_stop_timer (DeyeBusCollector *self)
{
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

void
deye_bus_collector_arm (DeyeBusCollector *self, gint64 due_us)
{
  gint64 before_us = self->timer != NULL ? g_source_get_ready_time (self->timer) : 0;

  if (self->timer != NULL && due_us != G_MAXINT64 && (before_us < 0 || due_us < before_us))
    g_source_set_ready_time (self->timer, due_us);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-stop.h"

#include <glib-unix.h>
#include <signal.h>

static gboolean
platform_stop_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback != NULL ? callback (data) : G_SOURCE_CONTINUE;
}

static GSourceFuncs platform_stop_funcs = { .dispatch = platform_stop_dispatch };

/* The callback of the child source. It does nothing: a ready child source makes its parent ready. */
static gboolean
platform_stop_keep_child (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static void
platform_stop_add_signal (GSource *source, int number)
{
  g_autoptr (GSource) child = g_unix_signal_source_new (number);

  g_source_set_callback (child, platform_stop_keep_child, NULL, NULL);
  g_source_add_child_source (source, child);
}

GSource *
platform_stop_source_new (void)
{
  GSource *source = g_source_new (&platform_stop_funcs, sizeof (GSource));

  g_source_set_static_name (source, "platform-stop");
  platform_stop_add_signal (source, SIGINT);
  platform_stop_add_signal (source, SIGTERM);
  return source;
}

static void
platform_stop_interrupt (int number)
{
  struct sigaction action;

  if (sigaction (number, NULL, &action) != 0)
    return;
  action.sa_flags &= ~SA_RESTART;
  sigaction (number, &action, NULL);
}

void
platform_stop_interrupt_writes (void)
{
  platform_stop_interrupt (SIGINT);
  platform_stop_interrupt (SIGTERM);
}

guint
platform_stop_add (GSourceFunc callback, gpointer data)
{
  g_autoptr (GSource) source = platform_stop_source_new ();

  g_source_set_callback (source, callback, data, NULL);
  return g_source_attach (source, NULL);
}

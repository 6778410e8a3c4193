/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-console.h"
#include "ctl-peer-view.h"
#include "ctl-reconnect.h"
#include "platform-stop.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/*
 * The verb `watch`: shows the peers that are connected, and then each peer that connects or disconnects. It ends after --count
 * lines, after --wait seconds, on Ctrl-C, when the reader of the output has ended, or when the broker refuses the watch.
 *
 * When the connection ends, the client connects again, and the verb reports this on standard error. Then it shows the differences.
 */

typedef struct
{
  Ctl *ctl;
  GMainLoop *loop;
  guint64 shown;
  gboolean time_is_over;
  GError *ended;
} PeerWatcher;

static void
peer_watcher_show (PeerWatcher *self, DeyeBusPeer *peer, const char *text)
{
  guint64 count = self->ctl->options.count;

  if (count > 0 && self->shown >= count)
    return;
  ctl_peer_view_show (self->ctl, peer, text);
  ctl_output_flush (&self->ctl->output);
  self->shown++;
  if ((count > 0 && self->shown >= count) || self->ctl->output.gone || self->ctl->output.failed != 0)
    g_main_loop_quit (self->loop);
}

static void
peer_watcher_on_appeared (DeyeBusPeerWatch *watch, DeyeBusPeer *peer, gpointer data)
{
  g_autofree char *text = g_strdup_printf (_ ("%s is connected"), deye_bus_peer_get_id (peer));

  peer_watcher_show (data, peer, text);
}

static void
peer_watcher_on_gone (DeyeBusPeerWatch *watch, DeyeBusPeer *peer, gpointer data)
{
  g_autofree char *text = g_strdup_printf (_ ("%s has disconnected"), deye_bus_peer_get_id (peer));

  peer_watcher_show (data, peer, text);
}

static void
peer_watcher_on_ended (DeyeBusPeerWatch *watch, const GError *why, gpointer data)
{
  PeerWatcher *self = data;

  g_clear_error (&self->ended);
  self->ended = g_error_copy (why);
  g_main_loop_quit (self->loop);
}

static gboolean
peer_watcher_on_timeout (gpointer data)
{
  PeerWatcher *self = data;

  self->time_is_over = TRUE;
  g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
peer_watcher_on_stop (gpointer data)
{
  PeerWatcher *self = data;

  g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
peer_watcher_on_reader_gone (gpointer data)
{
  PeerWatcher *self = data;

  self->ctl->output.gone = TRUE;
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

/* (transfer full) */
static GSource *
peer_watcher_attach (PeerWatcher *self, GSource *source, GSourceFunc callback)
{
  g_source_set_callback (source, callback, self, NULL);
  g_source_attach (source, NULL);
  return source;
}

static void
peer_watcher_detach (gpointer source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

static void
peer_watcher_run (PeerWatcher *self)
{
  g_autoptr (GPtrArray) sources = g_ptr_array_new_with_free_func (peer_watcher_detach);
  gdouble wait_s = self->ctl->options.wait_s;

  g_ptr_array_add (sources, peer_watcher_attach (self, platform_stop_source_new (), peer_watcher_on_stop));
  g_ptr_array_add (sources,
                   peer_watcher_attach (self, ctl_console_reader_gone_source_new (), peer_watcher_on_reader_gone));
  if (wait_s > 0)
    g_ptr_array_add (
        sources, peer_watcher_attach (self, g_timeout_source_new ((guint) (wait_s * 1000)), peer_watcher_on_timeout));
  platform_stop_interrupt_writes ();
  g_main_loop_run (self->loop);
}

static gboolean
peer_watcher_result (PeerWatcher *self, GError **error)
{
  if (self->ended != NULL && !self->ctl->output.gone)
    {
      g_propagate_error (error, g_steal_pointer (&self->ended));
      return FALSE;
    }
  if (!self->time_is_over)
    return TRUE;
  if (self->shown == 0)
    return ctl_fail (error, CTL_EXIT_NOTHING, _ ("No such peer was connected"));
  if (self->ctl->options.count > self->shown)
    return ctl_fail (error, CTL_EXIT_TIMEOUT, _ ("Only %" PRIu64 " of %" PRIu64 " changes in %g seconds"), self->shown,
                     self->ctl->options.count, self->ctl->options.wait_s);
  return TRUE;
}

gboolean
ctl_verb_watch (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  PeerWatcher self = { .ctl = ctl, .loop = loop };
  g_auto (CtlReconnect) reconnect = { 0 };
  g_autoptr (DeyeBusPeerWatch) watch = NULL;
  gboolean ok;

  if (!ctl_connect (ctl, error))
    return FALSE;
  watch = deye_bus_client_watch_peers (ctl->client, args[0], error);
  if (watch == NULL)
    return FALSE;
  deye_bus_client_set_reconnect (ctl->client, TRUE);
  ctl_reconnect_init (&reconnect, ctl->client, _ ("then changes are shown again"));
  g_signal_connect (watch, "appeared", G_CALLBACK (peer_watcher_on_appeared), &self);
  g_signal_connect (watch, "gone", G_CALLBACK (peer_watcher_on_gone), &self);
  g_signal_connect (watch, "ended", G_CALLBACK (peer_watcher_on_ended), &self);
  ctl_stop_clock (ctl);
  peer_watcher_run (&self);
  deye_bus_peer_watch_stop (watch);
  ok = peer_watcher_result (&self, error);
  g_clear_error (&self.ended);
  return ok;
}

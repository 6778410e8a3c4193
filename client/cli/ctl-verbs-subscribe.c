/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-catalog.h"
#include "ctl-console.h"
#include "ctl-message-view.h"
#include "ctl-reconnect.h"
#include "ctl-stats.h"
#include "ctl-wait.h"
#include "platform-stop.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/*
 * The verb `subscribe`: shows messages as they arrive. It ends after --count messages, after --wait seconds, on Ctrl-C, when the
 * reader of the output has ended, or when the client can't connect any more. When the connection ends, the client connects again,
 * and the verb reports this on standard error. A gap is reported at its place among the messages.
 */

/* A message, or a gap. */
typedef struct
{
  DeyeBusMessage *message; /* NULL: a gap */
  CtlGap gap;
} Held;

#define HELD_MAX    1000u /* above this, messages are shown without waiting for their types */
#define SENDERS_MAX 64u   /* senders whose types are kept */

#define UNSUBSCRIBE_US G_TIME_SPAN_SECOND

typedef struct
{
  Ctl *ctl;
  GMainLoop *loop;
  GPtrArray *sources;  /* GSource, attached */
  gboolean is_stopped; /* by the user */
  GQueue held;         /* of Held: the first message that waits for the types of its sender, and all later messages */
  guint64 shown;
  gboolean time_is_over;
  GError *closed;
  CtlReconnect reconnect;
  CtlWait *wait;                     /* while it subscribes */
  DeyeBusSubscription *subscription; /* NULL: not subscribed yet, or see @refused */
  GError *refused;
} Watcher;

static gboolean
watcher_is_over (const Watcher *self)
{
  guint64 count = self->ctl->options.count;

  return (count > 0 && self->shown >= count) || self->ctl->output.gone || self->ctl->output.failed != 0;
}

static void
watcher_show (Watcher *self, const Held *held)
{
  if (held->message != NULL)
    {
      ctl_message_view_show (self->ctl, held->message);
      self->shown++;
    }
  else
    ctl_message_view_show_gap (self->ctl, &held->gap);
}

/* --- messages and gaps --- */

static void watcher_show_held (gpointer data);

static void
held_free (gpointer data)
{
  Held *held = data;

  g_clear_pointer (&held->message, deye_bus_message_unref);
  g_free (held);
}

/* TRUE: the message can be shown now. Otherwise the types of a new sender are requested, without blocking, so that Ctrl-C and the
 * time limit still work. */
static gboolean
watcher_can_be_shown (Watcher *self, const Held *held)
{
  return held->message == NULL || self->ctl->options.raw || self->held.length > HELD_MAX
         || !ctl_catalog_is_foreign (self->ctl, held->message)
         || ctl_described_want (self->ctl, deye_bus_message_get_sender (held->message), watcher_show_held, self);
}

/* Shows messages in the order of arrival. */
static void
watcher_show_held (gpointer data)
{
  Watcher *self = data;

  while (!watcher_is_over (self) && self->held.length > 0
         && watcher_can_be_shown (self, g_queue_peek_head (&self->held)))
    {
      Held *held = g_queue_pop_head (&self->held);

      watcher_show (self, held);
      held_free (held);
    }
  ctl_described_trim (self->ctl, SENDERS_MAX);
  if (watcher_is_over (self))
    g_main_loop_quit (self->loop);
}

static void
watcher_hold (Watcher *self, Held held)
{
  g_queue_push_tail (&self->held, g_memdup2 (&held, sizeof held));
  watcher_show_held (self);
}

static void
watcher_on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  watcher_hold (data, (Held){ .message = deye_bus_message_ref (message) });
}

static void
watcher_on_gap (DeyeBusSubscription *subscription, guint64 from, guint64 to, guint64 n, guint reason, gpointer data)
{
  watcher_hold (data, (Held){ .gap = { n, from, to, reason } });
}

/* --- the end --- */

static gboolean
watcher_on_stop (gpointer data)
{
  Watcher *self = data;

  self->is_stopped = TRUE;
  g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
watcher_on_timeout (gpointer data)
{
  Watcher *self = data;

  self->time_is_over = TRUE;
  g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
watcher_on_reader_gone (gpointer data)
{
  Watcher *self = data;

  self->ctl->output.gone = TRUE;
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

static void
watcher_on_closed (DeyeBusClient *client, const GError *why, gpointer data)
{
  Watcher *self = data;

  self->closed = g_error_copy (why);
  g_main_loop_quit (self->loop);
}

/* The client has connected again, and the broker has refused to restore the subscription. */
static void
watcher_on_ended (DeyeBusSubscription *subscription, const GError *why, gpointer data)
{
  Watcher *self = data;

  if (self->closed == NULL)
    self->closed = g_error_copy (why);
  g_main_loop_quit (self->loop);
}

static void
watcher_attach (Watcher *self, GSource *source, GSourceFunc callback)
{
  g_source_set_callback (source, callback, self, NULL);
  g_source_attach (source, NULL);
  g_ptr_array_add (self->sources, source);
}

static void
watcher_detach (gpointer source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

static void
watcher_run (Watcher *self)
{
  gdouble wait_s = self->ctl->options.wait_s;

  watcher_attach (self, ctl_console_reader_gone_source_new (), watcher_on_reader_gone);
  if (wait_s > 0)
    watcher_attach (self, g_timeout_source_new ((guint) (wait_s * 1000)), watcher_on_timeout);
  /* Messages, and the end of the connection, may arrive together with the reply to the subscribe request. */
  if (!watcher_is_over (self) && self->closed == NULL && !self->is_stopped)
    g_main_loop_run (self->loop);
}

static gboolean
watcher_result (const Watcher *self, const char *pattern, GError **error)
{
  guint64 count = self->ctl->options.count;

  if (self->closed != NULL && !self->ctl->output.gone)
    {
      if (error != NULL)
        *error = g_error_copy (self->closed);
      return FALSE;
    }
  if (!self->time_is_over)
    return TRUE;
  if (self->shown == 0)
    return ctl_fail (error, CTL_EXIT_NOTHING, _ ("Nothing was published to %s in %g seconds"), pattern,
                     self->ctl->options.wait_s);
  if (count > 0)
    return ctl_fail (error, CTL_EXIT_TIMEOUT, _ ("%" PRIu64 " of %" PRIu64 " messages arrived in %g seconds"),
                     self->shown, count, self->ctl->options.wait_s);
  return TRUE;
}

/* --- start --- */

/* Reports the limits of the queue if they differ from the requested ones, because of a limit of the broker or of the group. */
static void
watcher_report_other_queue (const CtlOptions *options, DeyeBusSubscription *subscription)
{
  guint64 messages = deye_bus_subscription_get_queue_messages (subscription);
  guint64 bytes = deye_bus_subscription_get_queue_bytes (subscription);
  g_autofree char *policy = ctl_policy_name (deye_bus_subscription_get_policy (subscription));

  if ((options->policy != NULL && !g_str_equal (options->policy, policy))
      || (options->queue_messages > 0 && options->queue_messages != messages)
      || (options->queue_bytes > 0 && options->queue_bytes != bytes))
    g_printerr (_ ("deyebusctl: the queue in force differs from the requested one: %s, %" PRIu64 " messages, %" PRIu64
                   " bytes\n"),
                policy, messages, bytes);
}

/* Called before any message or gap is dispatched, so no gap is lost, and a stop request ends the first write too. */
static void
watcher_on_subscribed (GObject *source, GAsyncResult *result, gpointer data)
{
  Watcher *self = data;

  self->subscription = deye_bus_client_subscribe_full_finish (DEYE_BUS_CLIENT (source), result, &self->refused);
  if (self->subscription != NULL)
    {
      g_signal_connect (self->subscription, "gap", G_CALLBACK (watcher_on_gap), self);
      g_signal_connect (self->subscription, "ended", G_CALLBACK (watcher_on_ended), self);
      ctl_reconnect_init (&self->reconnect, DEYE_BUS_CLIENT (source), _ ("messages published until then are missed"));
      deye_bus_client_set_reconnect (DEYE_BUS_CLIENT (source), TRUE);
      watcher_attach (self, platform_stop_source_new (), watcher_on_stop);
      platform_stop_interrupt_writes ();
    }
  ctl_wait_on_ready (source, result, self->wait);
}

static void
watcher_set_filter (const CtlOptions *given, DeyeBusSubscribeOptions *options)
{
  deye_bus_subscribe_options_set_filter_correlation_id (options, given->filter_correlation);
  deye_bus_subscribe_options_set_filter_root_id (options, given->filter_root);
  deye_bus_subscribe_options_set_filter_stage (options, given->filter_stage);
  for (char **tag = given->filter_tags; tag != NULL && *tag != NULL; tag++)
    {
      const char *mark = strchr (*tag, '=');
      g_autofree char *key = g_strndup (*tag, strcspn (*tag, "="));

      deye_bus_subscribe_options_add_filter_tag (options, key, mark != NULL ? mark + 1 : NULL);
    }
}

static gboolean
watcher_subscribe (Watcher *self, const char *pattern, GError **error)
{
  const CtlOptions *options = &self->ctl->options;
  g_autoptr (DeyeBusSubscribeOptions) queue = deye_bus_subscribe_options_new ();
  DeyeBusPolicy policy = DEYE_BUS_POLICY_DEFAULT;
  g_auto (CtlWait) wait = { 0 };

  if ((options->policy != NULL && !ctl_policy_find (options->policy, &policy, error))
      || !ctl_connect (self->ctl, error))
    return FALSE;
  deye_bus_subscribe_options_set_policy (queue, policy);
  deye_bus_subscribe_options_set_queue_messages (queue, options->queue_messages);
  deye_bus_subscribe_options_set_queue_bytes (queue, options->queue_bytes);
  watcher_set_filter (options, queue);
  g_signal_connect (self->ctl->client, "closed", G_CALLBACK (watcher_on_closed), self);
  ctl_wait_init (&wait, ctl_time_left_us (self->ctl));
  self->wait = &wait;
  deye_bus_client_subscribe_full_async (self->ctl->client, pattern, options->group, queue, watcher_on_message, self,
                                        NULL, wait.cancellable, watcher_on_subscribed, self);
  ctl_wait_result (&wait);
  if (self->subscription != NULL)
    {
      watcher_report_other_queue (options, self->subscription);
      return TRUE;
    }
  if (!g_error_matches (self->refused, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_propagate_error (error, g_steal_pointer (&self->refused));
  else
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT, _ ("The broker does not answer"));
  return FALSE;
}

/* The connection ends soon, so an answer that takes long is not needed. */
static void
watcher_unsubscribe (Watcher *self)
{
  g_auto (CtlWait) wait = { 0 };

  g_signal_handlers_disconnect_by_data (self->subscription, self);
  ctl_wait_init (&wait, UNSUBSCRIBE_US);
  deye_bus_subscription_unsubscribe_async (self->subscription, wait.cancellable, ctl_wait_on_ready, &wait);
  deye_bus_subscription_unsubscribe_finish (self->subscription, ctl_wait_result (&wait), NULL);
}

gboolean
ctl_verb_subscribe (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GPtrArray) sources = g_ptr_array_new_with_free_func (watcher_detach);
  Watcher self = { .ctl = ctl, .loop = loop, .sources = sources };
  gboolean ok = watcher_subscribe (&self, args[0], error);

  if (ok)
    {
      ctl_stop_clock (ctl);
      watcher_run (&self);
      ctl->ending = TRUE; /* answers that arrive from now on are ignored */
      ok = watcher_result (&self, args[0], error);
      watcher_unsubscribe (&self);
    }
  if (ctl->client != NULL)
    g_signal_handlers_disconnect_by_data (ctl->client, &self);
  ctl_reconnect_clear (&self.reconnect);
  g_queue_clear_full (&self.held, held_free);
  g_clear_object (&self.subscription);
  g_clear_error (&self.closed);
  g_clear_error (&self.refused);
  return ok;
}

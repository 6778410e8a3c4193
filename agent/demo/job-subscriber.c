/* SPDX-License-Identifier: Apache-2.0 */
#include "job-subscriber.h"

#include "job-subscriber-report.h"
#include "platform-stop.h"

typedef struct
{
  GMainLoop *loop;
  DeyeBusClient *client;
  DeyeBusSubscription *subscription;
  guint64 last;         /* sequence number after which it reports */
  guint64 next;         /* sequence number of the next message */
  guint64 out_of_place; /* messages with another number */
  JsonArray *gaps;
} Subscriber;

static gboolean
subscriber_publish_report (const Subscriber *self, GError **error)
{
  g_autoptr (GBytes) report = job_subscriber_report_write (deye_bus_subscription_get_delivered (self->subscription),
                                                           deye_bus_subscription_get_missed (self->subscription),
                                                           self->out_of_place, self->gaps);
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();

  deye_bus_options_set_correlation_id (options, JOB_SUBSCRIBER_CORRELATION);
  deye_bus_options_set_content_type (options, "application/json");
  return deye_bus_client_publish (self->client, JOB_SUBSCRIBER_REPORTS, report, options, NULL, NULL, error);
}

/* The publisher numbers its messages, so the numbers of missed messages are absent exactly where a gap is reported. The last
 * message is never dropped, because drop-oldest drops older messages. */
static void
subscriber_on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Subscriber *self = data;
  guint64 number = deye_bus_message_get_sequence_number (message);
  g_autoptr (GError) error = NULL;

  if (number != self->next)
    self->out_of_place++;
  self->next = number + 1;
  if (number == self->last && !subscriber_publish_report (self, &error))
    g_warning ("the report was not published: %s", error->message);
}

static void
subscriber_on_gap (DeyeBusSubscription *subscription,
                   guint64 from,
                   guint64 to,
                   guint64 count,
                   guint reason,
                   gpointer data)
{
  Subscriber *self = data;

  job_subscriber_report_add_gap (self->gaps, from, to, count, reason);
  self->next += count;
}

static void
subscriber_on_closed (DeyeBusClient *client, const GError *why, gpointer data)
{
  g_main_loop_quit (((Subscriber *) data)->loop);
}

static gboolean
subscriber_on_signal (gpointer data)
{
  g_main_loop_quit (((Subscriber *) data)->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
subscriber_join_bus (Subscriber *self, GError **error)
{
  g_autoptr (DeyeBusSubscribeOptions) options = deye_bus_subscribe_options_new ();

  deye_bus_subscribe_options_set_policy (options, DEYE_BUS_POLICY_DROP_OLDEST);
  deye_bus_subscribe_options_set_window_messages (options, JOB_SUBSCRIBER_WINDOW);
  deye_bus_subscribe_options_set_queue_messages (options, JOB_SUBSCRIBER_QUEUE);
  if (!deye_bus_client_connect (self->client, NULL, error))
    return FALSE;
  g_signal_connect (self->client, "closed", G_CALLBACK (subscriber_on_closed), self);
  self->subscription = deye_bus_client_subscribe_full (self->client, JOB_SUBSCRIBER_TOPIC, NULL, options,
                                                       subscriber_on_message, self, NULL, NULL, error);
  if (self->subscription == NULL)
    return FALSE;
  g_signal_connect (self->subscription, "gap", G_CALLBACK (subscriber_on_gap), self);
  return subscriber_publish_report (self, error);
}

static void
subscriber_wait_for_end (Subscriber *self)
{
  guint stop = platform_stop_add (subscriber_on_signal, self);

  g_main_loop_run (self->loop);
  g_source_remove (stop);
}

gboolean
job_subscriber_run (const char *address, guint64 last, GError **error)
{
  Subscriber self = { .last = last, .next = 1 };
  gboolean ok;

  self.loop = g_main_loop_new (NULL, FALSE);
  self.client = deye_bus_client_new (address, JOB_SUBSCRIBER_ID, "procmond");
  deye_bus_client_set_reconnect (self.client, FALSE); /* this process ends with the demonstration */
  self.gaps = json_array_new ();
  ok = subscriber_join_bus (&self, error);
  if (ok)
    subscriber_wait_for_end (&self);
  g_signal_handlers_disconnect_by_data (self.client, &self);
  deye_bus_client_close (self.client, NULL, NULL);
  g_clear_object (&self.subscription);
  g_clear_object (&self.client);
  json_array_unref (self.gaps);
  g_main_loop_unref (self.loop);
  return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-collector-private.h"

#include "deye-bus-client-subscribe.h"
#include "deye-bus-subscription-private.h"

/*
 * The topics of a collector: subscriptions and served topics. They are opened while the client connects, so each connection
 * restores them with the other subscriptions. If the client does not reconnect, they are opened when it is ready.
 */

typedef struct
{
  DeyeBusCollectorTopic topic;
  GWeakRef *weak;
} TopicCall;

typedef struct
{
  const char *prefix;
  gboolean has_type; /* the type of the collector follows the prefix, and then the id, if it has one */
  gboolean has_id;
  gboolean serve;
  gboolean is_essential; /* the collector cannot work without it */
  GCallback callback;    /* DeyeBusMessageCallback or DeyeBusRequestCallback; gets a GWeakRef of the collector */
} TopicRow;

static const TopicRow topic_rows[DEYE_BUS_COLLECTOR_N_TOPICS] = {
  [DEYE_BUS_COLLECTOR_TOPIC_TASK]
  = { "control.collector.task", TRUE, TRUE, TRUE, TRUE, G_CALLBACK (deye_bus_collector_on_execute) },
  [DEYE_BUS_COLLECTOR_TOPIC_RELOAD]
  = { "control.collector.config.reload", FALSE, FALSE, FALSE, FALSE, G_CALLBACK (deye_bus_collector_on_reload) },
  [DEYE_BUS_COLLECTOR_TOPIC_CONFIGURATION]
  = { "control.collector.config", FALSE, TRUE, TRUE, FALSE, G_CALLBACK (deye_bus_collector_on_configuration) },
  [DEYE_BUS_COLLECTOR_TOPIC_STANDING]
  = { "control.collector.standing", FALSE, TRUE, TRUE, FALSE, G_CALLBACK (deye_bus_collector_on_standing) },
  [DEYE_BUS_COLLECTOR_TOPIC_LIFECYCLE]
  = { "control.collector.lifecycle", FALSE, FALSE, FALSE, FALSE, G_CALLBACK (deye_bus_collector_on_lifecycle) },
};

static char *
topic_name (const DeyeBusCollector *self, const TopicRow *row)
{
  return g_strjoin ("", row->prefix, row->has_type ? "." : "", row->has_type ? self->client->type : "",
                    row->has_id ? "." : "", row->has_id ? self->client->id : "", NULL);
}

/* The topic was opened for a collector that has stopped or was freed meanwhile. Its client may get another collector, and each of
 * two servers of a topic would get every other task. @subscription: (nullable) */
static void
topic_close_late (DeyeBusSubscription *subscription)
{
  if (subscription != NULL)
    deye_bus_subscription_unsubscribe_async (subscription, NULL, NULL, NULL);
}

static void
topic_on_open (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree TopicCall *call = data;
  const TopicRow *row = &topic_rows[call->topic];
  DeyeBusClient *client = DEYE_BUS_CLIENT (source);
  g_autoptr (DeyeBusCollector) self = g_weak_ref_get (call->weak);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusSubscription) subscription = row->serve ? deye_bus_client_serve_finish (client, result, &error)
                                                            : deye_bus_client_subscribe_finish (client, result, &error);

  deye_bus_collector_weak_free (call->weak);
  if (self == NULL || client->collector != self)
    {
      topic_close_late (subscription);
      return;
    }
  g_set_object (&self->topics[call->topic].subscription, subscription);
  if (subscription != NULL)
    return;
  self->topics[call->topic].is_open = FALSE;
  if (client->state != DEYE_BUS_CLIENT_STATE_READY)
    return; /* the next connection opens the topic */
  g_message ("collector %s: %s: %s", client->id, row->prefix, error->message);
  if (!row->is_essential)
    return;
  deye_bus_collector_note_refusal (self, g_steal_pointer (&error));
  deye_bus_collector_settle (self);
}

static void
topic_open (DeyeBusCollector *self, DeyeBusCollectorTopic topic)
{
  const TopicRow *row = &topic_rows[topic];
  g_autofree char *name = topic_name (self, row);
  TopicCall *call = g_new (TopicCall, 1);

  *call = (TopicCall){ topic, deye_bus_collector_weak_new (self) };
  self->topics[topic].is_open = TRUE;
  if (topic == DEYE_BUS_COLLECTOR_TOPIC_TASK)
    deye_bus_client_serve_tasks (self->client, name, (DeyeBusRequestCallback) row->callback,
                                 deye_bus_collector_weak_new (self), deye_bus_collector_weak_free, topic_on_open, call);
  else if (row->serve)
    deye_bus_client_serve_async (self->client, name, NULL, (DeyeBusRequestCallback) row->callback,
                                 deye_bus_collector_weak_new (self), deye_bus_collector_weak_free, NULL, topic_on_open,
                                 call);
  else
    deye_bus_client_subscribe_async (self->client, name, NULL, (DeyeBusMessageCallback) row->callback,
                                     deye_bus_collector_weak_new (self), deye_bus_collector_weak_free, NULL,
                                     topic_on_open, call);
}

static gboolean
topic_is_wanted (const DeyeBusCollector *self, DeyeBusCollectorTopic topic)
{
  switch (topic)
    {
    case DEYE_BUS_COLLECTOR_TOPIC_RELOAD:
    case DEYE_BUS_COLLECTOR_TOPIC_CONFIGURATION:
      return self->configuration != NULL;
    case DEYE_BUS_COLLECTOR_TOPIC_STANDING:
      return self->standing != NULL;
    case DEYE_BUS_COLLECTOR_TOPIC_TASK:
    case DEYE_BUS_COLLECTOR_TOPIC_LIFECYCLE:
      break;
    }
  return TRUE;
}

/* A subscription may have ended with its connection, or because the broker did not accept it again: then its topic is opened
 * again. */
static void
topic_forget_ended (DeyeBusCollector *self, DeyeBusCollectorTopic topic)
{
  const DeyeBusSubscription *subscription = self->topics[topic].subscription;

  if (subscription == NULL || !subscription->channel->cut)
    return;
  g_clear_object (&self->topics[topic].subscription);
  self->topics[topic].is_open = FALSE;
}

void
deye_bus_collector_open_topics (DeyeBusCollector *self)
{
  if (self->client->state != DEYE_BUS_CLIENT_STATE_READY && !deye_bus_client_may_wait (self->client))
    return;
  for (guint i = 0; i < DEYE_BUS_COLLECTOR_N_TOPICS; i++)
    {
      topic_forget_ended (self, (DeyeBusCollectorTopic) i);
      if (!self->topics[i].is_open && topic_is_wanted (self, (DeyeBusCollectorTopic) i))
        topic_open (self, (DeyeBusCollectorTopic) i);
    }
}

void
deye_bus_collector_close_topics (DeyeBusCollector *self, gboolean unsubscribe)
{
  /* The calls complete in this context, and have references to the client until then. The present thread may have another default
   * context, which perhaps is never iterated. */
  g_main_context_push_thread_default (self->client->context);
  for (guint i = 0; i < DEYE_BUS_COLLECTOR_N_TOPICS; i++)
    {
      g_autoptr (DeyeBusSubscription) subscription = g_steal_pointer (&self->topics[i].subscription);

      if (subscription != NULL && unsubscribe)
        deye_bus_subscription_unsubscribe_async (subscription, NULL, NULL, NULL);
    }
  g_main_context_pop_thread_default (self->client->context);
}

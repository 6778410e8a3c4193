/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-sender-private.h"

#include "deye-bus-client-private.h"

#include <glib/gi18n-lib.h>

/*
 * A sender: the public handle of a queue (deye-bus-senders.h) for any thread.
 *
 * It makes all checks that need no client, so that the thread that publishes gets the error.
 */

G_DEFINE_FINAL_TYPE (DeyeBusSender, deye_bus_sender, G_TYPE_OBJECT)

#define MESSAGES_DEFAULT 8192u
#define BYTES_DEFAULT    (4u * 1024u * 1024u)
#define PAYLOAD_CEILING  G_MAXUINT32 /* the queue checks the broker's limit */

static void
deye_bus_sender_init (DeyeBusSender *self)
{
}

/* In a forked child the queue is not freed: another thread of the parent may have held its lock at the fork. */
static void
deye_bus_sender_finalize (GObject *object)
{
  DeyeBusSender *self = DEYE_BUS_SENDER (object);

  if (self->queue != NULL && !deye_bus_senders_is_forked (self->queue->senders))
    deye_bus_sender_queue_unref (self->queue);
  G_OBJECT_CLASS (deye_bus_sender_parent_class)->finalize (object);
}

static void
deye_bus_sender_class_init (DeyeBusSenderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = deye_bus_sender_finalize;
}

DeyeBusSender *
deye_bus_sender_new (DeyeBusClient *client, guint max_messages, gsize max_bytes, GError **error)
{
  DeyeBusSender *self = NULL;
  DeyeBusSenders *senders;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (client), NULL);

  if (!deye_bus_client_enter (client, error))
    return NULL;
  senders = deye_bus_client_get_senders (client, error);
  if (senders != NULL && client->state == DEYE_BUS_CLIENT_STATE_CLOSED)
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED, _ ("The client has been closed"));
  else if (senders != NULL)
    {
      self = g_object_new (DEYE_BUS_TYPE_SENDER, NULL);
      self->queue = deye_bus_sender_queue_new (senders, max_messages > 0 ? max_messages : MESSAGES_DEFAULT,
                                               max_bytes > 0 ? max_bytes : BYTES_DEFAULT);
    }
  deye_bus_client_leave (client);
  return self;
}

gboolean
deye_bus_sender_check_usable (DeyeBusSender *self, GError **error)
{
  if (self->queue == NULL)
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED, _ ("The sender has been closed"));
  else if (deye_bus_senders_is_forked (self->queue->senders))
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED,
                         _ ("This client belongs to the parent process: create a new one after fork()"));
  else
    return TRUE;
  return FALSE;
}

/* --- publish --- */

/* The same checks that the client makes before it publishes, except that of the broker's limit. */
static gboolean
sender_check_message (const char *topic, GBytes *payload, DeyeBusOptions *options, GError **error)
{
  DeyeBusCall call
      = { .kind = WIRE_KIND_PUBLISH, .topic = topic, .target = "", .payload = payload, .options = options };
  DEYE_BUS_UNINITIALIZED DeyeBusEncodedCall encoded; /* set by deye_bus_call_encode() */

  deye_bus_call_encode (&call, 0, &encoded);
  return deye_bus_options_check (options, error) && deye_bus_encoded_call_check (&encoded, PAYLOAD_CEILING, error);
}

static DeyeBusSenderMessage *
sender_message_new (const char *topic, GBytes *payload, const DeyeBusOptions *options)
{
  gsize len = strlen (topic) + 1;
  DeyeBusSenderMessage *message = g_malloc (sizeof *message + len);

  message->payload = payload != NULL ? g_bytes_ref (payload) : NULL;
  message->options = options != NULL ? deye_bus_options_copy (options) : NULL;
  message->since_us = options != NULL && options->ttl_us > 0 ? g_get_monotonic_time () : 0;
  message->cost = sizeof *message + len + (payload != NULL ? g_bytes_get_size (payload) : 0);
  memcpy (message->topic, topic, len);
  return message;
}

gboolean
deye_bus_sender_publish (DeyeBusSender *self,
                         const char *topic,
                         GBytes *payload,
                         DeyeBusOptions *options,
                         GError **error)
{
  DeyeBusSenderMessage *message;

  g_return_val_if_fail (DEYE_BUS_IS_SENDER (self), FALSE);
  g_return_val_if_fail (topic != NULL, FALSE);

  if (!deye_bus_sender_check_usable (self, error) || !sender_check_message (topic, payload, options, error))
    return FALSE;
  message = sender_message_new (topic, payload, options);
  if (deye_bus_sender_queue_put (self->queue, message, error))
    return TRUE;
  deye_bus_sender_message_free (message);
  return FALSE;
}

/* --- state --- */

void
deye_bus_sender_close (DeyeBusSender *self)
{
  g_return_if_fail (DEYE_BUS_IS_SENDER (self));

  if (!deye_bus_sender_check_usable (self, NULL))
    return;
  g_mutex_lock (&self->queue->senders->lock);
  self->queue->closed = TRUE;
  g_mutex_unlock (&self->queue->senders->lock);
}

guint64
deye_bus_sender_get_queued (DeyeBusSender *self)
{
  guint64 n;

  g_return_val_if_fail (DEYE_BUS_IS_SENDER (self), 0);

  if (!deye_bus_sender_check_usable (self, NULL))
    return 0;
  g_mutex_lock (&self->queue->senders->lock);
  n = self->queue->n;
  g_mutex_unlock (&self->queue->senders->lock);
  return n;
}

guint64
deye_bus_sender_get_refused (DeyeBusSender *self)
{
  guint64 refused;

  g_return_val_if_fail (DEYE_BUS_IS_SENDER (self), 0);

  if (!deye_bus_sender_check_usable (self, NULL))
    return 0;
  g_mutex_lock (&self->queue->senders->lock);
  refused = self->queue->refused;
  g_mutex_unlock (&self->queue->senders->lock);
  return refused;
}

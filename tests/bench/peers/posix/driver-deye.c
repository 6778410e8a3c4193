/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"

#include <deye-bus.h>
#include <unistd.h>

/*
 * Our own product, through its public client library. A publisher is a collector of the type "bench"; a client that only
 * subscribes is a tool with the policy "block", so that no message may be lost. The mode is the way to publish many messages:
 * "held" holds the client from the first one to the flush, "coalesce" sets the property, "plain" does neither.
 */

#define TICK_MS     100         /* the longest wait in poll() */
#define COPIED_SIZE 8192        /* a larger payload must outlive the call, so it is copied into a buffer of its own */
#define SPARE_BYTES (16u << 20) /* of buffers that are reused, as in the other drivers */
#define LARGE_SIZE  (32 * 1024) /* a few messages of this size fill a socket */

typedef struct
{
  DeyeBusClient *client;
  DriverMessage fn;
  void *user;
  GPtrArray *subscriptions;
  gboolean is_tool, flush_each, holds;
  gboolean is_held, is_inside, has_large;
  gboolean is_subscribing; /* held, until sync() */
  gboolean has_failed;     /* to subscribe */
  guint n_asked;           /* subscriptions without an answer */
  long window;
  int delivered;
  char topic[64], mapped[80]; /* of the last publish */
} Deye;

/* Writes the topic of this bus: at most five segments, below the domain of the publisher. It may be called for each message, so it
 * does not use printf. */
static void
map_topic (const char *from, char *to, gsize len)
{
  const char *prefix = strncmp (from, "bench/", 6) == 0 ? "events." : "events.bench.";
  const char *end = to + len - 1;

  if (strcmp (from, "#") == 0)
    prefix = "";
  for (; *prefix != '\0'; prefix++)
    *to++ = *prefix;
  for (; *from != '\0' && to < end; from++)
    *to++ = *from == '/' ? '.' : *from;
  *to = '\0';
}

static gboolean
on_tick (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static void *
deye_open (const char *address, const DriverSettings *settings, DriverMessage fn, void *user)
{
  static int n_clients;
  g_autofree char *id = g_strdup_printf ("bench-%d-%d", (int) getpid (), n_clients);
  const char *path = address + strlen ("unix:");
  g_autoptr (GError) error = NULL;
  Deye *deye = g_new0 (Deye, 1);

  deye->is_tool = settings->listens_only;
  deye->client = deye->is_tool ? deye_bus_client_new_tool (path, id) : deye_bus_client_new (path, id, "bench");
  deye->fn = fn;
  deye->user = user;
  deye->flush_each = settings->flush_each;
  deye->holds = g_str_equal (settings->mode, "held") && !settings->flush_each;
  deye->window = settings->window;
  deye->subscriptions = g_ptr_array_new_with_free_func (g_object_unref);
  deye_bus_client_set_coalesce (deye->client, g_str_equal (settings->mode, "coalesce"));
  if (n_clients++ == 0)
    g_timeout_add (TICK_MS, on_tick, NULL);
  if (deye_bus_client_connect (deye->client, NULL, &error))
    return deye;
  g_printerr ("open: %s\n", error->message);
  return NULL;
}

static void
on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Deye *deye = data;
  gsize len;
  const guint8 *payload = deye_bus_message_get_data (message, &len);

  deye->is_inside = TRUE;
  deye->fn (deye->user, payload, len);
  deye->is_inside = FALSE;
  deye->delivered++;
}

static void
on_gap (DeyeBusSubscription *subscription, guint64 from, guint64 to, guint64 missed, guint reason, gpointer data)
{
  g_printerr ("gap of %" G_GUINT64_FORMAT ", reason %u\n", missed, reason);
}

static void
on_subscribed (GObject *source, GAsyncResult *result, gpointer data)
{
  Deye *deye = data;
  g_autoptr (GError) error = NULL;
  DeyeBusSubscription *subscription = deye_bus_client_subscribe_full_finish (DEYE_BUS_CLIENT (source), result, &error);

  deye->n_asked--;
  if (subscription == NULL)
    {
      g_printerr ("subscribe: %s\n", error->message);
      deye->has_failed = TRUE;
      return;
    }
  if (!g_str_equal (deye_bus_subscription_get_pattern (subscription), "#"))
    g_signal_connect (subscription, "gap", G_CALLBACK (on_gap), deye);
  g_ptr_array_add (deye->subscriptions, subscription);
}

static int
deye_subscribe (void *client, const char *filter, const char *group)
{
  Deye *deye = client;
  g_autoptr (DeyeBusSubscribeOptions) options = deye_bus_subscribe_options_new ();
  char pattern[80];

  map_topic (filter, pattern, sizeof pattern);
  if (deye->is_tool && !g_str_equal (pattern, "#"))
    deye_bus_subscribe_options_set_policy (options, DEYE_BUS_POLICY_BLOCK);
  if (deye->window > 0)
    {
      deye_bus_subscribe_options_set_window_messages (options, (guint64) deye->window);
      deye_bus_subscribe_options_set_queue_messages (options, (guint64) deye->window);
    }
  if (!deye->is_subscribing)
    deye_bus_client_hold (deye->client);
  deye->is_subscribing = TRUE;
  deye->n_asked++;
  deye_bus_client_subscribe_full_async (deye->client, pattern, group, options, on_message, deye, NULL, NULL,
                                        on_subscribed, deye);
  return 0;
}

static int
deye_sync (void *client)
{
  Deye *deye = client;

  if (deye->is_subscribing)
    deye_bus_client_release (deye->client);
  deye->is_subscribing = FALSE;
  while (deye->n_asked > 0)
    g_main_context_iteration (NULL, TRUE);
  return deye->has_failed ? -1 : 0;
}

/*
 * Writes all messages. Those of a callback are written when it returns. A publish outside of callbacks has written its message
 * already, unless the socket is full, which happens only with large messages, because this program does not run its context.
 */
static int
deye_flush (void *client)
{
  Deye *deye = client;
  g_autoptr (GError) error = NULL;

  if (deye->is_held)
    deye_bus_client_release (deye->client);
  deye->is_held = FALSE;
  if (deye->is_inside || (deye->flush_each && !deye->has_large)
      || deye_bus_client_flush (deye->client, NULL, FALSE, NULL, &error))
    return 0;
  g_printerr ("flush: %s\n", error->message);
  return -1;
}

typedef struct Buffer Buffer;
struct Buffer
{
  Buffer *next;
  gsize size;
  guint8 bytes[];
};

static struct
{
  Buffer *first;
  gsize bytes;
} spare;

static void
spare_buffer (gpointer data)
{
  Buffer *buffer = data;

  if (spare.bytes + buffer->size > SPARE_BYTES)
    {
      g_free (buffer);
      return;
    }
  buffer->next = spare.first;
  spare.first = buffer;
  spare.bytes += buffer->size;
}

static GBytes *
copy_payload (const void *data, size_t len)
{
  Buffer *buffer = spare.first;

  if (buffer != NULL && buffer->size >= len)
    {
      spare.first = buffer->next;
      spare.bytes -= buffer->size;
    }
  else
    {
      buffer = g_malloc (sizeof *buffer + len);
      buffer->size = len;
    }
  memcpy (buffer->bytes, data, len);
  return g_bytes_new_with_free_func (buffer->bytes, len, spare_buffer, buffer);
}

static int
deye_publish (void *client, const char *topic, const void *data, size_t len)
{
  Deye *deye = client;
  g_autoptr (GBytes) payload = len > COPIED_SIZE ? copy_payload (data, len) : g_bytes_new_static (data, len);
  g_autoptr (GError) error = NULL;

  if (strcmp (deye->topic, topic) != 0)
    {
      g_strlcpy (deye->topic, topic, sizeof deye->topic);
      map_topic (topic, deye->mapped, sizeof deye->mapped);
    }
  deye->has_large = deye->has_large || len > LARGE_SIZE;
  if (deye->holds && !deye->is_held && !deye->is_inside)
    {
      deye->is_held = TRUE;
      deye_bus_client_hold (deye->client);
    }
  if (deye_bus_client_publish (deye->client, deye->mapped, payload, NULL, NULL, NULL, &error))
    return 0;
  g_printerr ("publish: %s\n", error->message);
  return -1;
}

static int
deye_poll (void *client, int wait)
{
  Deye *deye = client;
  DeyeBusClientState state;

  deye->delivered = 0;
  g_main_context_iteration (NULL, wait);
  state = deye_bus_client_get_state (deye->client);
  return state == DEYE_BUS_CLIENT_STATE_CONNECTED || state == DEYE_BUS_CLIENT_STATE_READY ? deye->delivered : -1;
}

static void
deye_close (void *client)
{
  Deye *deye = client;

  deye_bus_client_close (deye->client, NULL, NULL);
  g_ptr_array_unref (deye->subscriptions);
  g_object_unref (deye->client);
  g_free (deye);
}

const Driver driver = { deye_open, deye_subscribe, deye_sync, deye_publish, deye_flush, deye_poll, deye_close };

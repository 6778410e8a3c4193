/* SPDX-License-Identifier: Apache-2.0 */
#include "test-system.h"

#include <deye-bus.h>

/*
 * Clients of bench-reconnect: `reconnect-clients ADDRESS PREFIX COUNT`. Each is the connection of a collector with a subscription
 * and a served topic. Each time that all are ready, the process prints "ready FIRST MEDIAN LAST": the times (wall clock, in
 * microseconds) at which the first one, half of them and the last one had become ready. It ends at the end of its standard input.
 */

#define TOPIC  "events.bench.news"
#define SERVED "control.collector.task.bench"

typedef struct
{
  DeyeBusClient **clients;
  guint count;
  GHashTable *ready; /* of DeyeBusClient */
  GArray *times;     /* of gint64: when each of these became ready */
  GMainLoop *loop;
} Crowd;

static gint64
crowd_time (const Crowd *self, guint i)
{
  return g_array_index (self->times, gint64, i);
}

static void
on_state (DeyeBusClient *client, GParamSpec *pspec, gpointer data)
{
  Crowd *self = data;
  const gint64 now_us = g_get_real_time ();

  if (deye_bus_client_get_state (client) != DEYE_BUS_CLIENT_STATE_READY || !g_hash_table_add (self->ready, client))
    return;
  g_array_append_val (self->times, now_us);
  if (self->times->len == self->count)
    g_print ("ready %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", crowd_time (self, 0),
             crowd_time (self, self->count / 2), crowd_time (self, self->count - 1));
}

/* The first client that loses its connection begins a new round. */
static void
on_interrupted (DeyeBusClient *client, const GError *why, gpointer data)
{
  Crowd *self = data;

  g_hash_table_remove (self->ready, client);
  if (g_hash_table_size (self->ready) == self->count - 1)
    g_array_set_size (self->times, 0);
}

static void
on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
}

static DeyeBusClient *
client_start (Crowd *self, const char *address, const char *id)
{
  DeyeBusClient *client = deye_bus_client_new (address, id, "bench");
  g_autoptr (DeyeBusSubscription) reads = NULL;
  g_autoptr (DeyeBusSubscription) serves = NULL;
  g_autoptr (GError) error = NULL;

  g_signal_connect (client, "notify::state", G_CALLBACK (on_state), self);
  g_signal_connect (client, "interrupted", G_CALLBACK (on_interrupted), self);
  if (deye_bus_client_connect (client, NULL, &error))
    reads = deye_bus_client_subscribe (client, TOPIC, NULL, on_message, NULL, NULL, NULL, &error);
  if (reads != NULL)
    serves = deye_bus_client_serve (client, SERVED, NULL, on_message, NULL, NULL, NULL, &error);
  if (serves == NULL)
    g_error ("%s: %s", id, error->message);
  return client;
}

static void
on_input (GObject *input, GAsyncResult *result, gpointer data)
{
  g_bytes_unref (g_input_stream_read_bytes_finish (G_INPUT_STREAM (input), result, NULL));
  g_main_loop_quit (((Crowd *) data)->loop);
}

int
main (int argc, char **argv)
{
  Crowd self = { .count = (guint) g_ascii_strtoull (argv[3], NULL, 10),
                 .ready = g_hash_table_new (NULL, NULL),
                 .times = g_array_new (FALSE, FALSE, sizeof (gint64)),
                 .loop = g_main_loop_new (NULL, FALSE) };
  g_autoptr (GInputStream) input = test_system_standard_input ();

  test_system_die_with_parent ();
  self.clients = g_new (DeyeBusClient *, self.count);
  for (guint i = 0; i < self.count; i++)
    {
      g_autofree char *id = g_strdup_printf ("%s-%u", argv[2], i);

      self.clients[i] = client_start (&self, argv[1], id);
    }
  g_input_stream_read_bytes_async (input, 1, G_PRIORITY_DEFAULT, NULL, on_input, &self);
  g_main_loop_run (self.loop);
  for (guint i = 0; i < self.count; i++)
    {
      deye_bus_client_close (self.clients[i], NULL, NULL);
      g_object_unref (self.clients[i]);
    }
  g_free (self.clients);
  g_hash_table_unref (self.ready);
  g_array_unref (self.times);
  g_main_loop_unref (self.loop);
  return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "line-worker.h"

#include "test-system.h"

#include <stdlib.h>

/*
 * Workloads for features that only this bus has: `own-client ADDRESS ID`. Each line of standard input is a command.
 *
 *   acknowledged COUNT DEPTH BYTES  publishes with acknowledgement, DEPTH in flight    -> acknowledged P50_US P99_US MICROSECONDS
 *   retain COUNT BYTES              publishes a retained value to each of COUNT topics -> retained COUNT
 *   late COUNT                      subscribes to these topics, waits for all values   -> late MICROSECONDS MISSED
 */

#define DOMAIN "events.bench"

struct Worker
{
  DeyeBusClient *client;
  guint64 received;
};

typedef struct
{
  Worker *worker;
  GBytes *payload;
  GArray *took_us; /* gint64 */
  guint left, in_flight;
} Burst;

typedef struct
{
  Burst *burst;
  gint64 since_us;
} Call;

static GBytes *
make_payload (const char *size)
{
  const gsize len = line_worker_number (size);

  return g_bytes_new_take (g_malloc0 (len), len);
}

static void publish_next (Burst *burst);

static void
on_acknowledged (GObject *client, GAsyncResult *async_result, gpointer data)
{
  g_autofree Call *call = data;
  const gint64 took_us = g_get_monotonic_time () - call->since_us;
  DeyeBusPublishResult result;
  g_autoptr (GError) error = NULL;

  if (!deye_bus_client_publish_finish (DEYE_BUS_CLIENT (client), async_result, &result, &error))
    g_error ("publish: %s", error->message);
  g_array_append_val (call->burst->took_us, took_us);
  call->burst->in_flight--;
  publish_next (call->burst);
}

static void
publish_next (Burst *burst)
{
  Call *call;

  if (burst->left == 0)
    return;
  call = g_new (Call, 1);
  *call = (Call){ burst, g_get_monotonic_time () };
  burst->left--;
  burst->in_flight++;
  deye_bus_client_publish_async (burst->worker->client, DOMAIN ".acknowledged", burst->payload, NULL, TRUE, NULL,
                                 on_acknowledged, call);
}

static int
compare_us (gconstpointer a, gconstpointer b)
{
  const gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

static void
do_acknowledged (Worker *worker, char **words)
{
  Burst burst = { .worker = worker, .left = (guint) line_worker_number (words[1]) };
  const guint depth = (guint) line_worker_number (words[2]);
  const gint64 since_us = g_get_monotonic_time ();

  burst.payload = make_payload (words[3]);
  burst.took_us = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (guint i = 0; i < depth; i++)
    publish_next (&burst);
  while (burst.in_flight > 0)
    g_main_context_iteration (NULL, TRUE);
  g_array_sort (burst.took_us, compare_us);
  line_worker_print ("acknowledged %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
                     g_array_index (burst.took_us, gint64, (burst.took_us->len - 1) / 2),
                     g_array_index (burst.took_us, gint64, (burst.took_us->len - 1) * 99 / 100),
                     g_get_monotonic_time () - since_us);
  g_array_unref (burst.took_us);
  g_bytes_unref (burst.payload);
}

static void
do_retain (Worker *worker, char **words)
{
  const guint64 count = line_worker_number (words[1]);
  g_autoptr (GBytes) payload = make_payload (words[2]);
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;

  deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_CONNECTED);
  for (guint64 i = 0; i < count; i++)
    {
      g_autofree char *topic = g_strdup_printf (DOMAIN ".retained.%" G_GUINT64_FORMAT, i);

      if (!deye_bus_client_publish (worker->client, topic, payload, options, NULL, NULL, &error))
        g_error ("publish: %s", error->message);
    }
  if (!deye_bus_client_flush (worker->client, NULL, TRUE, NULL, &error))
    g_error ("flush: %s", error->message);
  line_worker_print ("retained %" G_GUINT64_FORMAT, count);
}

static void
on_retained (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Worker *worker = data;

  worker->received++;
}

static void
do_late (Worker *worker, char **words)
{
  const guint64 count = line_worker_number (words[1]);
  const gint64 since_us = g_get_monotonic_time ();
  g_autoptr (DeyeBusSubscribeOptions) options = deye_bus_subscribe_options_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusSubscription) subscription = NULL;

  deye_bus_subscribe_options_set_queue_messages (options, 2 * count);
  subscription = deye_bus_client_subscribe_full (worker->client, DOMAIN ".retained.#", NULL, options, on_retained,
                                                 worker, NULL, NULL, &error);
  if (subscription == NULL)
    g_error ("subscribe: %s", error->message);
  while (worker->received + deye_bus_subscription_get_missed (subscription) < count)
    g_main_context_iteration (NULL, TRUE);
  line_worker_print ("late %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT, g_get_monotonic_time () - since_us,
                     deye_bus_subscription_get_missed (subscription));
}

static const LineCommand commands[] = {
  { "acknowledged", 3, 3, do_acknowledged },
  { "retain", 2, 2, do_retain },
  { "late", 1, 1, do_late },
};

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Worker worker = { 0 };
  int status;

  if (argc != 3)
    g_error ("usage: own-client ADDRESS ID");
  test_system_die_with_parent ();
  worker.client = deye_bus_client_new (argv[1], argv[2], "bench");
  if (!deye_bus_client_connect (worker.client, NULL, &error))
    g_error ("connect: %s", error->message);
  line_worker_print ("connected");
  status = line_worker_run (worker.client, &worker, commands, G_N_ELEMENTS (commands));
  g_object_unref (worker.client);
  return status;
}

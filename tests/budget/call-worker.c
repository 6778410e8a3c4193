/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-hold.h"
#include "line-worker.h"
#include "test-system.h"

/*
 * A process of test-calls.py: `call-worker ADDRESS ID`. It publishes, counts what it receives, or answers each message with
 * another.
 *
 *   listen TOPIC          subscribes; prints "listening"
 *   answer TOPIC TO       like listen, and publishes a message to TO for each received one
 *   held TOPIC N          publishes N messages, 64 at a time while the client is held; prints "published"
 *   turns TOPIC N         publishes N messages, each after the answer to the previous one; prints "published"
 *   received N            prints "received" when it has received N messages since "listening"
 */

#define PAYLOAD 128u
#define BATCH   64u

struct Worker
{
  DeyeBusClient *client;
  DeyeBusSubscription *subscription;
  GBytes *payload;
  char *to;
  guint64 received;
};

static void
worker_publish (Worker *worker, const char *topic)
{
  g_autoptr (GError) error = NULL;

  if (!deye_bus_client_publish (worker->client, topic, worker->payload, NULL, NULL, NULL, &error))
    g_error ("publish: %s", error->message);
}

static void
worker_on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Worker *worker = data;

  worker->received++;
  if (worker->to != NULL)
    worker_publish (worker, worker->to);
}

static void
worker_wait (Worker *worker, guint64 n)
{
  while (worker->received < n)
    g_main_context_iteration (NULL, TRUE);
}

static void
worker_listen (Worker *worker, char **words)
{
  g_autoptr (GError) error = NULL;

  worker->to = g_strdup (words[2]);
  worker->subscription
      = deye_bus_client_subscribe (worker->client, words[1], NULL, worker_on_message, worker, NULL, NULL, &error);
  if (worker->subscription == NULL)
    g_error ("subscribe: %s", error->message);
  line_worker_print ("listening");
}

static void
worker_held (Worker *worker, char **words)
{
  const guint64 n = line_worker_number (words[2]);
  g_autoptr (GError) error = NULL;

  for (guint64 done = 0; done < n; done += BATCH)
    {
      deye_bus_client_hold (worker->client);
      for (guint i = 0; i < BATCH; i++)
        worker_publish (worker, words[1]);
      deye_bus_client_release (worker->client);
    }
  if (!deye_bus_client_flush (worker->client, NULL, TRUE, NULL, &error))
    g_error ("flush: %s", error->message);
  line_worker_print ("published");
}

static void
worker_turns (Worker *worker, char **words)
{
  const guint64 n = line_worker_number (words[2]);

  for (guint64 i = 0; i < n; i++)
    {
      const guint64 before = worker->received;

      worker_publish (worker, words[1]);
      worker_wait (worker, before + 1);
    }
  line_worker_print ("published");
}

static void
worker_received (Worker *worker, char **words)
{
  worker_wait (worker, line_worker_number (words[1]));
  line_worker_print ("received");
}

static const LineCommand commands[] = {
  { "listen", 1, 1, worker_listen }, { "answer", 2, 2, worker_listen },     { "held", 2, 2, worker_held },
  { "turns", 2, 2, worker_turns },   { "received", 1, 1, worker_received },
};

int
main (int argc, char **argv)
{
  static const guint8 zeros[PAYLOAD];
  g_autoptr (DeyeBusClient) client = deye_bus_client_new (argv[1], argv[2], "bench");
  g_autoptr (GBytes) payload = g_bytes_new_static (zeros, sizeof zeros);
  g_autoptr (GError) error = NULL;
  Worker worker = { .client = client, .payload = payload };
  int status;

  test_system_die_with_parent ();
  if (!deye_bus_client_connect (client, NULL, &error))
    g_error ("connect: %s", error->message);
  status = line_worker_run (client, &worker, commands, G_N_ELEMENTS (commands));
  g_clear_object (&worker.subscription);
  g_free (worker.to);
  return status;
}

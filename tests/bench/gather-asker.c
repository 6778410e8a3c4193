/* SPDX-License-Identifier: Apache-2.0 */
#include "line-worker.h"

#include <string.h>

/*
 * The asker of bench-gather: `gather-asker ADDRESS COLLECTORS`. The collectors are called c0, c1 and so on. Each line of standard
 * input is a command:
 *
 *   gather BYTES      one question to all collectors; each answers with BYTES bytes    -> gather MICROSECONDS RECEIVED_BYTES
 *   requests BYTES    a plain request to each collector, all of them at the same time  -> requests MICROSECONDS RECEIVED_BYTES
 */

#define BASELINE "control.collector.task.bench"

struct Worker
{
  DeyeBusClient *client;
  guint collectors;
};

typedef struct
{
  guint in_flight;
  guint64 bytes;
} Round;

static void
do_gather (Worker *worker, char **words)
{
  g_autoptr (DeyeBusGatherSpec) spec = deye_bus_gather_spec_new ("fill");
  g_autoptr (GBytes) payload = g_bytes_new (words[1], strlen (words[1]));
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusGather) gather = NULL;
  g_autolist (DeyeBusGatherAnswer) answers = NULL;
  const gint64 since_us = g_get_monotonic_time ();
  gint64 took_us;
  guint64 bytes = 0;

  deye_bus_gather_spec_set_payload (spec, payload, NULL);
  deye_bus_gather_spec_set_require_all (spec);
  gather = deye_bus_client_gather (worker->client, spec, NULL, &error);
  took_us = g_get_monotonic_time () - since_us;
  if (gather != NULL)
    answers = deye_bus_gather_get_answers (gather, &error);
  if (error != NULL)
    g_error ("gather: %s", error->message);
  for (const GList *link = answers; link != NULL; link = link->next)
    {
      g_autoptr (GBytes) answer = deye_bus_gather_answer_dup_payload (link->data);

      bytes += g_bytes_get_size (answer);
    }
  line_worker_print ("gather %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT, took_us, bytes);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  Round *round = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) answer = deye_bus_client_request_finish (DEYE_BUS_CLIENT (source), result, &error);
  gsize len;

  if (answer == NULL)
    g_error ("request: %s", error->message);
  deye_bus_message_get_data (answer, &len);
  round->bytes += len;
  round->in_flight--;
}

static void
do_requests (Worker *worker, char **words)
{
  g_autoptr (GBytes) payload = g_bytes_new (words[1], strlen (words[1]));
  const gint64 since_us = g_get_monotonic_time ();
  Round round = { 0 };

  for (guint i = 0; i < worker->collectors; i++)
    {
      g_autofree char *id = g_strdup_printf ("c%u", i);
      g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();

      deye_bus_options_set_target (options, id);
      round.in_flight++;
      deye_bus_client_request_async (worker->client, BASELINE, payload, options, NULL, on_answer, &round);
    }
  while (round.in_flight > 0)
    g_main_context_iteration (NULL, TRUE);
  line_worker_print ("requests %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT, g_get_monotonic_time () - since_us,
                     round.bytes);
}

static const LineCommand commands[] = {
  { "gather", 1, 1, do_gather },
  { "requests", 1, 1, do_requests },
};

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Worker worker
      = { .client = deye_bus_client_new_tool (argv[1], "asker"), .collectors = (guint) line_worker_number (argv[2]) };
  int status;

  deye_bus_client_set_reconnect (worker.client, FALSE);
  if (!deye_bus_client_connect (worker.client, NULL, &error))
    g_error ("connect: %s", error->message);
  status = line_worker_run (worker.client, &worker, commands, G_N_ELEMENTS (commands));
  deye_bus_client_close (worker.client, NULL, NULL);
  g_object_unref (worker.client);
  return status;
}

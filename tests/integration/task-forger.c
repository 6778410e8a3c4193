/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A collector that can answer with any token at any time, unlike DeyeBusCollector: "task-forger ADDRESS ID". It registers the
 * operation "scan" with two slots. It prints "registered", and "offer NUMBER TASK ATTEMPT" for each Execute, numbered from 1.
 *
 * A command answers the Execute NUMBER with the token of the Execute TOKEN. It prints "sent", or "refused MESSAGE" if the client
 * refuses the answer.
 *
 *   start NUMBER TOKEN
 *   progress NUMBER TOKEN
 *   succeed NUMBER TOKEN TEXT
 *   retry NUMBER TOKEN
 */

#include "line-worker.h"

#include "coordination.pb-c.h"

#include <string.h>

#define TYPE "worker"

typedef Daemoneye__Eventbus__V1__Execute Execute;
typedef Daemoneye__Eventbus__V1__Outcome Outcome;
typedef Daemoneye__Eventbus__V1__Progress Progress;

struct Worker
{
  DeyeBusClient *client;
  GPtrArray *requests; /* of DeyeBusMessage */
  GPtrArray *executes; /* of Execute */
};

static GBytes *
pack (const ProtobufCMessage *message)
{
  const gsize size = protobuf_c_message_get_packed_size (message);
  guint8 *bytes = g_malloc (size + 1);

  return g_bytes_new_take (bytes, protobuf_c_message_pack (message, bytes));
}

/* --- answers --- */

static gpointer
element_at (GPtrArray *array, const char *word)
{
  const guint number = (guint) line_worker_number (word);

  if (number == 0 || number > array->len)
    g_error ("there is no offer %s", word);
  return array->pdata[number - 1];
}

static ProtobufCBinaryData
token_of (Worker *worker, char **words)
{
  return ((const Execute *) element_at (worker->executes, words[2]))->token;
}

static void
print_sent (gboolean ok, const GError *error)
{
  if (ok)
    line_worker_print ("sent");
  else
    line_worker_print ("refused %s", error->message);
}

static void
send_progress (Worker *worker, char **words, gboolean started)
{
  Progress progress = DAEMONEYE__EVENTBUS__V1__PROGRESS__INIT;
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;

  progress.token = token_of (worker, words);
  progress.started = started;
  progress.text = words[0];
  payload = pack (&progress.base);
  print_sent (
      deye_bus_client_respond_progress (worker->client, element_at (worker->requests, words[1]), payload, NULL, &error),
      error);
}

static void
send_outcome (Worker *worker, char **words, Daemoneye__Eventbus__V1__OutcomeKind kind, const char *text)
{
  Outcome outcome = DAEMONEYE__EVENTBUS__V1__OUTCOME__INIT;
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;

  outcome.token = token_of (worker, words);
  outcome.kind = kind;
  outcome.payload = (ProtobufCBinaryData){ strlen (text), (guint8 *) (gsize) text };
  payload = pack (&outcome.base);
  print_sent (deye_bus_client_respond (worker->client, element_at (worker->requests, words[1]), payload, NULL, &error),
              error);
}

static void
do_start (Worker *worker, char **words)
{
  send_progress (worker, words, TRUE);
}

static void
do_progress (Worker *worker, char **words)
{
  send_progress (worker, words, FALSE);
}

static void
do_succeed (Worker *worker, char **words)
{
  send_outcome (worker, words, DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED, words[3]);
}

static void
do_retry (Worker *worker, char **words)
{
  send_outcome (worker, words, DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_RETRYABLE, "");
}

static const LineCommand commands[] = {
  { "start", 2, 2, do_start },
  { "progress", 2, 2, do_progress },
  { "succeed", 3, 3, do_succeed },
  { "retry", 2, 2, do_retry },
};

/* --- the collector --- */

static void
on_execute (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Worker *worker = data;
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (message, &len);
  Execute *execute = daemoneye__eventbus__v1__execute__unpack (NULL, len, bytes);

  g_assert_nonnull (execute);
  g_ptr_array_add (worker->requests, deye_bus_message_ref (message));
  g_ptr_array_add (worker->executes, execute);
  line_worker_print ("offer %u %s %u", worker->executes->len, execute->task_id, execute->attempt);
}

static guint64
own_incarnation (Worker *worker, const char *id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusPeer) self = deye_bus_client_wait_for_peer (worker->client, id, NULL, NULL, &error);

  g_assert_no_error (error);
  return deye_bus_peer_get_incarnation (self);
}

static void
enroll (Worker *worker, const char *id)
{
  Daemoneye__Eventbus__V1__RegisterRequest request = DAEMONEYE__EVENTBUS__V1__REGISTER_REQUEST__INIT;
  Daemoneye__Eventbus__V1__Operation scan = DAEMONEYE__EVENTBUS__V1__OPERATION__INIT, *operations[] = { &scan };
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;

  scan.name = (char *) (gsize) "scan";
  scan.idempotent = TRUE;
  request.type = (char *) (gsize) TYPE;
  request.incarnation = own_incarnation (worker, id);
  request.operations = operations;
  request.n_operations = 1;
  request.max_concurrent = 2;
  payload = pack (&request.base);
  deye_bus_options_set_method (options, "Register");
  reply = deye_bus_client_request (worker->client, "control.collector.registration", payload, options, NULL, &error);
  g_assert_no_error (error);
}

static void
serve (Worker *worker, const char *id)
{
  g_autofree char *topic = g_strdup_printf ("control.collector.task." TYPE ".%s", id);
  g_autoptr (GError) error = NULL;
  G_GNUC_UNUSED g_autoptr (DeyeBusSubscription) serving
      = deye_bus_client_serve (worker->client, topic, NULL, on_execute, worker, NULL, NULL, &error);

  g_assert_no_error (error);
  line_worker_print ("registered");
}

static void
execute_free (gpointer execute)
{
  daemoneye__eventbus__v1__execute__free_unpacked (execute, NULL);
}

int
main (int argc, char **argv)
{
  Worker worker = { 0 };
  g_autoptr (GError) error = NULL;
  int status;

  worker.requests = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_message_unref);
  worker.executes = g_ptr_array_new_with_free_func (execute_free);
  worker.client = deye_bus_client_new (argv[1], argv[2], TYPE);
  deye_bus_client_connect (worker.client, NULL, &error);
  g_assert_no_error (error);
  enroll (&worker, argv[2]);
  serve (&worker, argv[2]);
  status = line_worker_run (worker.client, &worker, commands, G_N_ELEMENTS (commands));
  deye_bus_client_close (worker.client, NULL, NULL);
  g_ptr_array_unref (worker.requests);
  g_ptr_array_unref (worker.executes);
  g_object_unref (worker.client);
  return status;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The collector of the integration tests: a client in a process of its own that executes commands from its standard
 * input.
 *
 *   subscribe NAME PATTERN GROUP MODE [OPTION...] [POLICY [MESSAGES [BYTES [WINDOW]]]]
 *                                       GROUP "-": none. MODE: count; meta (prints "message NAME ..." for each); slow:MS
 *                                       (takes one message each MS milliseconds); take (the line "take NAME N" lets it
 *                                       take N messages more). OPTION: strategy=NAME, weight=N, in-flight=N. 0: the
 *                                       default: "subscribed NAME" or "refused NAME CODE MESSAGE"
 *                                       Later "drain NAME STATE" when it drains, has drained or takes part again
 *   take NAME N                         "taking NAME"
 *   adjust NAME POLICY [MESSAGES [BYTES]]   "adjusted NAME POLICY MESSAGES BYTES"
 *   pause NAME, resume NAME             "paused NAME", "resumed NAME"
 *   serve NAME TOPIC GROUP MODE         MODE: echo; hold (never answers, "holding NAME"); fail; late (holds the first
 *                                       request until the line "answer NAME"): "serving NAME"
 *   answer NAME                         answers the held request: "answered NAME" or "unanswered NAME MESSAGE"
 *   publish TOPIC N SIZE [TTL_MS]       message numbers continue from command to command: "published TOPIC N"
 *   offer TOPIC N SIZE TIMEOUT_MS       stops at the first that cannot be sent within that time: "offered SENT CODE"
 *   start TOPIC N SIZE                  does not wait: "started N", and when all have ended "ended SENT REFUSED"
 *   acked TOPIC                         one publish with acknowledgement: "acked MATCHED QUEUED REFUSED"/"refused CODE .."
 *   retain TOPIC MODE                   the same, retained: MODE last or connected: "retained TOPIC"/"refused CODE .."
 *   leave TOPIC MODE                    sets the last message, MODE none or last: "left TOPIC"/"refused CODE .."
 *   request TOPIC N TIMEOUT_MS          sequential requests: "replied OK FAILED LAST_CODE"
 *   await NAME TOTAL                    "reached NAME" once received + missed >= TOTAL
 *   report NAME                         "got NAME COUNT MISSED DUPLICATES DISORDERED"
 *   detail NAME                         "detail NAME HIGHEST BEFORE FULL REFUSED EXPIRED LIMIT": highest message number,
 *                                       messages that other subscriptions received before its first, and the missed
 *                                       messages by reason
 *   errors                              "errors N LAST_CODE": reported by the client's signal
 *   unsubscribe NAME                    "unsubscribed NAME DELIVERED MISSED", as the library counts
 *   stats                               "stats PEERS PENDING_REQUESTS" as this client may see it
 *   child-fds                           as in test-host
 *
 * It prints "closed CODE MESSAGE" and ends with status 3 when the broker ends the connection, and ends with status 0 at
 * the end of its standard input.
 */

#include "child-handles.h"
#include "control.pb-c.h"
#include "wire-guard.h"
#include "worker.h"

static void
do_stats (Worker *worker, char **words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) answer
      = deye_bus_client_request (worker->client, "control.bus.stats", NULL, NULL, NULL, &error);
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__StatsReply *reply;
  const guint8 *bytes;
  gsize len;

  if (answer == NULL)
    {
      line_worker_print ("refused %d %s", error->code, error->message);
      return;
    }
  bytes = deye_bus_message_get_data (answer, &len);
  guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__stats_reply__descriptor, wire_span (bytes, len), 0, NULL);
  g_assert_nonnull (guard);
  reply = wire_guard_message (guard);
  line_worker_print ("stats %" G_GSIZE_FORMAT " %s", reply->n_peers, reply->n_peers > 0 ? reply->peers[0]->id : "-");
}

static void
do_errors (Worker *worker, char **words)
{
  line_worker_print ("errors %" G_GUINT64_FORMAT " %d", worker->errors, worker->last_error);
}

static void
do_child_fds (Worker *worker, char **words)
{
  child_handles_print ();
}

static const LineCommand commands[] = {
  { "subscribe", 4, 11, worker_do_subscribe },
  { "take", 2, 2, worker_do_take },
  { "adjust", 2, 4, worker_do_adjust },
  { "pause", 1, 1, worker_do_pause },
  { "resume", 1, 1, worker_do_resume },
  { "serve", 4, 4, worker_do_serve },
  { "answer", 1, 1, worker_do_answer },
  { "publish", 3, 4, worker_do_publish },
  { "offer", 4, 4, worker_do_offer },
  { "start", 3, 3, worker_do_start },
  { "acked", 1, 1, worker_do_acked },
  { "retain", 2, 2, worker_do_retain },
  { "leave", 2, 2, worker_do_leave },
  { "request", 3, 3, worker_do_request },
  { "await", 2, 2, worker_do_await },
  { "report", 1, 1, worker_do_report },
  { "detail", 1, 1, worker_do_detail },
  { "errors", 0, 0, do_errors },
  { "unsubscribe", 1, 1, worker_do_unsubscribe },
  { "stats", 0, 0, do_stats },
  { "child-fds", 0, 0, do_child_fds },
};

static void
on_error (DeyeBusClient *client, GError *error, gpointer data)
{
  Worker *worker = data;

  worker->errors++;
  worker->last_error = error->code;
}

int
main (int argc, char **argv)
{
  g_autofree char *address = NULL;
  g_autofree char *id = NULL;
  g_autofree char *type = NULL;
  g_autoptr (GError) error = NULL;
  GOptionEntry entries[] = {
    { "address", 0, 0, G_OPTION_ARG_STRING, &address, "Socket of the bus", "PATH" },
    { "id", 0, 0, G_OPTION_ARG_STRING, &id, "Name of this collector", "ID" },
    { "type", 0, 0, G_OPTION_ARG_STRING, &type, "Kind of this collector", "TYPE" },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  };
  g_autoptr (GOptionContext) options = g_option_context_new (NULL);
  Worker worker = { 0 };
  int status;

  if (child_handles_run_list (argc, argv))
    return 0;
  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    g_error ("%s", error->message);

  worker.client = deye_bus_client_new (address, id, type);
  deye_bus_client_set_reconnect (worker.client, FALSE);
  if (!deye_bus_client_connect (worker.client, NULL, &error))
    {
      line_worker_print ("failed %d %s", error->code, error->message);
      g_object_unref (worker.client);
      return 2;
    }
  worker.subs = worker_subs_new ();
  g_signal_connect (worker.client, "error", G_CALLBACK (on_error), &worker);
  status = line_worker_run (worker.client, &worker, commands, G_N_ELEMENTS (commands));
  g_hash_table_unref (worker.subs);
  if (status == 0 && !deye_bus_client_close (worker.client, NULL, &error))
    {
      line_worker_print ("unclean %d %s", error->code, error->message);
      status = 4;
    }
  g_object_unref (worker.client);
  return status;
}

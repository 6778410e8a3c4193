/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A client process of bench-pressure: it executes commands that the benchmark sends as lines, and uses only the public
 * client library.
 *
 *   subscribe TOPIC POLICY PACE      POLICY: as its enum's nick. PACE: fast; slow:N (N messages a second); burst:N:MS (N
 *                                    at once, then none for MS): "subscribed"
 *   await TOTAL                      "reached" once received + missed >= TOTAL
 *   report                           "got RECEIVED MISSED MISPLACED REASON:N..." (MISSED by code of DeyeBusError)
 *   flood TOPIC K N MS MIN MAX HOW   publishes payloads of MIN to MAX bytes to K topics in turn (TOPIC, or TOPIC.0, TOPIC.1, ...)
 *                                    until N are sent (0: no limit) or MS have passed. HOW: pump (dispatches now and then) or
 *                                    deaf (never dispatches): "flooded SENT ERRORS LONGEST_US ELAPSED_US CODE"
 *   burn PERCENT MS                  uses that much of a CPU without the bus: "burnt"
 *   serve TOPIC...                   answers each request with its own payload: "serving"
 *   request MS PERIOD_US TOPIC...    one request each period, to the topics in turn: for each topic "latency TOPIC N P50_US
 *                                    P99_US MAX_US", and "requested FAILED"
 *
 * A payload starts with the number of its message on its topic, so a receiver knows how many messages are missing
 * before each delivery. MISPLACED counts the deliveries before which the reported gaps do not add up to that. The
 * worker only measures and counts; it does not judge.
 *
 * It prints "closed CODE MESSAGE" and ends with status 3 when the broker ends the connection. It ends with status 0 at
 * the end of its standard input, and is killed when its parent ends.
 */

#include "line-worker.h"

#include "test-system.h"

#include <string.h>

#define MAX_TOPICS   64u
#define MAX_REASON   99u  /* the codes of the broker are smaller */
#define PUMP_EVERY   256u /* messages */
#define BURN_TURN_US 10000
#define SLEEP_MIN_US 1000 /* shorter sleeps are added up */

struct Worker
{
  DeyeBusClient *client;
  DeyeBusSubscription *subscription; /* at most one */
  GPtrArray *served;                 /* of DeyeBusSubscription */

  guint64 per_second; /* pace slow; 0: another pace */
  guint64 burst;      /* pace burst; 0: another pace */
  gulong rest_us;
  gint64 due_us;
  guint64 received;
  guint64 missed;
  guint64 misplaced;
  guint64 missed_by[MAX_REASON + 1];
  guint64 awaited; /* the total of the command "await"; 0: none */

  guint64 errors; /* number of signals "error" */
  guint32 random;
};

/* --- a receiver --- */

static void
print_if_reached (Worker *worker)
{
  if (worker->awaited == 0 || worker->received + worker->missed < worker->awaited)
    return;
  worker->awaited = 0;
  line_worker_print ("reached");
}

/* Sleeps so that messages are handled at the requested rate. A message that is not handled holds its credit. */
static void
keep_pace (Worker *worker)
{
  gint64 now_us = g_get_monotonic_time ();

  if (worker->burst > 0 && worker->received % worker->burst == 0)
    g_usleep (worker->rest_us);
  if (worker->per_second == 0 || worker->received % MAX (worker->per_second / 1000, 1) != 0)
    return;
  worker->due_us = MAX (worker->due_us, now_us - SLEEP_MIN_US)
                   + (gint64) (MAX (worker->per_second / 1000, 1) * G_USEC_PER_SEC / worker->per_second);
  if (worker->due_us - now_us >= SLEEP_MIN_US)
    g_usleep ((gulong) (worker->due_us - now_us));
}

static void
on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Worker *worker = data;
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (message, &len);
  guint64 number;

  g_assert_cmpuint (len, >=, sizeof number);
  memcpy (&number, bytes, sizeof number);
  if (GUINT64_FROM_LE (number) != worker->received + worker->missed)
    worker->misplaced++;
  worker->received++;
  keep_pace (worker);
  print_if_reached (worker);
}

static void
on_gap (DeyeBusSubscription *subscription, guint64 from, guint64 to, guint64 n, guint reason, gpointer data)
{
  Worker *worker = data;

  worker->missed += n;
  worker->missed_by[MIN (reason, MAX_REASON)] += n;
  print_if_reached (worker);
}

static DeyeBusPolicy
policy_of (const char *nick)
{
  static const struct
  {
    const char *nick;
    DeyeBusPolicy policy;
  } policies[] = {
    { "block", DEYE_BUS_POLICY_BLOCK },
    { "drop-oldest", DEYE_BUS_POLICY_DROP_OLDEST },
    { "drop-newest", DEYE_BUS_POLICY_DROP_NEWEST },
    { "error", DEYE_BUS_POLICY_ERROR },
    { "conflate", DEYE_BUS_POLICY_CONFLATE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (policies); i++)
    if (g_str_equal (policies[i].nick, nick))
      return policies[i].policy;
  g_error ("unknown policy: %s", nick);
}

static void
do_subscribe (Worker *worker, char **words)
{
  g_autoptr (DeyeBusSubscribeOptions) options = deye_bus_subscribe_options_new ();
  g_auto (GStrv) pace = g_strsplit (words[3], ":", -1);
  g_autoptr (GError) error = NULL;

  g_assert_null (worker->subscription);
  if (g_str_equal (pace[0], "slow") && pace[1] != NULL)
    worker->per_second = line_worker_number (pace[1]);
  else if (g_str_equal (pace[0], "burst") && pace[1] != NULL && pace[2] != NULL)
    {
      worker->burst = line_worker_number (pace[1]);
      worker->rest_us = (gulong) line_worker_number (pace[2]) * 1000;
    }
  deye_bus_subscribe_options_set_policy (options, policy_of (words[2]));
  worker->subscription = deye_bus_client_subscribe_full (worker->client, words[1], NULL, options, on_message, worker,
                                                         NULL, NULL, &error);
  if (worker->subscription == NULL)
    g_error ("subscribe: %s", error->message);
  g_signal_connect (worker->subscription, "gap", G_CALLBACK (on_gap), worker);
  line_worker_print ("subscribed");
}

static void
do_await (Worker *worker, char **words)
{
  worker->awaited = line_worker_number (words[1]);
  print_if_reached (worker);
}

static void
do_report (Worker *worker, char **words)
{
  g_autoptr (GString) reasons = g_string_new (NULL);

  g_assert_cmpuint (worker->received, ==, deye_bus_subscription_get_delivered (worker->subscription));
  g_assert_cmpuint (worker->missed, ==, deye_bus_subscription_get_missed (worker->subscription));
  for (guint i = 0; i <= MAX_REASON; i++)
    if (worker->missed_by[i] > 0)
      g_string_append_printf (reasons, " %u:%" G_GUINT64_FORMAT, i, worker->missed_by[i]);
  line_worker_print ("got %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "%s", worker->received,
                     worker->missed, worker->misplaced, reasons->str);
}

/* --- the publisher --- */

static void
on_error (DeyeBusClient *client, GError *error, gpointer data)
{
  ((Worker *) data)->errors++;
}

/* A random generator with a fixed seed, so that the sizes are the same in every run. */
static gsize
size_between (Worker *worker, gsize min, gsize max)
{
  worker->random ^= worker->random << 13;
  worker->random ^= worker->random >> 17;
  worker->random ^= worker->random << 5;
  return min + worker->random % (max - min + 1);
}

static GBytes *
numbered (guint64 number, gsize len)
{
  guint64 le = GUINT64_TO_LE (number);
  guint8 *bytes = g_malloc0 (MAX (len, sizeof le));

  memcpy (bytes, &le, sizeof le);
  return g_bytes_new_take (bytes, MAX (len, sizeof le));
}

/* Dispatches messages that have arrived; no commands arrive while one runs. */
static void
pump (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
do_flood (Worker *worker, char **words)
{
  guint n_topics = (guint) line_worker_number (words[2]);
  guint64 n = line_worker_number (words[3]);
  gint64 start_us = g_get_monotonic_time ();
  gint64 end_us = start_us + g_ascii_strtoll (words[4], NULL, 10) * 1000;
  gsize min = (gsize) line_worker_number (words[5]);
  gsize max = (gsize) line_worker_number (words[6]);
  gboolean pumps = g_str_equal (words[7], "pump");
  g_autoptr (GPtrArray) topics = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  gint64 longest_us = 0;
  gint64 now_us = start_us;
  guint64 sent = 0;

  g_assert_cmpuint (n_topics, >=, 1);
  g_assert_cmpuint (n_topics, <=, MAX_TOPICS);
  for (guint i = 0; i < n_topics; i++)
    g_ptr_array_add (topics, n_topics == 1 ? g_strdup (words[1]) : g_strdup_printf ("%s.%u", words[1], i));
  while ((n == 0 || sent < n) && now_us < end_us)
    {
      g_autoptr (GBytes) payload = numbered (sent / n_topics, size_between (worker, min, max));
      gint64 before_us = now_us;

      if (!deye_bus_client_publish (worker->client, g_ptr_array_index (topics, sent % n_topics), payload, NULL, NULL,
                                    NULL, &error))
        break;
      sent++;
      if (pumps && sent % PUMP_EVERY == 0)
        pump ();
      now_us = g_get_monotonic_time ();
      longest_us = MAX (longest_us, now_us - before_us);
    }
  pump ();
  line_worker_print ("flooded %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
                     " %d %s",
                     sent, worker->errors, longest_us, now_us - start_us, error != NULL ? error->code : 0,
                     error != NULL ? error->message : "");
}

static void
do_burn (Worker *worker, char **words)
{
  gint64 turn_us = MIN (g_ascii_strtoll (words[1], NULL, 10), 100) * BURN_TURN_US / 100;
  gint64 now_us = g_get_monotonic_time ();
  gint64 end_us = now_us + g_ascii_strtoll (words[2], NULL, 10) * 1000;

  while (now_us < end_us)
    {
      gint64 stop_us = now_us + turn_us;

      while ((now_us = g_get_monotonic_time ()) < stop_us)
        ;
      if (turn_us < BURN_TURN_US)
        g_usleep ((gulong) (BURN_TURN_US - turn_us));
      now_us = g_get_monotonic_time ();
    }
  line_worker_print ("burnt");
}

/* --- requests and answers --- */

static void
on_request (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer data)
{
  Worker *worker = data;
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (request);

  deye_bus_client_respond (worker->client, request, payload, NULL, NULL);
}

static void
do_serve (Worker *worker, char **words)
{
  for (guint i = 1; words[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      DeyeBusSubscription *served
          = deye_bus_client_serve (worker->client, words[i], NULL, on_request, worker, NULL, NULL, &error);

      if (served == NULL)
        g_error ("serve %s: %s", words[i], error->message);
      g_ptr_array_add (worker->served, served);
    }
  line_worker_print ("serving");
}

static gint
by_value (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

static void
print_latency (const char *topic, GArray *sorted)
{
  guint n = sorted->len;

  g_array_sort (sorted, by_value);
  if (n > 0)
    line_worker_print ("latency %s %u %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, topic, n,
                       g_array_index (sorted, gint64, n / 2), g_array_index (sorted, gint64, (n - 1) * 99 / 100),
                       g_array_index (sorted, gint64, n - 1));
}

static gboolean
ask (Worker *worker, const char *topic, GArray *took)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  gint64 before_us = g_get_monotonic_time ();
  g_autoptr (DeyeBusMessage) answer = deye_bus_client_request (worker->client, topic, payload, NULL, NULL, NULL);
  gint64 us = g_get_monotonic_time () - before_us;

  if (answer != NULL)
    g_array_append_val (took, us);
  return answer != NULL;
}

static void
do_request (Worker *worker, char **words)
{
  gint64 now_us = g_get_monotonic_time ();
  gint64 end_us = now_us + g_ascii_strtoll (words[1], NULL, 10) * 1000;
  gint64 period_us = g_ascii_strtoll (words[2], NULL, 10);
  char **topics = words + 3;
  guint n_topics = g_strv_length (topics);
  g_autoptr (GPtrArray) took = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  guint failed = 0;

  for (guint i = 0; i < n_topics; i++)
    g_ptr_array_add (took, g_array_new (FALSE, FALSE, sizeof (gint64)));
  for (guint i = 0; now_us < end_us; i++)
    {
      gint64 next_us = now_us + period_us;

      if (!ask (worker, topics[i % n_topics], g_ptr_array_index (took, i % n_topics)))
        failed++;
      now_us = g_get_monotonic_time ();
      if (now_us < next_us)
        g_usleep ((gulong) (next_us - now_us));
      now_us = g_get_monotonic_time ();
    }
  for (guint i = 0; i < n_topics; i++)
    print_latency (topics[i], g_ptr_array_index (took, i));
  line_worker_print ("requested %u", failed);
}

/* --- lines --- */

static const LineCommand commands[] = {
  { "subscribe", 3, 3, do_subscribe },
  { "await", 1, 1, do_await },
  { "report", 0, 0, do_report },
  { "flood", 7, 7, do_flood },
  { "burn", 2, 2, do_burn },
  { "serve", 1, MAX_TOPICS, do_serve },
  { "request", 3, MAX_TOPICS, do_request },
};

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Worker worker = { .random = 2463534242u };
  int status;

  if (argc != 4)
    g_error ("usage: pressure-worker ADDRESS ID TYPE");
  test_system_die_with_parent ();
  worker.served = g_ptr_array_new_with_free_func (g_object_unref);
  worker.client = deye_bus_client_new (argv[1], argv[2], argv[3]);
  if (!deye_bus_client_connect (worker.client, NULL, &error))
    g_error ("connect: %s", error->message);
  g_signal_connect (worker.client, "error", G_CALLBACK (on_error), &worker);
  status = line_worker_run (worker.client, &worker, commands, G_N_ELEMENTS (commands));
  if (status == 0 && !deye_bus_client_close (worker.client, NULL, &error))
    g_error ("close: %s", error->message);
  g_clear_object (&worker.subscription);
  g_ptr_array_unref (worker.served);
  g_object_unref (worker.client);
  return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <string.h>

/* The subscriptions of test-worker: checks the content and the order of each message, and counts received messages, and the missed
 * ones that gaps report, by reason. */

#define REASONS 64u /* status codes of gaps are smaller */

typedef enum
{
  MODE_COUNT,
  MODE_META,
  MODE_SLOW,
  MODE_TAKE,
  MODE_ECHO,
  MODE_HOLD,
  MODE_FAIL,
  MODE_LATE,
} Mode;

typedef struct
{
  Worker *worker; /* not owned */
  char *name;
  DeyeBusSubscription *subscription;
  Mode mode;
  GSource *pace;        /* slow */
  gboolean taking;      /* slow, take: the next message was asked for */
  guint64 to_take;      /* take: messages that may still be taken */
  DeyeBusMessage *held; /* late */
  guint64 received;
  guint64 missed;
  guint64 missed_by[REASONS];
  guint64 duplicates;
  guint64 disordered; /* messages with a number below the last one of the same sender and topic */
  guint64 highest;    /* largest number that was received */
  guint64 before;     /* messages of the other subscriptions before the first one here */
  guint64 awaited;    /* the total of the command "await"; 0: none */
  GHashTable *seen;   /* "sender topic number" */
  GHashTable *last;   /* "sender topic" -> guint64* */
} Sub;

static void
sub_free (gpointer data)
{
  Sub *sub = data;

  if (sub->pace != NULL)
    g_source_destroy (sub->pace);
  g_clear_pointer (&sub->pace, g_source_unref);
  g_clear_pointer (&sub->held, deye_bus_message_unref);
  g_clear_object (&sub->subscription);
  g_hash_table_unref (sub->seen);
  g_hash_table_unref (sub->last);
  g_free (sub->name);
  g_free (sub);
}

static Sub *
sub_new (Worker *worker, const char *name, Mode mode)
{
  Sub *sub = g_new0 (Sub, 1);

  sub->worker = worker;
  sub->name = g_strdup (name);
  sub->mode = mode;
  sub->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  sub->last = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert (worker->subs, sub->name, sub);
  return sub;
}

static Sub *
sub_named (Worker *worker, const char *name)
{
  Sub *sub = g_hash_table_lookup (worker->subs, name);

  if (sub == NULL)
    g_error ("no subscription %s", name);
  return sub;
}

static void
print_if_reached (Sub *sub)
{
  if (sub->awaited == 0 || sub->received + sub->missed < sub->awaited)
    return;
  sub->awaited = 0;
  line_worker_print ("reached %s", sub->name);
}

static guint64
received_by_all (Worker *worker)
{
  guint64 sum = 0;
  GHashTableIter iter;
  gpointer sub;

  g_hash_table_iter_init (&iter, worker->subs);
  while (g_hash_table_iter_next (&iter, NULL, &sub))
    sum += ((const Sub *) sub)->received;
  return sum;
}

static void
count (Sub *sub, DeyeBusMessage *message)
{
  gsize len;
  const guint8 *data = deye_bus_message_get_data (message, &len);
  g_autofree char *source
      = g_strdup_printf ("%s %s", deye_bus_message_get_sender (message), deye_bus_message_get_topic (message));
  guint64 number;
  guint64 *last;

  if (sub->received++ == 0)
    sub->before = received_by_all (sub->worker) - 1;
  if (len < sizeof number)
    return;
  memcpy (&number, data, sizeof number);
  number = GUINT64_FROM_LE (number);
  for (gsize i = sizeof number; i < len; i++)
    if (data[i] != (guint8) (i * 31 + number))
      g_error ("payload %" G_GUINT64_FORMAT " of %s is damaged at byte %" G_GSIZE_FORMAT, number, source, i);
  if (!g_hash_table_add (sub->seen, g_strdup_printf ("%s %" G_GUINT64_FORMAT, source, number)))
    sub->duplicates++;
  last = g_hash_table_lookup (sub->last, source);
  if (last == NULL)
    {
      last = g_new0 (guint64, 1);
      g_hash_table_insert (sub->last, g_strdup (source), last);
    }
  else if (number < *last)
    sub->disordered++;
  *last = number;
  sub->highest = MAX (sub->highest, number);
}

static char *
hex (GBytes *bytes)
{
  GString *text = g_string_new (NULL);
  gsize len = 0;
  const guint8 *data = bytes != NULL ? g_bytes_get_data (bytes, &len) : NULL;

  for (gsize i = 0; i < len; i++)
    g_string_append_printf (text, "%02x", data[i]);
  return g_string_free (text, FALSE);
}

static const char *
text_or (const char *text)
{
  return text != NULL ? text : "-";
}

static void
print_meta (Sub *sub, DeyeBusMessage *m)
{
  g_autoptr (GBytes) trace = deye_bus_message_dup_trace_id (m);
  g_autoptr (GBytes) span = deye_bus_message_dup_span_id (m);
  g_autofree char *trace_hex = hex (trace);
  g_autofree char *span_hex = hex (span);
  g_auto (GStrv) tags = deye_bus_message_dup_tags (m);
  g_autofree char *joined = tags != NULL ? g_strjoinv (",", tags) : g_strdup ("");

  line_worker_print (
      "message %s topic=%s sender=%s type_name=%s content_type=%s correlation=%s parent=%s root=%s trace=%s span=%s"
      " number=%" G_GUINT64_FORMAT " stage=%s priority=%u tags=%s stamped=%d",
      sub->name, deye_bus_message_get_topic (m), deye_bus_message_get_sender (m),
      text_or (deye_bus_message_get_type_name (m)), text_or (deye_bus_message_get_content_type (m)),
      text_or (deye_bus_message_get_correlation_id (m)), text_or (deye_bus_message_get_parent_id (m)),
      text_or (deye_bus_message_get_root_id (m)), trace_hex, span_hex, deye_bus_message_get_sequence_number (m),
      text_or (deye_bus_message_get_stage (m)), deye_bus_message_get_priority (m), joined,
      deye_bus_message_get_sequence (m) > 0 && deye_bus_message_get_accept_time (m) > 0);
}

static void
on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Sub *sub = data;

  count (sub, message);
  if (sub->mode == MODE_META)
    print_meta (sub, message);
  print_if_reached (sub);
}

static void
on_gap (DeyeBusSubscription *subscription, guint64 from, guint64 to, guint64 n, guint reason, gpointer data)
{
  Sub *sub = data;

  g_assert_cmpuint (from, <=, to);
  g_assert_cmpuint (n, >, 0);
  g_assert_cmpuint (reason, <, REASONS);
  sub->missed += n;
  sub->missed_by[reason] += n;
  print_if_reached (sub);
}

static void take_next (Sub *sub);

static void
on_drain (DeyeBusSubscription *subscription, gpointer data)
{
  static const char *const states[] = { "none", "draining", "drained" };
  const Sub *sub = data;

  line_worker_print ("drain %s %s", sub->name, states[deye_bus_subscription_get_drain_state (subscription)]);
}

static void
on_taken (GObject *source, GAsyncResult *result, gpointer data)
{
  Sub *sub = data;
  g_autoptr (DeyeBusMessage) message = deye_bus_subscription_next_finish (DEYE_BUS_SUBSCRIPTION (source), result, NULL);

  if (message == NULL)
    return; /* unsubscribed or closed; sub may be gone */
  sub->taking = FALSE;
  count (sub, message);
  print_if_reached (sub);
  if (sub->mode == MODE_TAKE && --sub->to_take > 0)
    take_next (sub);
}

static void
take_next (Sub *sub)
{
  if (sub->taking)
    return;
  sub->taking = TRUE;
  deye_bus_subscription_next_async (sub->subscription, NULL, on_taken, sub);
}

static gboolean
on_pace (gpointer data)
{
  take_next (data);
  return G_SOURCE_CONTINUE;
}

static void
echo (Sub *sub, DeyeBusMessage *request)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (request);
  g_autoptr (GError) error = NULL;

  if (!deye_bus_client_respond (sub->worker->client, request, payload, NULL, &error))
    line_worker_print ("unanswered %s %s", sub->name, error->message);
  else if (sub->mode == MODE_LATE)
    line_worker_print ("answered %s", sub->name);
}

static void
on_request (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer data)
{
  Sub *sub = data;

  count (sub, request);
  switch (sub->mode)
    {
    case MODE_FAIL:
      deye_bus_client_respond_error (sub->worker->client, request, "org.example.NoDisk", "the disk is gone", NULL);
      break;
    case MODE_LATE:
      g_clear_pointer (&sub->held, deye_bus_message_unref);
      sub->held = deye_bus_message_ref (request);
      line_worker_print ("holding %s", sub->name);
      break;
    case MODE_HOLD:
      line_worker_print ("holding %s", sub->name);
      break;
    case MODE_COUNT:
    case MODE_META:
    case MODE_SLOW:
    case MODE_TAKE:
    case MODE_ECHO:
    default:
      echo (sub, request);
    }
}

static const char *
group_or_null (const char *group)
{
  return g_str_equal (group, "-") ? NULL : group;
}

static DeyeBusPolicy
policy_named (const char *name)
{
  static const char *const names[] = { "default", "block", "drop-oldest", "drop-newest", "error", "conflate" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (names[i], name))
      return (DeyeBusPolicy) i;
  g_error ("no policy %s", name);
}

static DeyeBusStrategy
strategy_named (const char *name)
{
  static const char *const names[] = { "default", "round-robin", "least-loaded", "random", "first-available" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (names[i], name))
      return (DeyeBusStrategy) i;
  g_error ("no strategy %s", name);
}

/* Reads strategy=NAME, weight=N or in-flight=N. FALSE: it is another word. */
static gboolean
option_of_group (DeyeBusSubscribeOptions *options, const char *word)
{
  if (g_str_has_prefix (word, "strategy="))
    deye_bus_subscribe_options_set_strategy (options, strategy_named (word + strlen ("strategy=")));
  else if (g_str_has_prefix (word, "weight="))
    deye_bus_subscribe_options_set_weight (options, line_worker_number (word + strlen ("weight=")));
  else if (g_str_has_prefix (word, "in-flight="))
    deye_bus_subscribe_options_set_in_flight (options, line_worker_number (word + strlen ("in-flight=")));
  else
    return FALSE;
  return TRUE;
}

/* Reads the options of a group, then POLICY [MESSAGES [BYTES [WINDOW]]]. All are optional. */
static DeyeBusSubscribeOptions *
options_from (char **words)
{
  DeyeBusSubscribeOptions *options = deye_bus_subscribe_options_new ();
  guint n;

  while (words[0] != NULL && option_of_group (options, words[0]))
    words++;
  n = g_strv_length (words);

  if (n > 0)
    deye_bus_subscribe_options_set_policy (options, policy_named (words[0]));
  if (n > 1)
    deye_bus_subscribe_options_set_queue_messages (options, line_worker_number (words[1]));
  if (n > 2)
    deye_bus_subscribe_options_set_queue_bytes (options, line_worker_number (words[2]));
  if (n > 3)
    deye_bus_subscribe_options_set_window_messages (options, line_worker_number (words[3]));
  return options;
}

static void
forget (Worker *worker, const char *name, const GError *error)
{
  line_worker_print ("refused %s %d %s", name, error->code, error->message);
  g_hash_table_remove (worker->subs, name);
}

static void
begin_pace (Sub *sub, const char *ms)
{
  sub->pace = g_timeout_source_new ((guint) line_worker_number (ms));
  g_source_set_callback (sub->pace, on_pace, sub, NULL);
  g_source_attach (sub->pace, NULL);
}

void
worker_do_subscribe (Worker *worker, char **words)
{
  g_autoptr (DeyeBusSubscribeOptions) options = options_from (words + 5);
  g_autoptr (GError) error = NULL;
  Mode mode = g_str_equal (words[4], "meta")         ? MODE_META
              : g_str_equal (words[4], "take")       ? MODE_TAKE
              : g_str_has_prefix (words[4], "slow:") ? MODE_SLOW
                                                     : MODE_COUNT;
  gboolean pulls = mode == MODE_SLOW || mode == MODE_TAKE;
  Sub *sub = sub_new (worker, words[1], mode);

  sub->subscription = deye_bus_client_subscribe_full (worker->client, words[2], group_or_null (words[3]), options,
                                                      pulls ? NULL : on_message, sub, NULL, NULL, &error);
  if (sub->subscription == NULL)
    {
      forget (worker, words[1], error);
      return;
    }
  g_signal_connect (sub->subscription, "gap", G_CALLBACK (on_gap), sub);
  g_signal_connect (sub->subscription, "drain-changed", G_CALLBACK (on_drain), sub);
  if (mode == MODE_SLOW)
    begin_pace (sub, words[4] + strlen ("slow:"));
  line_worker_print ("subscribed %s", words[1]);
}

void
worker_do_serve (Worker *worker, char **words)
{
  g_autoptr (GError) error = NULL;
  Mode mode = g_str_equal (words[4], "hold")   ? MODE_HOLD
              : g_str_equal (words[4], "fail") ? MODE_FAIL
              : g_str_equal (words[4], "late") ? MODE_LATE
                                               : MODE_ECHO;
  Sub *sub = sub_new (worker, words[1], mode);

  sub->subscription
      = deye_bus_client_serve (worker->client, words[2], group_or_null (words[3]), on_request, sub, NULL, NULL, &error);
  if (sub->subscription == NULL)
    forget (worker, words[1], error);
  else
    line_worker_print ("serving %s", words[1]);
}

void
worker_do_take (Worker *worker, char **words)
{
  Sub *sub = sub_named (worker, words[1]);

  sub->to_take += line_worker_number (words[2]);
  take_next (sub);
  line_worker_print ("taking %s", words[1]);
}

void
worker_do_answer (Worker *worker, char **words)
{
  Sub *sub = sub_named (worker, words[1]);

  echo (sub, sub->held);
}

void
worker_do_adjust (Worker *worker, char **words)
{
  Sub *sub = sub_named (worker, words[1]);
  g_autoptr (DeyeBusSubscribeOptions) options = options_from (words + 2);
  g_autoptr (GError) error = NULL;

  if (!deye_bus_subscription_adjust (sub->subscription, options, NULL, &error))
    line_worker_print ("refused %s %d %s", sub->name, error->code, error->message);
  else
    line_worker_print ("adjusted %s %d %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, sub->name,
                       (int) deye_bus_subscription_get_policy (sub->subscription),
                       deye_bus_subscription_get_queue_messages (sub->subscription),
                       deye_bus_subscription_get_queue_bytes (sub->subscription));
}

void
worker_do_pause (Worker *worker, char **words)
{
  g_autoptr (GError) error = NULL;

  deye_bus_subscription_pause (sub_named (worker, words[1])->subscription, &error);
  g_assert_no_error (error);
  line_worker_print ("paused %s", words[1]);
}

void
worker_do_resume (Worker *worker, char **words)
{
  g_autoptr (GError) error = NULL;

  deye_bus_subscription_resume (sub_named (worker, words[1])->subscription, &error);
  g_assert_no_error (error);
  line_worker_print ("resumed %s", words[1]);
}

void
worker_do_await (Worker *worker, char **words)
{
  Sub *sub = sub_named (worker, words[1]);

  sub->awaited = line_worker_number (words[2]);
  print_if_reached (sub);
}

void
worker_do_report (Worker *worker, char **words)
{
  Sub *sub = sub_named (worker, words[1]);

  g_assert_cmpuint (sub->missed, ==, deye_bus_subscription_get_missed (sub->subscription));
  line_worker_print ("got %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                     sub->name, sub->received, sub->missed, sub->duplicates, sub->disordered);
}

void
worker_do_detail (Worker *worker, char **words)
{
  Sub *sub = sub_named (worker, words[1]);

  line_worker_print ("detail %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                     " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                     sub->name, sub->highest, sub->before, sub->missed_by[DEYE_BUS_ERROR_SLOW_CONSUMER],
                     sub->missed_by[DEYE_BUS_ERROR_WOULD_BLOCK], sub->missed_by[DEYE_BUS_ERROR_EXPIRED],
                     sub->missed_by[DEYE_BUS_ERROR_LIMIT]);
}

void
worker_do_unsubscribe (Worker *worker, char **words)
{
  Sub *sub = sub_named (worker, words[1]);
  g_autoptr (GError) error = NULL;

  if (!deye_bus_subscription_unsubscribe (sub->subscription, NULL, &error))
    g_error ("unsubscribe %s: %s", sub->name, error->message);
  line_worker_print ("unsubscribed %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, words[1],
                     deye_bus_subscription_get_delivered (sub->subscription),
                     deye_bus_subscription_get_missed (sub->subscription));
  g_hash_table_remove (worker->subs, words[1]);
}

GHashTable *
worker_subs_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, NULL, sub_free);
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A collector with strings on it: a client in a process of its own that does what a test says in lines.
 *
 *   subscribe NAME PATTERN GROUP MODE   GROUP "-": none. MODE: count; meta (prints "message NAME ..." for each); slow:MS
 *                                       (takes one message each MS milliseconds): "subscribed NAME"
 *   serve NAME TOPIC GROUP MODE         MODE: echo; hold (answers never, "holding NAME"); fail; late (holds the first
 *                                       request until the line "answer NAME"): "serving NAME"
 *   answer NAME                         answers the held request: "answered NAME" or "unanswered NAME MESSAGE"
 *   publish TOPIC N SIZE                numbers go on from publish to publish: "published TOPIC N"
 *   acked TOPIC                         one publish with acknowledgement: "acked MATCHED QUEUED REFUSED"/"refused CODE .."
 *   request TOPIC N TIMEOUT_MS          one after the other: "replied OK FAILED LAST_CODE"
 *   await NAME TOTAL                    "reached NAME" once received + missed >= TOTAL
 *   report NAME                         "got NAME COUNT MISSED DUPLICATES DISORDERED"
 *   unsubscribe NAME                    "unsubscribed NAME"
 *   stats                               "stats PEERS PENDING_REQUESTS" as this client may see it
 *   child-fds                           as in test-host
 *
 * "closed CODE MESSAGE" when the connection ends otherwise than by us (exit status 3). Ends well at the end of its
 * standard input.
 */

#include "child-fds.h"
#include "control.pb-c.h"
#include "deye-bus.h"
#include "wire-guard.h"

#include <gio/gunixinputstream.h>

typedef enum
{
  MODE_COUNT,
  MODE_META,
  MODE_SLOW,
  MODE_ECHO,
  MODE_HOLD,
  MODE_FAIL,
  MODE_LATE,
} Mode;

typedef struct Worker Worker;

typedef struct
{
  Worker *worker; /* not owned */
  char *name;
  DeyeBusSubscription *subscription;
  Mode mode;
  GSource *pace;        /* slow */
  gboolean taking;      /* slow: a next is on its way */
  DeyeBusMessage *held; /* late */
  guint64 received;
  guint64 missed;
  guint64 duplicates;
  guint64 disordered; /* a number below the last one of the same sender and topic */
  guint64 awaited;    /* 0: nobody waits */
  GHashTable *seen;   /* "sender topic number" */
  GHashTable *last;   /* "sender topic" -> guint64* */
} Sub;

struct Worker
{
  DeyeBusClient *client;
  GHashTable *subs; /* name -> Sub */
  GDataInputStream *input;
  GMainLoop *loop;
  guint64 published;
  gboolean leaving;
  int status;
};

static void say (const char *format, ...) G_GNUC_PRINTF (1, 2);

static void
say (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vprintf (format, args);
  va_end (args);
  putchar ('\n');
  fflush (stdout);
}

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
tell_who_waits (Sub *sub)
{
  if (sub->awaited == 0 || sub->received + sub->missed < sub->awaited)
    return;
  sub->awaited = 0;
  say ("reached %s", sub->name);
}

static void
count (Sub *sub, DeyeBusMessage *message)
{
  gsize len;
  const guint8 *data = deye_bus_message_get_data (message, &len);
  g_autofree char *who
      = g_strdup_printf ("%s %s", deye_bus_message_get_sender (message), deye_bus_message_get_topic (message));
  guint64 number;
  guint64 *last;

  sub->received++;
  if (len < sizeof number)
    return;
  memcpy (&number, data, sizeof number);
  number = GUINT64_FROM_LE (number);
  for (gsize i = sizeof number; i < len; i++)
    if (data[i] != (guint8) (i * 31 + number))
      g_error ("payload %" G_GUINT64_FORMAT " of %s is damaged at byte %" G_GSIZE_FORMAT, number, who, i);
  if (!g_hash_table_add (sub->seen, g_strdup_printf ("%s %" G_GUINT64_FORMAT, who, number)))
    sub->duplicates++;
  last = g_hash_table_lookup (sub->last, who);
  if (last == NULL)
    {
      last = g_new0 (guint64, 1);
      g_hash_table_insert (sub->last, g_strdup (who), last);
    }
  else if (number < *last)
    sub->disordered++;
  *last = number;
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

  say ("message %s topic=%s sender=%s type_name=%s content_type=%s correlation=%s parent=%s root=%s trace=%s span=%s"
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
  tell_who_waits (sub);
}

static void
on_gap (DeyeBusSubscription *subscription, guint64 from, guint64 to, guint64 n, guint reason, gpointer data)
{
  Sub *sub = data;

  g_assert_cmpuint (from, <=, to);
  g_assert_cmpuint (n, >, 0);
  sub->missed += n;
  tell_who_waits (sub);
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
  tell_who_waits (sub);
}

static gboolean
on_pace (gpointer data)
{
  Sub *sub = data;

  if (!sub->taking)
    {
      sub->taking = TRUE;
      deye_bus_subscription_next_async (sub->subscription, NULL, on_taken, sub);
    }
  return G_SOURCE_CONTINUE;
}

static void
echo (Sub *sub, DeyeBusMessage *request)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (request);
  g_autoptr (GError) error = NULL;

  if (!deye_bus_client_respond (sub->worker->client, request, payload, NULL, &error))
    say ("unanswered %s %s", sub->name, error->message);
  else if (sub->mode == MODE_LATE)
    say ("answered %s", sub->name);
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
      say ("holding %s", sub->name);
      break;
    case MODE_HOLD:
      say ("holding %s", sub->name);
      break;
    case MODE_COUNT:
    case MODE_META:
    case MODE_SLOW:
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

static void
do_subscribe (Worker *worker, char **words)
{
  g_autoptr (GError) error = NULL;
  Mode mode = g_str_equal (words[4], "meta")         ? MODE_META
              : g_str_has_prefix (words[4], "slow:") ? MODE_SLOW
                                                     : MODE_COUNT;
  Sub *sub = sub_new (worker, words[1], mode);

  sub->subscription = deye_bus_client_subscribe (worker->client, words[2], group_or_null (words[3]),
                                                 mode == MODE_SLOW ? NULL : on_message, sub, NULL, NULL, &error);
  if (sub->subscription == NULL)
    {
      say ("refused %s %d %s", words[1], error->code, error->message);
      g_hash_table_remove (worker->subs, words[1]);
      return;
    }
  g_signal_connect (sub->subscription, "gap", G_CALLBACK (on_gap), sub);
  if (mode == MODE_SLOW)
    {
      sub->pace = g_timeout_source_new ((guint) g_ascii_strtoull (words[4] + strlen ("slow:"), NULL, 10));
      g_source_set_callback (sub->pace, on_pace, sub, NULL);
      g_source_attach (sub->pace, NULL);
    }
  say ("subscribed %s", words[1]);
}

static void
do_serve (Worker *worker, char **words)
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
    {
      say ("refused %s %d %s", words[1], error->code, error->message);
      g_hash_table_remove (worker->subs, words[1]);
      return;
    }
  say ("serving %s", words[1]);
}

static GBytes *
numbered (Worker *worker, gsize len)
{
  guint64 number = worker->published++;
  guint64 le = GUINT64_TO_LE (number);
  guint8 *bytes = g_malloc0 (MAX (len, sizeof le));

  memcpy (bytes, &le, sizeof le);
  for (gsize i = sizeof le; i < len; i++)
    bytes[i] = (guint8) (i * 31 + number);
  return g_bytes_new_take (bytes, MAX (len, sizeof le));
}

static void
do_publish (Worker *worker, char **words)
{
  guint64 n = g_ascii_strtoull (words[2], NULL, 10);
  gsize len = (gsize) g_ascii_strtoull (words[3], NULL, 10);

  for (guint64 i = 0; i < n; i++)
    {
      g_autoptr (GBytes) payload = numbered (worker, len);
      g_autoptr (GError) error = NULL;

      if (!deye_bus_client_publish (worker->client, words[1], payload, NULL, NULL, NULL, &error))
        {
          say ("refused %d %s", error->code, error->message);
          return;
        }
    }
  say ("published %s %s", words[1], words[2]);
}

static void
do_acked (Worker *worker, char **words)
{
  g_autoptr (GBytes) payload = numbered (worker, 8);
  g_autoptr (GError) error = NULL;
  DeyeBusPublishResult result = { 0 };

  if (deye_bus_client_publish (worker->client, words[1], payload, NULL, &result, NULL, &error))
    say ("acked %u %u %u", result.matched, result.queued, result.refused);
  else
    say ("refused %d %s", error->code, error->message);
}

static void
do_request (Worker *worker, char **words)
{
  guint64 n = g_ascii_strtoull (words[2], NULL, 10);
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  guint64 ok = 0;
  int code = 0;

  deye_bus_options_set_timeout (options, g_ascii_strtoll (words[3], NULL, 10) * G_TIME_SPAN_MILLISECOND);
  for (guint64 i = 0; i < n; i++)
    {
      g_autoptr (GBytes) payload = numbered (worker, 64);
      g_autoptr (GError) error = NULL;
      g_autoptr (DeyeBusMessage) answer
          = deye_bus_client_request (worker->client, words[1], payload, options, NULL, &error);

      if (answer != NULL)
        {
          g_autoptr (GBytes) back = deye_bus_message_dup_payload (answer);

          if (g_bytes_equal (back, payload))
            ok++;
        }
      else
        code = error->code;
    }
  say ("replied %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %d", ok, n - ok, code);
}

static void
do_report (Worker *worker, const char *name)
{
  Sub *sub = sub_named (worker, name);

  g_assert_cmpuint (sub->missed, ==, deye_bus_subscription_get_missed (sub->subscription));
  say ("got %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, name,
       sub->received, sub->missed, sub->duplicates, sub->disordered);
}

static void
do_unsubscribe (Worker *worker, const char *name)
{
  Sub *sub = sub_named (worker, name);
  g_autoptr (GError) error = NULL;

  if (!deye_bus_subscription_unsubscribe (sub->subscription, NULL, &error))
    g_error ("unsubscribe %s: %s", name, error->message);
  g_hash_table_remove (worker->subs, name);
  say ("unsubscribed %s", name);
}

static void
do_stats (Worker *worker)
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
      say ("refused %d %s", error->code, error->message);
      return;
    }
  bytes = deye_bus_message_get_data (answer, &len);
  guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__stats_reply__descriptor, wire_span (bytes, len), 0, NULL);
  g_assert_nonnull (guard);
  reply = wire_guard_message (guard);
  say ("stats %" G_GSIZE_FORMAT " %s", reply->n_peers, reply->n_peers > 0 ? reply->peers[0]->id : "-");
}

static void
obey (Worker *worker, const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  guint n = g_strv_length (words);

  if (n == 5 && g_str_equal (words[0], "subscribe"))
    do_subscribe (worker, words);
  else if (n == 5 && g_str_equal (words[0], "serve"))
    do_serve (worker, words);
  else if (n == 2 && g_str_equal (words[0], "answer"))
    echo (sub_named (worker, words[1]), sub_named (worker, words[1])->held);
  else if (n == 4 && g_str_equal (words[0], "publish"))
    do_publish (worker, words);
  else if (n == 2 && g_str_equal (words[0], "acked"))
    do_acked (worker, words);
  else if (n == 4 && g_str_equal (words[0], "request"))
    do_request (worker, words);
  else if (n == 3 && g_str_equal (words[0], "await"))
    {
      Sub *sub = sub_named (worker, words[1]);

      sub->awaited = g_ascii_strtoull (words[2], NULL, 10);
      tell_who_waits (sub);
    }
  else if (n == 2 && g_str_equal (words[0], "report"))
    do_report (worker, words[1]);
  else if (n == 2 && g_str_equal (words[0], "unsubscribe"))
    do_unsubscribe (worker, words[1]);
  else if (g_str_equal (line, "stats"))
    do_stats (worker);
  else if (g_str_equal (line, "child-fds"))
    child_fds_print ();
  else
    g_error ("unknown command: %s", line);
  fflush (stdout);
}

static void
on_line (GObject *source, GAsyncResult *result, gpointer data)
{
  Worker *worker = data;
  g_autofree char *line = g_data_input_stream_read_line_finish (worker->input, result, NULL, NULL);

  if (line == NULL)
    {
      g_main_loop_quit (worker->loop);
      return;
    }
  obey (worker, line);
  g_data_input_stream_read_line_async (worker->input, G_PRIORITY_DEFAULT, NULL, on_line, worker);
}

static void
on_closed (DeyeBusClient *client, GError *error, gpointer data)
{
  Worker *worker = data;

  if (worker->leaving)
    return;
  say ("closed %d %s", error->code, error->message);
  worker->status = 3;
  g_main_loop_quit (worker->loop);
}

int
main (int argc, char **argv)
{
  g_autofree char *address = NULL;
  g_autofree char *id = NULL;
  g_autofree char *type = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) input = g_unix_input_stream_new (0, FALSE);
  GOptionEntry entries[] = {
    { "address", 0, 0, G_OPTION_ARG_STRING, &address, "Socket of the bus", "PATH" },
    { "id", 0, 0, G_OPTION_ARG_STRING, &id, "Name of this collector", "ID" },
    { "type", 0, 0, G_OPTION_ARG_STRING, &type, "Kind of this collector", "TYPE" },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  };
  g_autoptr (GOptionContext) options = g_option_context_new (NULL);
  Worker worker = { 0 };

  if (argc == 2 && child_fds_asked (argv[1]))
    return child_fds_list ();
  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    g_error ("%s", error->message);

  worker.subs = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, sub_free);
  worker.loop = g_main_loop_new (NULL, FALSE);
  worker.client = deye_bus_client_new (address, id, type);
  if (!deye_bus_client_connect (worker.client, NULL, &error))
    {
      say ("failed %d %s", error->code, error->message);
      worker.status = 2;
    }
  else
    {
      g_signal_connect (worker.client, "closed", G_CALLBACK (on_closed), &worker);
      say ("connected %d", (int) getpid ());
      worker.input = g_data_input_stream_new (input);
      g_data_input_stream_read_line_async (worker.input, G_PRIORITY_DEFAULT, NULL, on_line, &worker);
      g_main_loop_run (worker.loop);
      worker.leaving = TRUE;
      g_hash_table_remove_all (worker.subs);
      if (worker.status == 0 && !deye_bus_client_close (worker.client, NULL, &error))
        {
          say ("unclean %d %s", error->code, error->message);
          worker.status = 4;
        }
    }
  g_hash_table_unref (worker.subs);
  g_clear_object (&worker.client);
  g_clear_object (&worker.input);
  g_main_loop_unref (worker.loop);
  return worker.status;
}

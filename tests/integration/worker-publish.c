/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <string.h>

/* The commands of test-worker that publish. Payloads are numbered, and the numbers continue from command to command. */

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

static DeyeBusOptions *
with_timeout (const char *timeout_ms)
{
  DeyeBusOptions *options = deye_bus_options_new ();

  deye_bus_options_set_timeout (options, (gint64) line_worker_number (timeout_ms) * G_TIME_SPAN_MILLISECOND);
  return options;
}

/* Publishes until a message is not accepted. Returns the number of accepted ones. */
static guint64
publish_some (Worker *worker, char **words, DeyeBusOptions *options, GError **error)
{
  guint64 n = line_worker_number (words[2]);
  guint64 sent = 0;

  for (; sent < n; sent++)
    {
      g_autoptr (GBytes) payload = numbered (worker, line_worker_number (words[3]));

      if (!deye_bus_client_publish (worker->client, words[1], payload, options, NULL, NULL, error))
        {
          worker->published--;
          break;
        }
    }
  return sent;
}

void
worker_do_publish (Worker *worker, char **words)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;

  if (words[4] != NULL)
    deye_bus_options_set_ttl (options, (gint64) line_worker_number (words[4]) * G_TIME_SPAN_MILLISECOND);
  publish_some (worker, words, options, &error);
  if (error != NULL)
    line_worker_print ("refused %d %s", error->code, error->message);
  else
    line_worker_print ("published %s %s", words[1], words[2]);
}

void
worker_do_offer (Worker *worker, char **words)
{
  g_autoptr (DeyeBusOptions) options = with_timeout (words[4]);
  g_autoptr (GError) error = NULL;
  guint64 sent = publish_some (worker, words, options, &error);

  line_worker_print ("offered %" G_GUINT64_FORMAT " %d", sent, error != NULL ? error->code : 0);
}

/* --- without waiting --- */

typedef struct
{
  guint64 left;
  guint64 sent;
  guint64 refused;
} Started;

static void
on_published (GObject *source, GAsyncResult *result, gpointer data)
{
  Started *started = data;
  g_autoptr (GError) error = NULL;

  if (deye_bus_client_publish_finish (DEYE_BUS_CLIENT (source), result, NULL, &error))
    started->sent++;
  else
    {
      g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
      started->refused++;
    }
  if (--started->left > 0)
    return;
  line_worker_print ("ended %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, started->sent, started->refused);
  g_free (started);
}

void
worker_do_start (Worker *worker, char **words)
{
  Started *started = g_new0 (Started, 1);
  guint64 n = line_worker_number (words[2]);

  started->left = n;
  for (guint64 i = 0; i < n; i++)
    {
      g_autoptr (GBytes) payload = numbered (worker, line_worker_number (words[3]));

      deye_bus_client_publish_async (worker->client, words[1], payload, NULL, FALSE, NULL, on_published, started);
    }
  line_worker_print ("started %" G_GUINT64_FORMAT, n);
}

/* --- with an answer --- */

void
worker_do_acked (Worker *worker, char **words)
{
  g_autoptr (GBytes) payload = numbered (worker, 8);
  g_autoptr (GError) error = NULL;
  DeyeBusPublishResult result = { 0 };

  if (deye_bus_client_publish (worker->client, words[1], payload, NULL, &result, NULL, &error))
    line_worker_print ("acked %u %u %u", result.matched, result.queued, result.refused);
  else
    line_worker_print ("refused %d %s", error->code, error->message);
}

static DeyeBusOptions *
with_retain (const char *mode)
{
  DeyeBusOptions *options = deye_bus_options_new ();

  if (g_str_equal (mode, "last"))
    deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_LAST);
  else if (g_str_equal (mode, "connected"))
    deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_CONNECTED);
  return options;
}

void
worker_do_retain (Worker *worker, char **words)
{
  g_autoptr (GBytes) payload = numbered (worker, 8);
  g_autoptr (DeyeBusOptions) options = with_retain (words[2]);
  g_autoptr (GError) error = NULL;
  DeyeBusPublishResult result = { 0 };

  if (deye_bus_client_publish (worker->client, words[1], payload, options, &result, NULL, &error))
    line_worker_print ("retained %s", words[1]);
  else
    line_worker_print ("refused %d %s", error->code, error->message);
}

void
worker_do_leave (Worker *worker, char **words)
{
  g_autoptr (GBytes) payload = numbered (worker, 8);
  g_autoptr (DeyeBusOptions) options = with_retain (words[2]);
  g_autoptr (GError) error = NULL;

  if (deye_bus_client_set_last_message (worker->client, words[1], payload, options, NULL, &error))
    line_worker_print ("left %s", words[1]);
  else
    line_worker_print ("refused %d %s", error->code, error->message);
}

void
worker_do_request (Worker *worker, char **words)
{
  guint64 n = line_worker_number (words[2]);
  g_autoptr (DeyeBusOptions) options = with_timeout (words[3]);
  guint64 ok = 0;
  int code = 0;

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
  line_worker_print ("replied %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %d", ok, n - ok, code);
}

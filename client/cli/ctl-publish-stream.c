/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-publish-stream.h"

#include "ctl-json.h"
#include "platform-stop.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* Largest number of messages in flight; fewer if they are large. */
#define FLIGHT_MESSAGES 1024u
#define FLIGHT_BYTES    (4u * 1024u * 1024u)

typedef struct
{
  Ctl *ctl;
  const char *topic;
  CtlInput *input;
  DeyeBusOptions *options;
  guint64 n_sent;
  guint64 n_accepted;
  guint64 n_unmatched; /* of the accepted ones */
  guint flight;
  gsize flight_bytes;
  gboolean stopped;      /* the user wants to end it */
  guint64 failed_number; /* of the first message that failed; 0: none has */
  GError *failure;       /* its error */
} Stream;

/* One message in flight. */
typedef struct
{
  Stream *stream;
  guint64 number;
  gsize bytes;
} StreamItem;

static void
stream_fail (Stream *stream, guint64 number, GError *error)
{
  if (stream->failed_number != 0 && stream->failed_number < number)
    {
      g_error_free (error);
      return;
    }
  g_clear_error (&stream->failure);
  stream->failed_number = number;
  stream->failure = error;
}

static void
stream_on_published (GObject *source, GAsyncResult *async_result, gpointer data)
{
  g_autofree StreamItem *item = data;
  Stream *stream = item->stream;
  DeyeBusPublishResult result = { 0 };
  GError *error = NULL;

  stream->flight--;
  stream->flight_bytes -= item->bytes;
  if (!deye_bus_client_publish_finish (DEYE_BUS_CLIENT (source), async_result, &result, &error))
    {
      stream_fail (stream, item->number, error);
      return;
    }
  stream->n_accepted++;
  stream->n_unmatched += result.matched == 0 ? 1 : 0;
}

static void
stream_publish (Stream *stream, GBytes *payload)
{
  StreamItem *item = g_new (StreamItem, 1);

  *item = (StreamItem){ stream, ++stream->n_sent, g_bytes_get_size (payload) };
  stream->flight++;
  stream->flight_bytes += item->bytes;
  deye_bus_client_publish_async (stream->ctl->client, stream->topic, payload, stream->options, TRUE, NULL,
                                 stream_on_published, item);
}

static gboolean
flight_has_room (const Stream *stream)
{
  return stream->flight < FLIGHT_MESSAGES && stream->flight_bytes < FLIGHT_BYTES;
}

static gboolean
stream_continues (const Stream *stream)
{
  return stream->failed_number == 0 && !stream->stopped;
}

/* Publishes the records that were read. FALSE: a record is not valid. */
static gboolean
stream_publish_read (Stream *stream, GError **error)
{
  GError *local = NULL;
  GBytes *payload;

  deye_bus_client_hold (stream->ctl->client);
  while (flight_has_room (stream) && (payload = ctl_input_take_record (stream->input, &local)) != NULL)
    {
      stream_publish (stream, payload);
      g_bytes_unref (payload);
    }
  deye_bus_client_release (stream->ctl->client);
  if (local == NULL)
    return TRUE;
  g_propagate_prefixed_error (error, local, _ ("Message %" PRIu64 ": "), stream->n_sent + 1);
  return FALSE;
}

static gboolean
stream_on_readable (GObject *pollable, gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Handles answers until the input can be read without waiting. */
static void
stream_wait_for_input (Stream *stream)
{
  g_autoptr (GSource) source = ctl_input_readable_source (stream->input);
  gboolean readable = source == NULL;

  if (source != NULL)
    {
      g_source_set_callback (source, G_SOURCE_FUNC (stream_on_readable), &readable, NULL);
      g_source_attach (source, NULL);
    }
  while (!readable && stream_continues (stream))
    g_main_context_iteration (NULL, TRUE);
  if (source != NULL)
    g_source_destroy (source);
}

static gboolean
stream_run (Stream *stream, GError **error)
{
  while (stream_continues (stream))
    {
      if (!stream_publish_read (stream, error))
        return FALSE;
      while (g_main_context_iteration (NULL, FALSE))
        ;
      if (!flight_has_room (stream))
        g_main_context_iteration (NULL, TRUE);
      else if (ctl_input_has_ended (stream->input))
        return TRUE;
      else
        {
          stream_wait_for_input (stream);
          if (stream_continues (stream) && !ctl_input_fill (stream->input, error))
            return FALSE;
        }
    }
  return TRUE;
}

/* Waits until no message is in flight. It ends, because each message has a timeout. */
static void
stream_wait_for_answers (Stream *stream)
{
  while (stream->flight > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
stream_show (const Stream *stream)
{
  CtlOutput *output = &stream->ctl->output;
  JsonObject *object;

  if (!output->json)
    {
      ctl_output_line (output, _ ("%" PRIu64 " messages accepted, %" PRIu64 " of them without a receiver"),
                       stream->n_accepted, stream->n_unmatched);
      return;
    }
  object = json_object_new ();
  ctl_json_set_counter (object, "accepted", stream->n_accepted);
  ctl_json_set_counter (object, "unmatched", stream->n_unmatched);
  ctl_output_json_object (output, object);
}

/* @ok: the input was read to its end. */
static gboolean
stream_result (Stream *stream, gboolean ok, GError **error)
{
  if (stream->failed_number != 0)
    {
      g_clear_error (error);
      g_propagate_prefixed_error (error, g_steal_pointer (&stream->failure), _ ("Message %" PRIu64 ": "),
                                  stream->failed_number);
      return FALSE;
    }
  if (!ok)
    return FALSE;
  if (stream->stopped)
    return ctl_fail (error, CTL_EXIT_FAILED, _ ("Stopped before the end of the input, after %" PRIu64 " messages"),
                     stream->n_sent);
  return stream->n_unmatched == 0
         || ctl_fail (error, CTL_EXIT_NOTHING,
                      _ ("No peer subscribes to %s: `deyebusctl subs` lists the subscriptions"), stream->topic);
}

static gboolean
stream_on_stop (gpointer data)
{
  ((Stream *) data)->stopped = TRUE;
  return G_SOURCE_CONTINUE;
}

gboolean
ctl_publish_stream (Ctl *ctl, const char *topic, CtlInput *input, DeyeBusOptions *options, GError **error)
{
  g_autoptr (GSource) stop = platform_stop_source_new ();
  Stream stream = { .ctl = ctl, .topic = topic, .input = input, .options = options };
  gboolean ok;

  g_source_set_callback (stop, stream_on_stop, &stream, NULL);
  g_source_attach (stop, NULL);
  ok = stream_run (&stream, error);
  stream_wait_for_answers (&stream);
  g_source_destroy (stop);
  stream_show (&stream);
  return stream_result (&stream, ok, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-hold.h"
#include "deye-bus-client-private.h"
#include "path.h"
#include "session/deye-bus-session-data.h"
#include "subscriptions-fixture.h"

/* The paths of the client library: from the call of the publisher to the socket, and from the socket to the callback of the
 * receiver. */

#define TOPIC   "events.process.lifecycle"
#define PAYLOAD 128u
#define BATCH   64u /* messages that are sent or arrive together */
#define WINDOW  (1u << 20)

typedef struct
{
  ClientFixture f;
  DeyeBusSubscription *subscription;
  GByteArray *frames; /* BATCH deliveries */
  GBytes *payload;
  DeyeBusOptions *options; /* NULL: the path uses none */
  guint64 last_id;         /* of the publishes that were acknowledged */
  guint64 received;
  guint64 acked;
} ClientPath;

static ClientPath *
client_path_begin (void)
{
  static const ScriptWelcome welcome = { .window_messages = WINDOW, .window_bytes = (guint64) WINDOW * PAYLOAD };
  static const guint8 zeros[PAYLOAD];
  ClientPath *path = g_new0 (ClientPath, 1);

  client_fixture_set_up (&path->f, NULL);
  client_fixture_connect (&path->f, &welcome);
  path->payload = g_bytes_new_static (zeros, sizeof zeros);
  path->frames = g_byte_array_new ();
  return path;
}

static void
client_path_end (gpointer state)
{
  ClientPath *path = state;

  g_clear_object (&path->subscription);
  client_fixture_settle (&path->f);
  deye_bus_client_close (path->f.client, NULL, NULL);
  client_fixture_tear_down (&path->f, NULL);
  g_bytes_unref (path->payload);
  g_clear_pointer (&path->options, deye_bus_options_free);
  g_byte_array_unref (path->frames);
  g_free (path);
}

/* --- publishing --- */

static void
client_path_read_all (ClientPath *path)
{
  static guint8 bytes[1u << 17];

  while (raw_socket_receive_now (path->f.peer, bytes, sizeof bytes) > 0)
    continue;
}

static gpointer
publishing_begin (void)
{
  return client_path_begin ();
}

static void
publishing_send (ClientPath *path, guint n)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n; i++)
    if (!deye_bus_client_publish (path->f.client, TOPIC, path->payload, path->options, NULL, NULL, &error))
      g_error ("publish: %s", error->message);
}

static void
publishing_run_held (gpointer state, guint messages)
{
  ClientPath *path = state;

  for (guint done = 0; done < messages; done += BATCH)
    {
      deye_bus_client_hold (path->f.client);
      publishing_send (path, BATCH);
      deye_bus_client_release (path->f.client);
      client_path_read_all (path);
    }
}

static void
publishing_run_plain (gpointer state, guint messages)
{
  ClientPath *path = state;

  for (guint done = 0; done < messages; done += BATCH)
    {
      publishing_send (path, BATCH);
      client_path_read_all (path);
    }
}

static void
publishing_run_many (gpointer state, guint messages)
{
  ClientPath *path = state;
  g_autoptr (GError) error = NULL;
  GBytes *payloads[BATCH];

  for (guint i = 0; i < BATCH; i++)
    payloads[i] = path->payload;
  for (guint done = 0; done < messages; done += BATCH)
    {
      if (!deye_bus_client_publish_many (path->f.client, TOPIC, payloads, BATCH, NULL, NULL, NULL, &error))
        g_error ("publish: %s", error->message);
      client_path_read_all (path);
    }
}

/* The options of a collector of events. */
static gpointer
options_begin (void)
{
  ClientPath *path = client_path_begin ();

  path->options = deye_bus_options_new ();
  deye_bus_options_set_type_name (path->options, "daemoneye.ProcessEvent");
  deye_bus_options_set_correlation_id (path->options, "0f0e9c1c-41b5-4cbe-a2ac-1c5d7c0f6c31");
  deye_bus_options_set_ttl (path->options, G_TIME_SPAN_MINUTE);
  deye_bus_options_set_priority (path->options, 3);
  deye_bus_options_add_tag (path->options, "host", "alpha");
  return path;
}

/* --- publishing with an acknowledgement --- */

static gpointer
acked_begin (void)
{
  ClientPath *path = client_path_begin ();

  path->last_id = path->f.client->session->last_id;
  return path;
}

static void
acked_on_published (GObject *client, GAsyncResult *result, gpointer data)
{
  ClientPath *path = data;
  g_autoptr (GError) error = NULL;

  if (!deye_bus_client_publish_finish (DEYE_BUS_CLIENT (client), result, NULL, &error))
    g_error ("publish: %s", error->message);
  path->acked++;
}

/* Only this function and acked_settle() are counted, not the encoding of the broker's frames. */
static G_NO_INLINE void
acked_send (ClientPath *path, GAsyncReadyCallback callback)
{
  deye_bus_client_hold (path->f.client);
  for (guint i = 0; i < BATCH; i++)
    deye_bus_client_publish_async (path->f.client, TOPIC, path->payload, NULL, TRUE, NULL, callback, path);
  deye_bus_client_release (path->f.client);
}

static G_NO_INLINE void
acked_settle (ClientPath *path)
{
  client_fixture_settle (&path->f);
}

static void
acked_run (ClientPath *path, guint messages, GAsyncReadyCallback callback)
{
  for (guint done = 0; done < messages; done += BATCH)
    {
      acked_send (path, callback);
      client_path_read_all (path);
      g_byte_array_set_size (path->frames, 0);
      for (guint i = 0; i < BATCH; i++)
        script_ack (path->frames, path->last_id += 2, 1, 1);
      if (!raw_socket_send (path->f.peer, path->frames->data, path->frames->len))
        g_error ("the client has disconnected");
      acked_settle (path);
    }
  g_assert_cmpuint (path->f.client->session->pending.count, ==, 0);
}

static void
acked_run_without_callback (gpointer state, guint messages)
{
  acked_run (state, messages, NULL);
}

static void
acked_run_with_callback (gpointer state, guint messages)
{
  ClientPath *path = state;
  const guint64 wanted = path->acked + (messages + BATCH - 1) / BATCH * BATCH;

  acked_run (path, messages, acked_on_published);
  g_assert_cmpuint (path->acked, ==, wanted);
}

/* --- receiving --- */

static void
receiving_on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  ClientPath *path = data;
  gsize len;

  if (deye_bus_message_get_data (message, &len) == NULL || len != PAYLOAD)
    g_error ("the message has no payload");
  path->received++;
}

/* Encodes a delivery like the broker: its stamp, followed by the bytes of the publisher. */
static void
receiving_add_frame (GByteArray *out, guint32 subscription, guint64 seq)
{
  static const guint8 zeros[PAYLOAD];
  guint8 bytes[1024], ids[5];
  guint8 *at = bytes + WIRE_FRAME_HEADER_LEN;
  WireEnvelope stamp, message;

  wire_envelope_init (&stamp);
  stamp.sender = WIRE_SPAN_LITERAL ("procmond-4711");
  stamp.accept_seq = G_MAXUINT32 + seq;
  stamp.accept_time_us = (guint64) g_get_real_time ();
  stamp.subscriptions = wire_span (ids, wire_envelope_pack_u32 (&subscription, 1, ids));
  at = wire_envelope_write (&stamp, at);
  wire_envelope_init (&message);
  message.id = (guint64) 1 << 20 | seq;
  message.topic = WIRE_SPAN_LITERAL (TOPIC);
  message.payload = wire_span (zeros, PAYLOAD);
  at = wire_envelope_write (&message, at);
  memcpy (at, zeros, PAYLOAD);
  at += PAYLOAD;
  wire_frame_put_header (bytes, WIRE_KIND_DELIVER, 0, (guint32) (at - bytes) - WIRE_FRAME_HEADER_LEN);
  g_byte_array_append (out, bytes, (guint) (at - bytes));
}

static gpointer
receiving_begin (void)
{
  ClientPath *path = client_path_begin ();
  g_autoptr (GError) error = NULL;

  script_subscribe_reply (path->f.in, 2, WINDOW, (guint64) WINDOW * PAYLOAD);
  client_fixture_send (&path->f);
  path->subscription
      = deye_bus_client_subscribe (path->f.client, "events.#", NULL, receiving_on_message, path, NULL, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < BATCH; i++)
    receiving_add_frame (path->frames, deye_bus_subscription_get_id (path->subscription), i + 1);
  client_path_read_all (path);
  return path;
}

static void
receiving_run (gpointer state, guint messages)
{
  ClientPath *path = state;
  const guint64 wanted = path->received + (messages + BATCH - 1) / BATCH * BATCH;

  for (guint done = 0; done < messages; done += BATCH)
    {
      if (!raw_socket_send (path->f.peer, path->frames->data, path->frames->len))
        g_error ("the client has disconnected");
      client_fixture_settle (&path->f);
      client_path_read_all (path);
    }
  g_assert_cmpuint (path->received, ==, wanted);
}

int
main (int argc, char **argv)
{
  static const BudgetPath paths[] = {
    { "client-publish-acked", acked_begin, acked_run_without_callback, client_path_end },
    { "client-publish-acked-callback", acked_begin, acked_run_with_callback, client_path_end },
    { "client-publish-held", publishing_begin, publishing_run_held, client_path_end },
    { "client-publish-many", publishing_begin, publishing_run_many, client_path_end },
    { "client-publish-options", options_begin, publishing_run_held, client_path_end },
    { "client-publish-plain", publishing_begin, publishing_run_plain, client_path_end },
    { "client-receive", receiving_begin, receiving_run, client_path_end },
  };

  return budget_main (argc, argv, paths, G_N_ELEMENTS (paths));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "raw-peer.h"

#include "envelope.pb-c.h"
#include "raw-socket.h"
#include "test-watchdog.h"
#include "wire-guard.h"

#include <string.h>

#define MAGIC 0x42594544u /* "DEYB" */

struct RawPeer
{
  RawSocket *socket;
  WireFrameReader reader;
  WireSpan input;
  guint8 buffer[65536];
};

RawPeer *
raw_peer_connect (const char *address)
{
  RawPeer *self = g_new0 (RawPeer, 1);

  self->socket = raw_socket_connect (address);
  wire_frame_reader_init (&self->reader, 32 * 1024 * 1024);
  return self;
}

void
raw_peer_free (RawPeer *self)
{
  wire_frame_reader_clear (&self->reader);
  raw_socket_free (self->socket);
  g_free (self);
}

gboolean
raw_peer_send_bytes (RawPeer *self, const void *bytes, gsize len)
{
  return raw_socket_send (self->socket, bytes, len);
}

void
raw_peer_shut (RawPeer *self)
{
  raw_socket_shut (self->socket);
}

gboolean
raw_peer_send_frame (RawPeer *self, guint8 kind, guint8 flags, WireSpan body)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint8 header[WIRE_FRAME_HEADER_LEN];

  wire_frame_put_header (header, kind, flags, (guint32) body.len);
  g_byte_array_append (bytes, header, sizeof header);
  if (body.len > 0)
    g_byte_array_append (bytes, body.data, (guint) body.len);
  return raw_peer_send_bytes (self, bytes->data, bytes->len);
}

gboolean
raw_peer_send (RawPeer *self, guint8 kind, guint8 flags, const WireEnvelope *envelope)
{
  gsize size = wire_envelope_size (envelope);
  g_autofree guint8 *body = g_malloc (size + envelope->payload.len);
  guint8 *end = wire_envelope_write (envelope, body);

  g_assert_true (end == body + size);
  if (envelope->payload.len > 0)
    memcpy (end, envelope->payload.data, envelope->payload.len);
  return raw_peer_send_frame (self, kind, flags, wire_span (body, size + envelope->payload.len));
}

static GByteArray *
raw_hello_bytes (const char *id, const char *type, guint32 oldest, guint32 newest, guint64 features)
{
  Daemoneye__Eventbus__V1__Hello hello = DAEMONEYE__EVENTBUS__V1__HELLO__INIT;
  g_autofree char *own_id = g_strdup (id);
  g_autofree char *own_type = g_strdup (type);
  GByteArray *bytes = g_byte_array_new ();
  gsize size;

  hello.magic = MAGIC;
  hello.oldest_version = oldest;
  hello.newest_version = newest;
  hello.id = own_id;
  hello.type = own_type;
  hello.role = 1;
  hello.incarnation = 1;
  hello.features = features;
  size = daemoneye__eventbus__v1__hello__get_packed_size (&hello);
  g_byte_array_set_size (bytes, (guint) (WIRE_FRAME_HEADER_LEN + size));
  wire_frame_put_header (bytes->data, WIRE_KIND_HELLO, 0, (guint32) size);
  daemoneye__eventbus__v1__hello__pack (&hello, bytes->data + WIRE_FRAME_HEADER_LEN);
  return bytes;
}

GByteArray *
raw_peer_hello_bytes (const char *id, const char *type, guint32 oldest, guint32 newest)
{
  return raw_hello_bytes (id, type, oldest, newest, 0);
}

gboolean
raw_peer_send_hello (RawPeer *self, const char *id, const char *type, guint32 oldest, guint32 newest)
{
  g_autoptr (GByteArray) bytes = raw_peer_hello_bytes (id, type, oldest, newest);

  return raw_peer_send_bytes (self, bytes->data, bytes->len);
}

gboolean
raw_peer_next (RawPeer *self, WireFrame *frame)
{
  for (;;)
    {
      gsize n;

      switch (wire_frame_reader_next (&self->reader, &self->input, frame))
        {
        case WIRE_FRAME_COMPLETE:
          return TRUE;
        case WIRE_FRAME_BAD:
          g_error ("the broker sent a bad frame: %s", wire_status_name (self->reader.status));
        case WIRE_FRAME_MORE:
          break;
        }
      n = raw_socket_receive (self->socket, self->buffer, sizeof self->buffer);
      if (n == 0)
        return FALSE;
      self->input = wire_span (self->buffer, n);
    }
}

static guint32
raw_expect_welcome (RawPeer *self, guint64 features)
{
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__Welcome *welcome;
  WireFrame frame;

  test_watchdog_note ("WELCOME on a raw socket");
  g_assert_true (raw_peer_next (self, &frame));
  g_assert_cmpuint (frame.kind, ==, WIRE_KIND_WELCOME);
  guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__welcome__descriptor, frame.body, 0, NULL);
  g_assert_nonnull (guard);
  welcome = wire_guard_message (guard);
  g_assert_cmpuint (welcome->largest_payload, >, 0);
  g_assert_cmphex (welcome->features & features, ==, features);
  return welcome->version;
}

guint32
raw_peer_expect_welcome (RawPeer *self)
{
  return raw_expect_welcome (self, 0);
}

void
raw_peer_hello_with (RawPeer *self, const char *id, const char *type, guint64 features)
{
  g_autoptr (GByteArray) bytes = raw_hello_bytes (id, type, RAW_VERSION_1, RAW_VERSION_1, features);

  g_assert_true (raw_peer_send_bytes (self, bytes->data, bytes->len));
  raw_expect_welcome (self, features);
}

guint32
raw_peer_hello (RawPeer *self, const char *id, const char *type)
{
  g_assert_true (raw_peer_send_hello (self, id, type, RAW_VERSION_1, RAW_VERSION_1));
  return raw_peer_expect_welcome (self);
}

void
raw_peer_expect (RawPeer *self, guint8 kind, WireEnvelope *envelope)
{
  WireFrame frame;

  test_watchdog_note ("%s on a raw socket", wire_kind_name (kind));
  do
    if (!raw_peer_next (self, &frame))
      g_error ("the broker closed the connection before it sent %s", wire_kind_name (kind));
  while (frame.kind != kind);
  g_assert_cmpuint (wire_envelope_read (frame.body, frame.kind, WIRE_FROM_BROKER, envelope).status, ==, WIRE_STATUS_OK);
}

/* The broker closes the connection after GOODBYE. */
static guint32
raw_read_goodbye (RawPeer *self, WireFrame *frame, char **detail)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__goodbye__descriptor, frame->body, 0, NULL);
  const Daemoneye__Eventbus__V1__Goodbye *goodbye;
  guint32 status;

  g_assert_nonnull (guard);
  goodbye = wire_guard_message (guard);
  status = goodbye->status;
  g_test_message ("GOODBYE %s: %s", wire_status_name (status), goodbye->detail);
  if (detail != NULL)
    *detail = g_strdup (goodbye->detail);
  test_watchdog_note ("the end of the connection after GOODBYE");
  g_assert_false (raw_peer_next (self, frame));
  test_watchdog_note (NULL);
  return status;
}

guint32
raw_peer_expect_goodbye (RawPeer *self, char **detail)
{
  WireFrame frame;

  test_watchdog_note ("GOODBYE on a raw socket");
  do
    if (!raw_peer_next (self, &frame))
      g_error ("the broker closed the connection without GOODBYE");
  while (frame.kind != WIRE_KIND_GOODBYE);
  return raw_read_goodbye (self, &frame, detail);
}

guint32
raw_peer_expect_refusal (RawPeer *self)
{
  WireFrame frame;

  test_watchdog_note ("WELCOME or GOODBYE on a raw socket");
  g_assert_true (raw_peer_next (self, &frame));
  if (frame.kind == WIRE_KIND_WELCOME)
    return WIRE_STATUS_OK;
  g_assert_cmpuint (frame.kind, ==, WIRE_KIND_GOODBYE);
  return raw_read_goodbye (self, &frame, NULL);
}

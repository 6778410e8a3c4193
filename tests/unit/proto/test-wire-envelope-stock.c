/* SPDX-License-Identifier: Apache-2.0 */
#include "envelope-fixture.h"

#include "envelope.pb-c.h"
#include "test-vectors.h"
#include "wire-guard.h"

/* The flat reader against the stock decoder with faulty and random bytes, against protoc, and against a recorded transcript. */

typedef Daemoneye__Eventbus__V1__Envelope Stock;

/* Asserts that stock protobuf reads an accepted body, with equal values. */
static void
assert_stock_agrees (const guint8 *bytes, gsize len, const WireEnvelope *e)
{
  /* Each number of a packed list counts as a field, and has at least one byte. */
  g_autoptr (WireGuard) guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__envelope__descriptor,
                                                           wire_span (bytes, len), (guint) len, NULL);
  const Stock *stock;

  g_assert_nonnull (guard);
  stock = wire_guard_message (guard);
  g_assert_cmpuint (stock->id, ==, e->id);
  g_assert_cmpmem (stock->topic, strlen (stock->topic), e->topic.data, e->topic.len);
  g_assert_cmpuint (stock->route, ==, e->route);
  g_assert_cmpuint (stock->priority, ==, e->priority);
  g_assert_cmpmem (stock->payload.data, stock->payload.len, e->payload.data, e->payload.len);
  g_assert_cmpuint (stock->n_tag, ==, e->n_tags);
  g_assert_cmpuint (stock->expect, ==, e->expect);
  g_assert_cmpuint (stock->deadline_us, ==, e->deadline_us);
  g_assert_cmpmem (stock->correlation_id, strlen (stock->correlation_id), e->correlation_id.data,
                   e->correlation_id.len);
}

/* Every truncation and every single bit flip of a full envelope. */
static void
test_mutations (void)
{
  g_autoptr (GByteArray) seed = NULL;
  WireEnvelope e;
  guint accepted = 0;

  envelope_fill_client (&e);
  seed = envelope_write (&e);
  for (guint len = 0; len < seed->len; len++)
    if (envelope_read (seed->data, len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e).status == WIRE_STATUS_OK)
      assert_stock_agrees (seed->data, len, &e);
  for (guint bit = 0; bit < seed->len * 8; bit++)
    {
      seed->data[bit / 8] ^= (guint8) (1u << bit % 8);
      if (envelope_read (seed->data, seed->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e).status == WIRE_STATUS_OK)
        {
          assert_stock_agrees (seed->data, seed->len, &e);
          accepted++;
        }
      seed->data[bit / 8] ^= (guint8) (1u << bit % 8);
    }
  g_assert_cmpuint (accepted, >, 100); /* flips inside values */
}

static void
test_random_bytes (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  guint accepted = 0;

  for (guint round = 0; round < 200000; round++)
    {
      guint8 bytes[12];
      gsize len = (gsize) g_rand_int_range (rand, 0, (gint) sizeof bytes + 1);
      WireEnvelope e;

      for (gsize i = 0; i < len; i++)
        bytes[i] = g_rand_int (rand) % 2 ? (guint8) g_rand_int_range (rand, 0, 32) : (guint8) g_rand_int (rand);
      if (envelope_read (bytes, len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e).status == WIRE_STATUS_OK)
        {
          assert_stock_agrees (bytes, len, &e);
          accepted++;
        }
    }
  g_assert_cmpuint (accepted, >, 1000);
}

/* --- protoc --- */

static void
test_protoc (void)
{
  const TestVector *theirs = test_vector_find ("client");
  g_autoptr (GByteArray) ours = NULL;
  WireEnvelope want, got;

  /* Our reader accepts the bytes of the other writer. */
  envelope_fill_client (&want);
  g_assert_cmpint (envelope_read (theirs->bytes, theirs->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &got).status, ==,
                   WIRE_STATUS_OK);
  envelope_assert_equal (&want, &got);

  /* Both writers produce the same bytes, so the other reader accepts ours. */
  theirs = test_vector_find ("broker");
  envelope_fill_broker (&want);
  ours = envelope_write (&want);
  g_assert_cmpmem (ours->data, ours->len, theirs->bytes, theirs->len);
  g_assert_cmpint (envelope_read (theirs->bytes, theirs->len, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &got).status, ==,
                   WIRE_STATUS_OK);
  envelope_assert_equal (&want, &got);
}

/* --- golden transcript --- */

static GByteArray *
from_hex (const char *hex)
{
  GByteArray *bytes = g_byte_array_new ();

  for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2)
    {
      guint8 byte = (guint8) (g_ascii_xdigit_value (hex[0]) << 4 | g_ascii_xdigit_value (hex[1]));

      g_byte_array_append (bytes, &byte, 1);
    }
  return bytes;
}

/* Client bytes: read, and written again exactly. Broker bytes: read. */
static void
replay_line (const char *line)
{
  g_auto (GStrv) words_of_line = g_strsplit (line, " ", 3);
  g_autoptr (GByteArray) bytes = from_hex (words_of_line[2]);
  gboolean client = g_str_equal (words_of_line[0], "C");
  WireSpan input = wire_span (bytes->data, bytes->len);
  WireFrameReader reader;
  WireFrame frame;
  WireEnvelope e;

  g_test_message ("%s %s", words_of_line[0], words_of_line[1]);
  wire_frame_reader_init (&reader, 1 << 20);
  g_assert_cmpint (wire_frame_reader_next (&reader, &input, &frame), ==, WIRE_FRAME_COMPLETE);
  g_assert_cmpuint (input.len, ==, 0);
  g_assert_cmpstr (wire_kind_name (frame.kind), ==, words_of_line[1]);
  if (frame.kind == WIRE_KIND_HELLO || frame.kind == WIRE_KIND_WELCOME || frame.kind == WIRE_KIND_GOODBYE)
    {
      static const ProtobufCMessageDescriptor *const types[] = {
        [WIRE_KIND_HELLO] = &daemoneye__eventbus__v1__hello__descriptor,
        [WIRE_KIND_WELCOME] = &daemoneye__eventbus__v1__welcome__descriptor,
        [WIRE_KIND_GOODBYE] = &daemoneye__eventbus__v1__goodbye__descriptor,
      };
      g_autoptr (WireGuard) guard = wire_guard_unpack (types[frame.kind], frame.body, 0, NULL);

      g_assert_nonnull (guard);
    }
  else
    {
      WireReadResult result
          = wire_envelope_read (frame.body, frame.kind, client ? WIRE_FROM_CLIENT : WIRE_FROM_BROKER, &e);

      g_assert_cmpint (result.status, ==, WIRE_STATUS_OK);
      if (client)
        {
          g_autoptr (GByteArray) again = envelope_write (&e);

          g_assert_cmpmem (again->data, again->len, frame.body.data, frame.body.len);
        }
    }
  wire_frame_reader_clear (&reader);
}

static void
test_golden (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("TEST_DATA"), "golden-v1-session.txt", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n = 0;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (**line != '#' && **line != '\0')
      {
        replay_line (*line);
        n++;
      }
  g_assert_cmpuint (n, >, 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/envelope/F12-mutations", test_mutations);
  g_test_add_func ("/wire/envelope/P10-random-against-stock", test_random_bytes);
  g_test_add_func ("/wire/envelope/P10-protoc", test_protoc);
  g_test_add_func ("/wire/envelope/M27-golden-v1", test_golden);
  return g_test_run ();
}

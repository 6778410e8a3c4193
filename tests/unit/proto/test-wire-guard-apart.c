/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-guard-apart.h"

#include "coordination.pb-c.h"
#include "gather.pb-c.h"
#include "wire-varint.h"

/* The payload that is not copied: the same messages are accepted and refused as by the guard alone, with the same content. */

typedef Daemoneye__Eventbus__V1__Outcome Outcome;
typedef Daemoneye__Eventbus__V1__GatherAnswer Answer;
typedef Daemoneye__Eventbus__V1__TaskReply Reply;
typedef Daemoneye__Eventbus__V1__Extent Extent;

#define OUTCOME (&daemoneye__eventbus__v1__outcome__descriptor)
#define ANSWER  (&daemoneye__eventbus__v1__gather_answer__descriptor)
#define REPLY   (&daemoneye__eventbus__v1__task_reply__descriptor)
#define LARGE   WIRE_GUARD_APART_MIN

static const guint outcome_path[] = { 3, 0 };
static const guint answer_path[] = { 5, 3, 0 };
static const guint reply_path[] = { 1, 23, 3, 0 };

/* --- packed messages --- */

static void
bytes_add_varint (GByteArray *bytes, guint64 value)
{
  guint8 packed[10];

  g_byte_array_append (bytes, packed, (guint) (wire_varint_put (packed, value) - packed));
}

static void
bytes_add_field (GByteArray *bytes, guint number, const guint8 *value, gsize len)
{
  bytes_add_varint (bytes, number << 3 | WIRE_TYPE_LENGTH);
  bytes_add_varint (bytes, len);
  if (len > 0)
    g_byte_array_append (bytes, value, (guint) len);
}

static void
bytes_add_payload (GByteArray *bytes, gsize len)
{
  g_autofree guint8 *payload = g_malloc (len + 1);

  for (gsize i = 0; i < len; i++)
    payload[i] = (guint8) (i * 31 + (i >> 8));
  bytes_add_field (bytes, 3, payload, len);
}

static const gsize payload_lens[] = { 0, 1, 127, LARGE - 1, LARGE, LARGE + 1, 65536, 300000 };

/* Fields of an outcome, each at most once, in any order, each present or not. */
static GByteArray *
random_outcome (GRand *random)
{
  guint fields[] = { 1, 2, 3, 4, 7, 8 };
  const Extent extent = { PROTOBUF_C_MESSAGE_INIT (&daemoneye__eventbus__v1__extent__descriptor), .rows = 300 };
  GByteArray *bytes = g_byte_array_new ();
  guint8 packed[64];

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      guint other = (guint) g_rand_int_range (random, (gint32) i, G_N_ELEMENTS (fields));
      guint field = fields[other];

      fields[other] = fields[i];
      if (field != 3 && g_rand_boolean (random))
        continue;
      if (field == 3)
        bytes_add_payload (bytes, payload_lens[g_rand_int_range (random, 0, G_N_ELEMENTS (payload_lens))]);
      else if (field == 2 || field == 7)
        {
          bytes_add_varint (bytes, field << 3);
          bytes_add_varint (bytes, field == 2 ? 1 : g_rand_int (random));
        }
      else if (field == 8)
        bytes_add_field (bytes, 8, packed, protobuf_c_message_pack (&extent.base, packed));
      else
        bytes_add_field (bytes, field, (const guint8 *) "some text", (gsize) g_rand_int_range (random, 0, 10));
    }
  return bytes;
}

static GByteArray *
random_answer (GRand *random)
{
  g_autoptr (GByteArray) outcome = random_outcome (random);
  GByteArray *bytes = g_byte_array_new ();
  gboolean is_first = g_rand_boolean (random);

  if (is_first)
    bytes_add_field (bytes, 5, outcome->data, outcome->len);
  bytes_add_field (bytes, 2, (const guint8 *) "collector", 9);
  bytes_add_varint (bytes, 1 << 3);
  bytes_add_varint (bytes, g_rand_int (random));
  if (!is_first)
    bytes_add_field (bytes, 5, outcome->data, outcome->len);
  if (g_rand_boolean (random))
    {
      bytes_add_varint (bytes, 3 << 3);
      bytes_add_varint (bytes, g_rand_int (random));
    }
  return bytes;
}

/* The payload is three levels deep. */
static GByteArray *
random_reply (GRand *random)
{
  g_autoptr (GByteArray) outcome = random_outcome (random);
  g_autoptr (GByteArray) record = g_byte_array_new ();
  GByteArray *bytes = g_byte_array_new ();

  if (g_rand_boolean (random))
    bytes_add_field (record, 1, (const guint8 *) "the id", 6);
  bytes_add_field (record, 23, outcome->data, outcome->len);
  if (g_rand_boolean (random))
    bytes_add_field (record, 8, (const guint8 *) "target", 6);
  bytes_add_field (bytes, 1, record->data, record->len);
  return bytes;
}

static const struct
{
  const ProtobufCMessageDescriptor *type;
  GByteArray *(*make) (GRand *random);
} kinds[] = { { OUTCOME, random_outcome }, { ANSWER, random_answer }, { REPLY, random_reply } };

/* --- comparison --- */

static GBytes *
repacked (const ProtobufCMessage *message)
{
  gsize size = protobuf_c_message_get_packed_size (message);
  guint8 *bytes = g_malloc (size + 1);

  return g_bytes_new_take (bytes, protobuf_c_message_pack (message, bytes));
}

static Outcome *
outcome_of (const WireGuard *guard)
{
  ProtobufCMessage *message = (ProtobufCMessage *) (gsize) wire_guard_message (guard);
  const Reply *reply = (const Reply *) message;

  if (message->descriptor == OUTCOME)
    return (Outcome *) message;
  if (message->descriptor == ANSWER)
    return ((Answer *) message)->outcome;
  return reply->task != NULL ? reply->task->outcome : NULL;
}

static ProtobufCBinaryData *
payload_of (const WireGuard *guard)
{
  Outcome *outcome = outcome_of (guard);

  return outcome != NULL ? &outcome->payload : NULL;
}

/* Packs a message with its payload inserted, which is removed again. */
static GBytes *
repacked_with (const WireGuard *guard, WireSpan payload)
{
  ProtobufCBinaryData *place = payload_of (guard);
  ProtobufCBinaryData before;
  GBytes *bytes;

  if (payload.len == 0)
    return repacked (wire_guard_message (guard));
  g_assert_cmpuint (place->len, ==, 0);
  before = *place;
  *place = (ProtobufCBinaryData){ payload.len, (guint8 *) (gsize) payload.data };
  bytes = repacked (wire_guard_message (guard));
  *place = before;
  return bytes;
}

/* Returns TRUE if both functions accept the bytes. */
static gboolean
check_same (const ProtobufCMessageDescriptor *type, const guint8 *data, gsize len)
{
  g_autofree guint8 *exact = g_memdup2 (data, len); /* a read past the end is detected */
  const WireSpan bytes = wire_span (exact, len);
  const guint *path = type == OUTCOME ? outcome_path : type == ANSWER ? answer_path : reply_path;
  WireGuardError error, error_apart;
  WireSpan payload;
  g_autoptr (WireGuard) guard = wire_guard_unpack (type, bytes, 0, &error);
  g_autoptr (WireGuard) apart = wire_guard_unpack_apart (type, bytes, path, &payload, &error_apart);
  g_autoptr (GBytes) one = NULL;
  g_autoptr (GBytes) other = NULL;

  g_assert_true ((guard != NULL) == (apart != NULL));
  g_assert_cmpint (error.status, ==, error_apart.status);
  g_assert_cmpuint (error.offset, ==, error_apart.offset);
  g_assert_cmpstr (error.problem, ==, error_apart.problem);
  if (guard == NULL)
    {
      g_assert_cmpuint (payload.len, ==, 0);
      return FALSE;
    }
  g_assert_cmpuint (payload.len, ==,
                    payload_of (guard) != NULL && payload_of (guard)->len >= LARGE ? payload_of (guard)->len : 0);
  g_assert_true (payload.len == 0 || (payload.data >= exact && payload.data + payload.len <= exact + len));
  one = repacked (wire_guard_message (guard));
  other = repacked_with (apart, payload);
  g_assert_true (g_bytes_equal (one, other));
  return TRUE;
}

static void
test_same (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) g_test_rand_int ());

  for (guint i = 0; i < 1500; i++)
    {
      guint kind = i % G_N_ELEMENTS (kinds);
      g_autoptr (GByteArray) bytes = kinds[kind].make (random);

      g_assert_true (check_same (kinds[kind].type, bytes->data, bytes->len));
    }
}

/* --- hostile messages --- */

/* Bytes of the fields around the payload are changed, and the message is cut off. */
static void
test_mutations (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  guint n_refused = 0;

  for (guint i = 0; i < 3000; i++)
    {
      guint kind = i % G_N_ELEMENTS (kinds);
      g_autoptr (GByteArray) bytes = kinds[kind].make (random);
      guint at = (guint) g_rand_int_range (random, 0, MIN (64, (gint32) bytes->len));

      if (bytes->len == 0)
        continue;
      if (g_rand_boolean (random))
        at = bytes->len - 1 - at;
      if (g_rand_int_range (random, 0, 4) == 0)
        g_byte_array_set_size (bytes, at);
      else
        bytes->data[at] ^= (guint8) (1u << g_rand_int_range (random, 0, 8));
      n_refused += !check_same (kinds[kind].type, bytes->data, bytes->len);
    }
  g_assert_cmpuint (n_refused, >, 100);
}

static void
test_twice (void)
{
  g_autoptr (GByteArray) outcome = g_byte_array_new ();
  g_autoptr (GByteArray) answer = g_byte_array_new ();

  bytes_add_payload (outcome, LARGE);
  bytes_add_field (answer, 5, outcome->data, outcome->len);
  bytes_add_field (answer, 5, outcome->data, outcome->len);
  g_assert_false (check_same (ANSWER, answer->data, answer->len));
  bytes_add_payload (outcome, 0);
  g_assert_false (check_same (OUTCOME, outcome->data, outcome->len));
}

/* The length of the outcome is one less or more than its fields need. */
static void
test_nested_length (void)
{
  for (gint difference = -1; difference <= 1; difference++)
    {
      g_autoptr (GByteArray) outcome = g_byte_array_new ();
      g_autoptr (GByteArray) answer = g_byte_array_new ();

      bytes_add_payload (outcome, LARGE);
      bytes_add_varint (answer, 5 << 3 | WIRE_TYPE_LENGTH);
      bytes_add_varint (answer, (guint64) ((gint64) outcome->len + difference));
      g_byte_array_append (answer, outcome->data, outcome->len);
      bytes_add_field (answer, 2, (const guint8 *) "x", 1);
      g_assert_true (check_same (ANSWER, answer->data, answer->len) == (difference == 0));
    }
}

/* A large unknown field before or behind the payload, and a field with the wrong wire type, are refused. */
static void
test_refused (void)
{
  g_autofree guint8 *zeros = g_malloc0 (LARGE);
  g_autoptr (GByteArray) outcome = g_byte_array_new ();
  g_autoptr (GByteArray) before = g_byte_array_new ();
  g_autoptr (GByteArray) answer = g_byte_array_new ();

  bytes_add_field (before, 77, zeros, LARGE);
  bytes_add_payload (before, LARGE);
  g_assert_false (check_same (OUTCOME, before->data, before->len));
  bytes_add_payload (outcome, LARGE);
  bytes_add_field (answer, 5, outcome->data, outcome->len);
  g_assert_true (check_same (ANSWER, answer->data, answer->len));
  bytes_add_field (answer, 3, zeros, LARGE); /* its incarnation, with the wrong wire type */
  g_assert_false (check_same (ANSWER, answer->data, answer->len));
  bytes_add_field (outcome, 78, zeros, LARGE);
  g_assert_false (check_same (OUTCOME, outcome->data, outcome->len));
}

/* Large texts around the payload, and a field of an enclosing message with the number of the payload, are not the payload. */
static void
test_other_fields (void)
{
  g_autofree char *text = g_strnfill (LARGE, 'x');
  g_autoptr (GByteArray) outcome = g_byte_array_new ();
  g_autoptr (GByteArray) record = g_byte_array_new ();
  g_autoptr (GByteArray) reply = g_byte_array_new ();

  bytes_add_field (outcome, 4, (const guint8 *) text, LARGE);
  bytes_add_payload (outcome, LARGE);
  bytes_add_field (outcome, 6, (const guint8 *) text, LARGE);
  g_assert_true (check_same (OUTCOME, outcome->data, outcome->len));
  bytes_add_field (record, 3, (const guint8 *) text, LARGE);
  bytes_add_field (record, 23, outcome->data, outcome->len);
  bytes_add_field (reply, 1, record->data, record->len);
  g_assert_true (check_same (REPLY, reply->data, reply->len));
}

/* The payload does not raise the limit of memory for the other fields. */
static void
test_memory (void)
{
  g_autoptr (GByteArray) outcome = g_byte_array_new ();
  g_autoptr (GByteArray) record = g_byte_array_new ();
  guint n_accepted = 0, n_refused = 0;

  bytes_add_payload (outcome, LARGE);
  bytes_add_field (record, 23, outcome->data, outcome->len);
  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (GByteArray) reply = g_byte_array_new ();

      for (guint k = 0; k < 100; k++)
        bytes_add_field (record, 26, NULL, 0); /* an empty TaskHistory: needs far more memory than bytes */
      bytes_add_field (reply, 1, record->data, record->len);
      if (check_same (REPLY, reply->data, reply->len))
        n_accepted++;
      else
        n_refused++;
    }
  g_assert_cmpuint (n_accepted, >, 0);
  g_assert_cmpuint (n_refused, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/guard-apart/same", test_same);
  g_test_add_func ("/wire/guard-apart/P02-P05-mutations", test_mutations);
  g_test_add_func ("/wire/guard-apart/twice", test_twice);
  g_test_add_func ("/wire/guard-apart/nested-length", test_nested_length);
  g_test_add_func ("/wire/guard-apart/refused", test_refused);
  g_test_add_func ("/wire/guard-apart/other-fields", test_other_fields);
  g_test_add_func ("/wire/guard-apart/P06-memory", test_memory);
  return g_test_run ();
}

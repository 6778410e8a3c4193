/* SPDX-License-Identifier: Apache-2.0 */
#include "coordination.pb-c.h"
#include "wire-field.h"

/* The walk over the fields of a message. */

typedef Daemoneye__Eventbus__V1__TaskClaim TaskClaim;

static void
put (GByteArray *to, const char *bytes, gsize len)
{
  g_byte_array_append (to, (const guint8 *) bytes, (guint) len);
}

static GByteArray *
make_claim (void)
{
  GByteArray *bytes = g_byte_array_new ();
  TaskClaim claim = DAEMONEYE__EVENTBUS__V1__TASK_CLAIM__INIT;

  claim.task_id = (char *) (gsize) "task";
  claim.attempt = 300;
  claim.token = (ProtobufCBinaryData){ 3, (guint8 *) (gsize) "\0tk" };
  g_byte_array_set_size (bytes, (guint) daemoneye__eventbus__v1__task_claim__get_packed_size (&claim));
  daemoneye__eventbus__v1__task_claim__pack (&claim, bytes->data);
  return bytes;
}

static void
test_fields (void)
{
  g_autoptr (GByteArray) bytes = make_claim ();
  WireSpan rest;
  WireField field;

  put (bytes,
       "\xa1\x06"
       "12345678",
       10); /* fields that the message does not have: 100 with 64 bits, */
  put (bytes,
       "\xad\x06"
       "1234",
       6);                        /* 101 with 32 bits, */
  put (bytes, "\xb2\x06\x00", 3); /* and an empty 102 */
  rest = wire_span (bytes->data, bytes->len);
  g_assert_true (wire_field_next (&rest, &field));
  g_assert_cmpuint (field.number, ==, 1);
  g_assert_true (wire_span_equal (field.bytes, WIRE_SPAN_LITERAL ("task")));
  g_assert_true (wire_field_next (&rest, &field));
  g_assert_cmpuint (field.number, ==, 2);
  g_assert_cmpuint (field.value, ==, 300);
  g_assert_cmpuint (field.bytes.len, ==, 0);
  g_assert_true (wire_field_next (&rest, &field));
  g_assert_cmpuint (field.number, ==, 3);
  g_assert_cmpuint (field.value, ==, 0);
  g_assert_true (wire_span_equal (field.bytes, WIRE_SPAN_LITERAL ("\0tk")));
  for (guint number = 100; number <= 102; number++)
    {
      g_assert_true (wire_field_next (&rest, &field));
      g_assert_cmpuint (field.number, ==, number);
      g_assert_cmpuint (field.bytes.len, ==, 0);
    }
  g_assert_false (wire_field_next (&rest, &field));
  g_assert_cmpuint (rest.len, ==, 0);
}

/* The pointer distinguishes an empty field from one that has no bytes. */
static void
test_empty (void)
{
  WireSpan rest = WIRE_SPAN_LITERAL ("\x0a\x00\x10\x01\x1a\x00");
  WireField field;

  g_assert_true (wire_field_next (&rest, &field));
  g_assert_cmpuint (field.bytes.len, ==, 0);
  g_assert_nonnull (field.bytes.data);
  g_assert_true (wire_field_next (&rest, &field));
  g_assert_null (field.bytes.data);
  g_assert_true (wire_field_next (&rest, &field)); /* at the end of the message */
  g_assert_cmpuint (field.bytes.len, ==, 0);
  g_assert_nonnull (field.bytes.data);
  g_assert_false (wire_field_next (&rest, &field));
}

/* The walk over a message that is cut off ends before the end of the block, which the sanitizer watches. */
static void
test_cut_off (void)
{
  g_autoptr (GByteArray) bytes = make_claim ();

  for (gsize len = 0; len < bytes->len; len++)
    {
      g_autofree guint8 *part = g_memdup2 (bytes->data, len);
      WireSpan rest = wire_span (part, len);
      WireField field;
      guint n = 0;

      while (wire_field_next (&rest, &field))
        n++;
      g_assert_cmpuint (n, <, 3);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/field/all", test_fields);
  g_test_add_func ("/wire/field/empty", test_empty);
  g_test_add_func ("/wire/field/cut-off", test_cut_off);
  return g_test_run ();
}

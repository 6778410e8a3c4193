/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-guard-private.h"

#include "collection.pb-c.h"
#include "control.pb-c.h"
#include "coordination.pb-c.h"
#include "envelope.pb-c.h"
#include "introspection.pb-c.h"
#include "wire-varint.h"

/* The guard of protobuf-c: hostile messages are refused, valid ones are accepted, and the memory is bounded. */

typedef Daemoneye__Eventbus__V1__ProcessTable Table;

#define TABLE (&daemoneye__eventbus__v1__process_table__descriptor)
#define EVENT (&daemoneye__eventbus__v1__process_event__descriptor)
#define VALUE (&daemoneye__eventbus__v1__value__descriptor)

static GByteArray *
table_bytes (guint n)
{
  g_autofree Daemoneye__Eventbus__V1__ProcessRecord *records = g_new (Daemoneye__Eventbus__V1__ProcessRecord, n);
  g_autofree Daemoneye__Eventbus__V1__ProcessRecord **list = g_new (Daemoneye__Eventbus__V1__ProcessRecord *, n);
  GByteArray *bytes = g_byte_array_new ();
  Table table;

  daemoneye__eventbus__v1__process_table__init (&table);
  for (guint i = 0; i < n; i++)
    {
      daemoneye__eventbus__v1__process_record__init (&records[i]);
      records[i].pid = i + 1;
      records[i].name = (char *) "kworker/0:1";
      records[i].start_time = 42;
      list[i] = &records[i];
    }
  table.n_processes = n;
  table.processes = list;
  g_byte_array_set_size (bytes, (guint) daemoneye__eventbus__v1__process_table__get_packed_size (&table));
  daemoneye__eventbus__v1__process_table__pack (&table, bytes->data);
  return bytes;
}

/* Real tables of small records need the most memory: a server with two thousand kernel threads. */
static void
test_sound (void)
{
  for (guint n = 1; n <= 2000; n += 333)
    {
      g_autoptr (GByteArray) bytes = table_bytes (n);
      g_autoptr (WireGuard) guard = wire_guard_unpack (TABLE, wire_span (bytes->data, bytes->len), 0, NULL);
      const Table *table;

      g_assert_nonnull (guard);
      table = wire_guard_message (guard);
      g_assert_cmpuint (table->n_processes, ==, n);
      g_assert_cmpstr (table->processes[n - 1]->name, ==, "kworker/0:1");
      g_assert_cmpuint (table->processes[n - 1]->pid, ==, n);
    }
}

static void
test_empty (void)
{
  g_autoptr (WireGuard) guard = wire_guard_unpack (TABLE, wire_span (NULL, 0), 0, NULL);

  g_assert_nonnull (guard);
}

static const struct
{
  const char *name;
  const ProtobufCMessageDescriptor *type;
  const char *bytes;
  gsize len;
  WireStatus want;
} cases[] = {
#define CASE(name, type, text, want)                                                                                   \
  {                                                                                                                    \
    name, type, text, sizeof text - 1, want                                                                            \
  }
  CASE ("unknown field", TABLE, "\x50\x01", WIRE_STATUS_UNSUPPORTED),
  CASE ("wrong wire type", TABLE, "\x08\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("singular twice", TABLE, "\x10\x01\x10\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("sub-message twice", EVENT, "\x12\x00\x12\x00", WIRE_STATUS_BAD_MESSAGE),
  CASE ("member of a oneof twice", VALUE, "\x10\x01\x10\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("two members of a oneof", VALUE, "\x10\x01\x18\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("two members of a oneof, reversed", VALUE, "\x18\x01\x10\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("length past the end", TABLE, "\x0a\x05\x08\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("length above 2^32", TABLE, "\x0a\xff\xff\xff\xff\x7f", WIRE_STATUS_BAD_MESSAGE),
  CASE ("overlong number", TABLE, "\x10\x81\x00", WIRE_STATUS_BAD_MESSAGE),
  CASE ("u32 too large", TABLE, "\x10\xff\xff\xff\xff\x1f", WIRE_STATUS_BAD_MESSAGE),
  CASE ("key of five bytes", TABLE, "\x80\x80\x80\x80\x08\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("field 0", TABLE, "\x00\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("group", TABLE, "\x13", WIRE_STATUS_BAD_MESSAGE),
  CASE ("NUL in a name",
        TABLE,
        "\x0a\x05\x1a\x03"
        "a\0b",
        WIRE_STATUS_BAD_MESSAGE),
  CASE ("bad UTF-8 in a name", TABLE, "\x0a\x04\x1a\x02\xff\xfe", WIRE_STATUS_BAD_MESSAGE),
  CASE ("sub-message ends early", TABLE, "\x0a\x01\x08", WIRE_STATUS_BAD_MESSAGE),
  CASE ("trailing byte", TABLE, "\x10\x01\x10", WIRE_STATUS_BAD_MESSAGE),
#undef CASE
};

static void
test_cases (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      WireGuardError error;

      g_test_message ("%s", cases[i].name);
      g_assert_null (wire_guard_unpack (cases[i].type, wire_span (cases[i].bytes, cases[i].len), 100, &error));
      g_assert_cmpstr (wire_status_name (error.status), ==, wire_status_name (cases[i].want));
      g_assert_nonnull (error.problem);
      g_assert_cmpuint (error.offset, <=, cases[i].len);
    }
}

static void
test_lenient (void)
{
  static const char bytes[] = "\x50\x01\x10\x05\x5a\x02xy";
  g_autoptr (WireGuard) guard = wire_guard_unpack_lenient (TABLE, wire_span (bytes, sizeof bytes - 1), 0, NULL);
  const Table *table;

  g_assert_nonnull (guard);
  table = wire_guard_message (guard);
  g_assert_cmpuint (table->vanished, ==, 5);
}

/* A field that is repeated over a megabyte. */
static GByteArray *
repeated (const char *unit, gsize unit_len)
{
  GByteArray *bytes = g_byte_array_new ();

  while (bytes->len + unit_len <= 1 << 20)
    g_byte_array_append (bytes, (const guint8 *) unit, (guint) unit_len);
  return bytes;
}

static void
test_merge_bomb (void)
{
  g_autoptr (GByteArray) bytes = repeated ("\x12\x02\x2a\x00", 4); /* one process, repeated */
  WireGuardError error;

  g_assert_null (wire_guard_unpack (EVENT, wire_span (bytes->data, bytes->len), 0, &error));
  g_assert_cmpint (error.status, ==, WIRE_STATUS_BAD_MESSAGE);
  g_assert_cmpuint (error.offset, <, 10);
}

static void
test_memory_bombs (void)
{
  g_autoptr (GByteArray) records = repeated ("\x0a\x00", 2);
  g_autoptr (GByteArray) unknown = repeated ("\x50\x01", 2);
  WireGuardError error;

  g_assert_null (wire_guard_unpack (TABLE, wire_span (records->data, records->len), 0, &error));
  g_assert_cmpint (error.status, ==, WIRE_STATUS_LIMIT);
  g_assert_null (wire_guard_unpack (TABLE, wire_span (records->data, records->len), 1000, &error));
  g_assert_cmpint (error.status, ==, WIRE_STATUS_LIMIT);
  g_assert_null (wire_guard_unpack_lenient (TABLE, wire_span (unknown->data, unknown->len), 0, &error));
  g_assert_cmpint (error.status, ==, WIRE_STATUS_LIMIT);
}

/* A filter for several states is a packed list of numbers of one byte. */
static void
test_packed_numbers (void)
{
  const guint8 bytes[] = { 0x22, 0x04, 0x01, 0x07, 0x08, 0x0a };
  g_autoptr (WireGuard) guard = wire_guard_unpack (&daemoneye__eventbus__v1__task_list_request__descriptor,
                                                   wire_span (bytes, sizeof bytes), 0, NULL);
  const Daemoneye__Eventbus__V1__TaskListRequest *request;

  g_assert_nonnull (guard);
  request = wire_guard_message (guard);
  g_assert_cmpuint (request->n_states, ==, 4);
  g_assert_cmpint (request->states[3], ==, DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_QUARANTINED);
}

static void
test_allocation_failures (void)
{
  g_autoptr (GByteArray) bytes = table_bytes (50);
  guint at = 1;

  for (;; at++)
    {
      WireGuardError error;
      g_autoptr (WireGuard) guard
          = wire_guard_unpack_failing (TABLE, wire_span (bytes->data, bytes->len), 0, FALSE, at, &error);

      if (guard != NULL)
        break;
      g_assert_cmpint (error.status, ==, WIRE_STATUS_NO_MEMORY);
    }
  g_assert_cmpuint (at, >, 50);
}

static void
test_mutations (void)
{
  g_autoptr (GByteArray) bytes = table_bytes (3);

  for (guint len = 0; len < bytes->len; len++)
    {
      WireGuardError error;
      g_autoptr (WireGuard) guard = wire_guard_unpack (TABLE, wire_span (bytes->data, len), 0, &error);

      g_assert_true (guard != NULL || error.status != WIRE_STATUS_OK);
    }
  for (guint bit = 0; bit < bytes->len * 8; bit++)
    {
      WireGuardError error;
      g_autoptr (WireGuard) guard = NULL;

      bytes->data[bit / 8] ^= (guint8) (1u << bit % 8);
      guard = wire_guard_unpack_lenient (TABLE, wire_span (bytes->data, bytes->len), 0, &error);
      g_assert_true (guard != NULL || error.status != WIRE_STATUS_OK);
      bytes->data[bit / 8] ^= (guint8) (1u << bit % 8);
    }
}

/* A message that is deeper than any valid one, of a type that contains itself. */
static void
test_depth (void)
{
  static ProtobufCMessageDescriptor recursive;
  static const ProtobufCFieldDescriptor field = {
    .name = "self", .id = 1, .label = PROTOBUF_C_LABEL_NONE, .type = PROTOBUF_C_TYPE_MESSAGE, .descriptor = &recursive
  };
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  WireGuardError error;

  recursive
      = (ProtobufCMessageDescriptor){ .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC, .n_fields = 1, .fields = &field };

  /* The messages are written from the innermost to the outermost. */
  for (guint depth = 0; depth < 1000; depth++)
    {
      guint8 header[11] = { 0x0a };
      guint8 *end = wire_varint_put (header + 1, bytes->len);

      g_byte_array_prepend (bytes, header, (guint) (end - header));
    }
  g_assert_null (wire_guard_unpack (&recursive, wire_span (bytes->data, bytes->len), 0, &error));
  g_assert_cmpint (error.status, ==, WIRE_STATUS_LIMIT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/guard/sound", test_sound);
  g_test_add_func ("/wire/guard/empty", test_empty);
  g_test_add_func ("/wire/guard/P02-P04-P05-P06-P08-cases", test_cases);
  g_test_add_func ("/wire/guard/M27-lenient", test_lenient);
  g_test_add_func ("/wire/guard/P04-merge-bomb", test_merge_bomb);
  g_test_add_func ("/wire/guard/P07-memory-bombs", test_memory_bombs);
  g_test_add_func ("/wire/guard/packed-numbers", test_packed_numbers);
  g_test_add_func ("/wire/guard/P11-allocation-failures", test_allocation_failures);
  g_test_add_func ("/wire/guard/F12-mutations", test_mutations);
  g_test_add_func ("/wire/guard/P03-depth", test_depth);
  return g_test_run ();
}

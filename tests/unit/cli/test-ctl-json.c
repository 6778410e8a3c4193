/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-fixture.h"
#include "ctl-json-text.h"
#include "test-vectors.h"

#include <collection.pb-c.h>
#include <control.pb-c.h>
#include <introspection.pb-c.h>
#include <string.h>

/* Tests of the conversion between payloads and JSON: both directions, limits, and the texts of errors. */

/* Checks that @payload is written as @json, and that @json is read back to the same bytes. */
static void
assert_written (CtlTypes *types, const char *name, GBytes *payload, const char *json)
{
  const ProtobufCMessageDescriptor *type = ctl_fixture_type (types, name);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) again = NULL;
  g_autofree char *text = ctl_fixture_unpack (type, payload, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, json);
  again = ctl_fixture_pack (type, text, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (again, payload));
}

static GBytes *
bytes_of (const TestVector *vector)
{
  return g_bytes_new_static (vector->bytes, vector->len);
}

/* Asserts that @json and the bytes that protoc encoded are the same message. */
static void
assert_same (CtlTypes *types, const char *name, const char *json)
{
  const TestVector *vector = test_vector_find (name);
  g_autoptr (GBytes) payload = bytes_of (vector);

  assert_written (types, vector->type, payload, json);
}

/* The same if other bytes have the same meaning: @json packs to @ours, which protoc decodes to the same message as @name. */
static void
assert_same_meaning (CtlTypes *types, const char *name, const char *ours, const char *json)
{
  const TestVector *vector = test_vector_find (name);
  const ProtobufCMessageDescriptor *type = ctl_fixture_type (types, vector->type);
  g_autoptr (GBytes) payload = bytes_of (vector);
  g_autoptr (GBytes) expected = bytes_of (test_vector_find (ours));
  g_autoptr (GError) error = NULL;
  g_autofree char *written = ctl_fixture_unpack (type, payload, &error);
  g_autoptr (GBytes) again = ctl_fixture_pack (type, json, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (written, ==, json);
  g_assert_true (g_bytes_equal (again, expected));
}

/* Asserts that @json packs to the bytes that protoc encoded. */
static void
assert_read (CtlTypes *types, const char *name, const char *json)
{
  const TestVector *vector = test_vector_find (name);
  g_autoptr (GBytes) expected = bytes_of (vector);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) payload = ctl_fixture_pack (ctl_fixture_type (types, vector->type), json, &error);

  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (payload, expected));
}

static void
assert_refused (CtlTypes *types, const char *name, const char *json, const char *problem)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) payload = ctl_fixture_pack (ctl_fixture_type (types, name), json, &error);

  g_assert_null (payload);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_cmpstr (error->message, ==, problem);
}

/* --- tests --- */

#define ZOO "daemoneye.zoo."

static void
test_scalars (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();

  assert_same (types, "scalars-empty",
               "{\"a_double\":0.0,\"a_float\":0.0,\"an_int32\":0,\"an_int64\":\"0\",\"a_uint32\":0,\"a_uint64\":\"0\","
               "\"a_sint32\":0,\"a_sint64\":\"0\",\"a_fixed32\":0,\"a_fixed64\":\"0\",\"an_sfixed32\":0,"
               "\"an_sfixed64\":\"0\",\"a_bool\":false,\"a_string\":\"\",\"some_bytes\":\"\",\"kind\":\"KIND_NONE\"}");
  assert_same (types, "scalars-extreme",
               "{\"a_double\":-1.5,\"a_float\":0.1,\"an_int32\":-2147483648,"
               "\"an_int64\":\"-9223372036854775808\",\"a_uint32\":4294967295,\"a_uint64\":\"18446744073709551615\","
               "\"a_sint32\":-1,\"a_sint64\":\"9223372036854775807\",\"a_fixed32\":4294967295,\"a_fixed64\":\"1\","
               "\"an_sfixed32\":-5,\"an_sfixed64\":\"-6\",\"a_bool\":true,\"a_string\":\"G\303\274n \\\"x\\\"\","
               "\"some_bytes\":\"AP9h\",\"kind\":\"KIND_DOG\"}");
}

static void
test_scalars_read (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();

  /* Numbers as strings, strings as numbers, whole reals, camel case, null. */
  assert_read (types, "scalars-numbers",
               "{\"anInt32\":\"-7\",\"an_int64\":8,\"aUint64\":\"9\",\"a_uint32\":1e3,\"aSint64\":-2.0,\"aFixed64\":5,"
               "\"aDouble\":\"1.25e1\",\"aFloat\":3,\"kind\":1,\"aString\":null}");
  assert_read (types, "scalars-not-finite", "{\"aDouble\":\"NaN\",\"aFloat\":\"-Infinity\"}");
  assert_same (types, "lists-not-finite",
               "{\"a_double\":[\"Infinity\",\"-Infinity\",\"NaN\"],\"a_float\":[],\"an_int32\":[],\"an_int64\":[],"
               "\"a_uint32\":[],\"a_uint64\":[],\"a_sint32\":[],\"a_sint64\":[],\"a_fixed32\":[],\"a_fixed64\":[],"
               "\"an_sfixed32\":[],\"an_sfixed64\":[],\"a_bool\":[],\"a_string\":[],\"some_bytes\":[],"
               "\"kind\":[99,\"KIND_NEGATIVE\",\"KIND_LARGEST\"],\"loose\":[],\"scalars\":[]}");
  assert_read (types, "scalars-bytes", "{\"some_bytes\":\"-_8\"}");
  assert_read (types, "scalars-bytes", "{\"some_bytes\":\"+/8=\"}");
}

/* Every integer, as a number or as a string, is converted exactly or refused. */
/* @written: NULL: refused, with the field and the text */
static void
assert_number (const ProtobufCMessageDescriptor *type,
               const char *json,
               const char *field,
               const char *text,
               const char *written)
{
  g_autofree char *wanted = g_strdup_printf ("\"%s\":%s,", field, written);
  g_autofree char *shown = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) payload = ctl_fixture_pack (type, json, &error);

  g_test_message ("%s", json);
  if (written == NULL)
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
      g_assert_true (g_str_has_prefix (error->message, field));
      g_assert_nonnull (strstr (error->message, text));
      return;
    }
  g_assert_no_error (error);
  shown = ctl_fixture_unpack (type, payload, NULL);
  g_assert_nonnull (strstr (shown, wanted));
}

static void
test_integers_exact (void)
{
  static const struct
  {
    const char *field, *text;
    const char *written; /* NULL: refused */
  } rows[] = {
    { "a_uint64", "18446744073709551615", "\"18446744073709551615\"" },
    { "a_uint64", "1.8446744073709551615e19", "\"18446744073709551615\"" },
    { "a_uint64", "18446744073709551616", NULL },
    { "a_uint64", "9223372036854775808", "\"9223372036854775808\"" },
    { "a_uint64", "1e19", "\"10000000000000000000\"" },
    { "a_uint64", "2e19", NULL },
    { "a_uint64", "-1", NULL },
    { "a_uint64", "-0", "\"0\"" },
    { "a_uint64", "0.5", NULL },
    { "a_uint64", "1e-1", NULL },
    { "a_uint64", "1e400", NULL },
    { "a_uint64", "1e99999999999999999999", NULL },
    { "a_uint64", "10e-1", "\"1\"" },
    { "an_int64", "9223372036854775807", "\"9223372036854775807\"" },
    { "an_int64", "9223372036854775808", NULL },
    { "an_int64", "-9223372036854775808", "\"-9223372036854775808\"" },
    { "an_int64", "-9223372036854775809", NULL },
    { "an_int64", "9007199254740993", "\"9007199254740993\"" },
    { "an_int32", "2147483647", "2147483647" },
    { "an_int32", "2147483648", NULL },
    { "an_int32", "-2147483648", "-2147483648" },
    { "an_int32", "-2147483649", NULL },
    { "a_uint32", "4294967295", "4294967295" },
    { "a_uint32", "4294967296", NULL },
    { "a_fixed64", "18446744073709551615", "\"18446744073709551615\"" },
    { "an_sfixed64", "-9223372036854775809", NULL },
    { "kind", "2147483648", NULL },
  };
  g_autoptr (CtlTypes) types = ctl_fixture_types ();
  const ProtobufCMessageDescriptor *type = ctl_fixture_type (types, ZOO "Scalars");

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint quoted = 0; quoted < (g_str_equal (rows[i].field, "kind") ? 1 : 2); quoted++)
      {
        const char *quote = quoted == 1 ? "\"" : "";
        g_autofree char *json = g_strdup_printf ("{\"%s\":%s%s%s}", rows[i].field, quote, rows[i].text, quote);

        assert_number (type, json, rows[i].field, rows[i].text, rows[i].written);
      }
}

/* The text of a number reads as the same number, bit by bit. */
static void
test_reals_round_trip (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();
  const ProtobufCMessageDescriptor *type = ctl_fixture_type (types, ZOO "Scalars");
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);

  for (guint i = 0; i < 20000; i++)
    {
      /* Field 1 is a_double, field 2 a_float. */
      guint8 bytes[14] = { 1 << 3 | 1, [9] = 2 << 3 | 5 };
      guint32 words[3];
      g_autoptr (GBytes) payload = NULL, again = NULL;
      g_autofree char *json = NULL;

      for (guint k = 0; k < 3; k++)
        words[k] = g_rand_int (rand);
      words[1] |= 1; /* not zero, because a zero is not written */
      words[2] |= 1;
      if ((words[1] >> 20 & 0x7ff) == 0x7ff || (words[2] >> 23 & 0xff) == 0xff)
        continue; /* not finite: the bits of NaN are not kept */
      memcpy (bytes + 1, words, 8);
      memcpy (bytes + 10, words + 2, 4);
      payload = g_bytes_new (bytes, sizeof bytes);
      json = ctl_fixture_unpack (type, payload, NULL);
      again = ctl_fixture_pack (type, json, NULL);
      g_test_message ("%s", json);
      g_assert_true (g_bytes_equal (payload, again));
    }
}

static void
test_lists (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();
  const ProtobufCMessageDescriptor *type = ctl_fixture_type (types, ZOO "Lists");
  g_autoptr (GBytes) payload = bytes_of (test_vector_find ("lists"));
  g_autoptr (GError) error = NULL;
  g_autofree char *json = ctl_fixture_unpack (type, payload, &error);
  g_autoptr (GBytes) again = NULL;

  g_assert_no_error (error);
  g_assert_nonnull (strstr (json, "\"a_bool\":[true,false,true,false,true],\"a_string\":[\"\",\"x\"],"
                                  "\"some_bytes\":[\"\",\"eXo=\"],\"kind\":[\"KIND_CAT\"],\"loose\":[1,2,-3],"));
  again = ctl_fixture_pack (type, json, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (again, payload));
}

/* More numbers than half the bytes: the guard's usual cap would refuse them. */
static void
test_long_packed_list (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();
  const ProtobufCMessageDescriptor *type = ctl_fixture_type (types, ZOO "Lists");
  g_autoptr (GString) json = g_string_new ("{\"a_bool\":[true");
  g_autoptr (GBytes) payload = NULL, again = NULL;
  g_autofree char *text = NULL;

  for (guint i = 0; i < 9999; i++)
    g_string_append (json, ",false");
  g_string_append (json, "]}");
  payload = ctl_fixture_pack (type, json->str, NULL);
  g_assert_cmpuint (g_bytes_get_size (payload), ==, 10003);
  text = ctl_fixture_unpack (type, payload, NULL);
  again = ctl_fixture_pack (type, text, NULL);
  g_assert_true (g_bytes_equal (again, payload));
}

static void
test_presence (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();

  assert_same (types, "presence-empty", "{}");
  assert_same (types, "presence-defaults",
               "{\"number\":0,\"text\":\"\",\"raw\":\"\",\"kind\":\"KIND_NONE\",\"empty\":{}}");
  assert_read (types, "presence-empty", "null");
  assert_read (types, "presence-empty", "{\"number\":null}");
}

static void
test_oneof (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();

  assert_same (types, "choice-none", "{\"before\":\"\",\"after\":\"\"}");
  assert_same (types, "choice-text", "{\"before\":\"\",\"text\":\"\",\"after\":\"\"}");
  assert_same (types, "choice-two", "{\"before\":\"\",\"number\":\"0\",\"after\":\"\",\"yes\":false}");
  assert_same (types, "choice-empty", "{\"before\":\"b\",\"after\":\"\",\"raw\":\"eA==\",\"empty\":{}}");
  assert_same (types, "choice-nested",
               "{\"before\":\"\",\"choice\":{\"before\":\"\",\"choice\":{\"before\":\"\",\"after\":\"\",\"real\":0.25},"
               "\"after\":\"\"},\"after\":\"\"}");
  assert_read (types, "choice-kind", "{\"text\":null,\"kind\":\"KIND_DOG\"}");
  assert_refused (types, ZOO "Choice", "{\"text\":\"a\",\"choice\":{}}",
                  "choice: another field of the same oneof is set");
}

static void
test_maps (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();

  assert_same (types, "maps-empty", "{\"counts\":{},\"names\":{},\"scalars\":{},\"kinds\":{}}");
  assert_same_meaning (types, "maps", "maps-shorter",
                       "{\"counts\":{\"a\":1,\"\":0},\"names\":{\"-5\":\"five\"},\"scalars\":{},"
                       "\"kinds\":{\"4294967295\":\"KIND_CAT\"}}");
  assert_read (types, "maps-message", "{\"scalars\":{\"true\":{\"an_int32\":3}}}");
  assert_refused (types, ZOO "Maps", "{\"kinds\":{\"-1\":0}}",
                  "kinds[\"-1\"]: expected a number from 0 to 4294967295, not \"-1\"");
  assert_refused (types, ZOO "Maps", "{\"scalars\":{\"yes\":{}}}",
                  "scalars[\"yes\"]: expected true or false, not \"yes\"");
  assert_refused (
      types, ZOO "Maps", "{\"kinds\":{\"1\":0,\"1.0\":0}}",
      "kinds[\"1.0\"]: the key of a map is an integer: write it with digits only, without a fraction or an exponent");
  assert_refused (types, ZOO "Maps", "{\"kinds\":{\"01\":0}}",
                  "kinds[\"01\"]: expected a number from 0 to 4294967295, not \"01\"");
  assert_refused (types, ZOO "Maps", "{\"counts\":[]}", "counts: expected an object, not a list");
  assert_refused (types, ZOO "Maps", "{\"counts\":{\"a\":null}}",
                  "counts[\"a\"]: expected a number from -2147483648 to 2147483647, not null");
}

/* A key or value that is absent in an entry has its default; the default of a message is empty. If a key occurs in several
 * entries, the last entry counts. */
static void
test_map_entries_without_key_or_value (void)
{
  static const guint8 bytes[] = { 0x0a, 0x00, 0x0a, 0x02, 0x10, 0x07, 0x1a, 0x00 };
  g_autoptr (CtlTypes) types = ctl_fixture_types ();
  g_autoptr (GBytes) payload = g_bytes_new_static (bytes, sizeof bytes);
  g_autofree char *json = ctl_fixture_unpack (ctl_fixture_type (types, ZOO "Maps"), payload, NULL);

  g_assert_cmpstr (json, ==, "{\"counts\":{\"\":7},\"names\":{},\"scalars\":{\"false\":{}},\"kinds\":{}}");
}

static void
test_nested_and_names (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();

  assert_same (types, "tree",
               "{\"leaf\":{\"colour\":\"RED\"},\"branches\":[{\"branches\":[],\"label_of_it\":\"x\"}],"
               "\"label_of_it\":\"\"}");
  assert_read (types, "tree-label", "{\"theLabel\":\"y\"}");
  assert_refused (types, ZOO "Tree", "{\"theLabel\":\"y\",\"label_of_it\":\"z\"}",
                  "label_of_it: the field is given twice, under both of its names");
  assert_same (types, "sparse", "{\"first\":3,\"second\":2,\"middle\":4,\"last\":1}");
}

static void
test_proto2 (void)
{
  static const char name[] = "daemoneye.zoo2.Old";
  g_autoptr (CtlTypes) types = ctl_fixture_types ();

  assert_same (types, "old-required", "{\"number\":0,\"text\":\"\",\"loose\":[],\"tight\":[],\"sizes\":{}}");
  assert_same (
      types, "old-all",
      "{\"number\":1,\"text\":\"x\",\"greeting\":\"hello\\n\\\"you\\\"\",\"raw\":\"YQBi/wpc\",\"size\":\"SMALL\","
      "\"real\":1.0,\"narrow\":2.0,\"yes\":false,\"far\":\"-1\",\"high\":\"1\",\"loose\":[1,2],\"tight\":[3,4],"
      "\"kind\":\"KIND_CAT\",\"sizes\":{},\"one\":4}");
  assert_same (types, "old-nested",
               "{\"number\":1,\"text\":\"x\",\"loose\":[],\"tight\":[],\"child\":{\"number\":2,\"text\":\"y\","
               "\"loose\":[],\"tight\":[],\"sizes\":{}},\"sizes\":{\"a\":\"KIND_CAT\"},\"other\":\"q\"}");
  assert_refused (types, name, "{\"number\":1}", "field text is required");
  assert_refused (types, name, "{\"number\":1,\"text\":\"\",\"child\":{\"text\":\"\"}}",
                  "child: field number is required");
}

static void
test_refused (void)
{
  static const struct
  {
    const char *json, *problem;
  } cases[] = {
    { "[]", "expected an object, not a list" },
    { "5", "expected an object, not 5" },
    { "{\"processes\":[{\"pid\":\"abc\"}]}", "processes[0].pid: expected a number from 0 to 4294967295, not \"abc\"" },
    { "{\"processes\":[{},{\"pid\":-1}]}", "processes[1].pid: expected a number from 0 to 4294967295, not -1" },
    { "{\"processes\":[{\"pid\":1.5}]}", "processes[0].pid: expected a number from 0 to 4294967295, not 1.5" },
    { "{\"processes\":[{\"pid\":4294967296}]}",
      "processes[0].pid: expected a number from 0 to 4294967295, not 4294967296" },
    { "{\"processes\":[{\"pid\":{}}]}", "processes[0].pid: expected a number from 0 to 4294967295, not an object" },
    { "{\"processes\":[{\"startTime\":\"18446744073709551616\"}]}",
      "processes[0].startTime: expected a number from 0 to 18446744073709551615, not \"18446744073709551616\"" },
    { "{\"processes\":[{\"name\":7}]}", "processes[0].name: expected a string, not 7" },
    { "{\"processes\":[{\"command_line\":\"x\"}]}", "processes[0].command_line: expected a list, not \"x\"" },
    { "{\"processes\":[{\"command_line\":[\"x\",null]}]}",
      "processes[0].command_line[1]: expected a string, not null" },
    { "{\"processes\":{}}", "processes: expected a list, not an object" },
    { "{\"processes\":[null]}", "processes[0]: expected an object, not null" },
    { "{\"vanished\":true}", "vanished: expected a number from 0 to 4294967295, not true" },
    { "{\"banished\":1}", "banished: no such field; daemoneye.eventbus.v1.ProcessTable has processes, vanished, "
                          "unreadable, shortened, next_cursor" },
  };
  g_autoptr (CtlTypes) types = ctl_fixture_types ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (types, "daemoneye.eventbus.v1.ProcessTable", cases[i].json, cases[i].problem);
  assert_refused (types, ZOO "Empty", "{\"x\":1}", "x: no such field; daemoneye.zoo.Empty has no fields");
  assert_refused (types, ZOO "Scalars", "{\"kind\":\"cat\"}",
                  "kind: expected a number or one of KIND_CAT, KIND_DOG, KIND_HOUND, KIND_LARGEST, KIND_NEGATIVE, "
                  "KIND_NONE, not \"cat\"");
  assert_refused (types, ZOO "Scalars", "{\"a_float\":1e39}", "a_float: expected a number that fits 32 bits, not 1e39");
  assert_refused (types, ZOO "Scalars", "{\"a_float\":3.4028235678e38}",
                  "a_float: expected a number that fits 32 bits, not 3.4028235678e38");
  assert_refused (types, ZOO "Scalars", "{\"a_double\":1e400}",
                  "a_double: expected a number that fits 64 bits, not 1e400");
  assert_refused (types, ZOO "Scalars", "{\"a_double\":\"1e400\"}",
                  "a_double: expected a number, \"NaN\", \"Infinity\" or \"-Infinity\", not \"1e400\"");
  assert_refused (types, ZOO "Scalars", "{\"some_bytes\":\"a\"}", "some_bytes: expected bytes in base64, not \"a\"");
  assert_refused (types, ZOO "Scalars", "{\"some_bytes\":\"ab=\"}",
                  "some_bytes: expected bytes in base64, not \"ab=\"");
  assert_refused (types, ZOO "Scalars", "{\"some_bytes\":\"a c=\"}",
                  "some_bytes: expected bytes in base64, not \"a c=\"");
  assert_refused (types, ZOO "Scalars", "{\"a_double\":\"inf\"}",
                  "a_double: expected a number, \"NaN\", \"Infinity\" or \"-Infinity\", not \"inf\"");
}

static void
test_depth (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();
  const ProtobufCMessageDescriptor *type = ctl_fixture_type (types, ZOO "Choice");

  for (guint depth = 1; depth <= 20; depth++)
    {
      g_autoptr (GString) json = g_string_new (NULL);
      g_autoptr (GBytes) payload = NULL;
      g_autoptr (GError) error = NULL;

      for (guint i = 1; i < depth; i++)
        g_string_append (json, "{\"choice\":");
      g_string_append (json, "{}");
      for (guint i = 1; i < depth; i++)
        g_string_append_c (json, '}');
      payload = ctl_fixture_pack (type, json->str, &error);
      if (depth <= CTL_JSON_DEPTH_MAX)
        g_assert_nonnull (payload);
      else
        g_assert_true (g_str_has_suffix (error->message, ": messages are nested more than 16 levels deep"));
    }
}

static void
test_not_a_payload (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();
  g_autoptr (GBytes) payload = g_bytes_new_static ("\xff\xff", 2), unknown = g_bytes_new_static ("\xa0\x06\x01", 3);
  g_autoptr (GError) error = NULL;
  g_autofree char *json = ctl_fixture_unpack (ctl_fixture_type (types, ZOO "Empty"), payload, &error);

  g_assert_null (json);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_cmpstr (error->message, ==, "not a daemoneye.zoo.Empty: malformed number, at byte 0");
  json = ctl_fixture_unpack (ctl_fixture_type (types, ZOO "Empty"), unknown, NULL);
  g_assert_cmpstr (json, ==, "{}"); /* fields of newer peers are left out */
}

/* Counters are numbers in reports of the tool, identifiers and values of properties are not. */
static void
test_reports (void)
{
  Daemoneye__Eventbus__V1__BusTotals totals = DAEMONEYE__EVENTBUS__V1__BUS_TOTALS__INIT;
  Daemoneye__Eventbus__V1__PropertyInfo property = DAEMONEYE__EVENTBUS__V1__PROPERTY_INFO__INIT;
  Daemoneye__Eventbus__V1__Value value = DAEMONEYE__EVENTBUS__V1__VALUE__INIT;
  Daemoneye__Eventbus__V1__PeerDescription peer = DAEMONEYE__EVENTBUS__V1__PEER_DESCRIPTION__INIT;
  g_autoptr (JsonNode) node = NULL, property_node = NULL, peer_node = NULL;
  g_autofree char *json = NULL, *property_json = NULL, *peer_json = NULL;

  totals.accepted = CTL_JSON_EXACT_MAX;
  totals.delivered = CTL_JSON_EXACT_MAX + 1;
  totals.epoch = 5;
  node = ctl_json_from_message (&totals.base, NULL);
  json = ctl_json_text (node, FALSE);
  g_assert_nonnull (strstr (json, "\"accepted\":9007199254740992,\"delivered\":\"9007199254740993\",\"missed\":0,"));
  g_assert_nonnull (strstr (json, "\"epoch\":\"5\","));
  value.kind_case = DAEMONEYE__EVENTBUS__V1__VALUE__KIND_NATURAL;
  value.natural = 7;
  property.value = &value;
  property_node = ctl_json_from_message (&property.base, NULL);
  property_json = ctl_json_text (property_node, FALSE);
  g_assert_nonnull (strstr (property_json, "\"value\":{\"natural\":\"7\"}"));
  peer.health = DAEMONEYE__EVENTBUS__V1__HEALTH__HEALTH_DEGRADED;
  peer_node = ctl_json_from_message (&peer.base, NULL);
  peer_json = ctl_json_text (peer_node, FALSE);
  g_assert_nonnull (strstr (peer_json, "\"health\":\"HEALTH_DEGRADED\""));
}

/* The same JSON by a type that was made at run time and one of protoc-c. */
static void
test_same_as_generated (void)
{
  static const char json[]
      = "{\"processes\":[{\"pid\":1,\"ppid\":0,\"name\":\"init\",\"exe\":\"/sbin/init\","
        "\"command_line\":[\"/sbin/init\",\"splash\"],\"uid\":0,\"start_time\":\"12\","
        "\"cpu_time_us\":\"18446744073709551615\",\"resident_bytes\":\"0\",\"virtual_bytes\":\"0\","
        "\"unknown_fields\":0,\"exe_deleted\":false}],"
        "\"vanished\":3,\"unreadable\":0,\"shortened\":0,\"next_cursor\":0}";
  const ProtobufCMessageDescriptor *generated = &daemoneye__eventbus__v1__process_table__descriptor;
  g_autoptr (CtlTypes) types = ctl_fixture_types ();
  const ProtobufCMessageDescriptor *built = ctl_fixture_type (types, generated->name);
  g_autoptr (GBytes) a = ctl_fixture_pack (built, json, NULL), b = ctl_fixture_pack (generated, json, NULL);
  g_autofree char *text_a = ctl_fixture_unpack (built, a, NULL), *text_b = ctl_fixture_unpack (generated, b, NULL);
  g_autoptr (GBytes) camel = ctl_fixture_pack (generated, "{\"processes\":[{\"cpuTimeUs\":3}]}", NULL);

  g_assert_nonnull (camel);
  g_assert_true (g_bytes_equal (a, b));
  g_assert_cmpstr (text_a, ==, json);
  g_assert_cmpstr (text_b, ==, json);
}

/* Any bytes give an error, or JSON that packs again. */
static void
test_hostile_payloads (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();
  g_autoptr (GPtrArray) names = ctl_types_list (types);
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  for (guint i = 0; i < 40000; i++)
    {
      const ProtobufCMessageDescriptor *type
          = ctl_types_find (types, g_ptr_array_index (names, (guint) g_rand_int_range (rand, 0, (gint32) names->len)));
      gsize len = (gsize) g_rand_int_range (rand, 0, 24);
      g_autofree guint8 *bytes = g_malloc (len + 1);
      g_autoptr (GBytes) payload = NULL, again = NULL;
      g_autofree char *json = NULL;

      for (gsize j = 0; j < len; j++)
        bytes[j] = (guint8) (g_rand_int (rand) >> (g_rand_boolean (rand) ? 0 : 26));
      payload = g_bytes_new (bytes, len);
      json = ctl_fixture_unpack (type, payload, NULL);
      if (json == NULL)
        continue;
      again = ctl_fixture_pack (type, json, NULL);
      g_assert_nonnull (again);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cli/json/scalars", test_scalars);
  g_test_add_func ("/cli/json/scalars-read", test_scalars_read);
  g_test_add_func ("/cli/json/integers-exact", test_integers_exact);
  g_test_add_func ("/cli/json/reals-round-trip", test_reals_round_trip);
  g_test_add_func ("/cli/json/lists", test_lists);
  g_test_add_func ("/cli/json/long-packed-list", test_long_packed_list);
  g_test_add_func ("/cli/json/presence", test_presence);
  g_test_add_func ("/cli/json/oneof", test_oneof);
  g_test_add_func ("/cli/json/maps", test_maps);
  g_test_add_func ("/cli/json/map-entries-without-key-or-value", test_map_entries_without_key_or_value);
  g_test_add_func ("/cli/json/nested-and-names", test_nested_and_names);
  g_test_add_func ("/cli/json/proto2", test_proto2);
  g_test_add_func ("/cli/json/refused", test_refused);
  g_test_add_func ("/cli/json/depth", test_depth);
  g_test_add_func ("/cli/json/not-a-payload", test_not_a_payload);
  g_test_add_func ("/cli/json/reports", test_reports);
  g_test_add_func ("/cli/json/same-as-generated", test_same_as_generated);
  g_test_add_func ("/cli/json/F-hostile-payloads", test_hostile_payloads);
  return g_test_run ();
}

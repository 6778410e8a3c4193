/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-fixture.h"

/* The fields of Execute: their bounds and their encoding, at the collector. Each bad payload has one fault only. */

typedef CollectorFixture Fixture;

typedef struct
{
  gsize token, task_id, operation; /* lengths. A task_id of 0 bytes is in the tail, an operation of 0 bytes is "scan" */
  guint attempt;
  guint shard, shards;
  const char *tail; /* bytes behind the packed fields */
  gsize tail_len;
} Fields;

#define LENGTHS(t, i, o) .token = (t), .task_id = (i), .operation = (o)
#define TAIL(bytes)      .tail = (bytes), .tail_len = sizeof (bytes) - 1

static const Fields hostile[] = {
  { LENGTHS (65, 1, 0), .attempt = 1 },
  { LENGTHS (1, 65, 0), .attempt = 1 },
  { LENGTHS (1, 1, 257), .attempt = 1 },
  { LENGTHS (1, 1, 0), .attempt = 1, .shard = 2, .shards = 2 },           /* the shard does not exist */
  { LENGTHS (1, 1, 0), .attempt = 1, TAIL ("\x30\x01") },                 /* attempt: twice */
  { LENGTHS (1, 1, 0), .attempt = 0, TAIL ("\x32\x01\x01") },             /* attempt: bytes, not a number */
  { LENGTHS (1, 1, 0), .attempt = 1, TAIL ("\x2a\x01\x01") },             /* priority: the same */
  { LENGTHS (1, 1, 0), .attempt = 1, TAIL ("\x60\x02") },                 /* adopt: neither 0 nor 1 */
  { LENGTHS (1, 1, 0), .attempt = 1, TAIL ("\x28\x80\x80\x80\x80\x10") }, /* priority: 33 bits */
  { LENGTHS (1, 0, 0), .attempt = 1, TAIL ("\x0a\x03t\0t") },             /* task_id: contains NUL */
};

static const Fields valid[] = {
  { LENGTHS (64, 64, 0), .attempt = 1 },
  { LENGTHS (1, 1, 0), .attempt = 1, .shard = 1, .shards = 2 },
  { LENGTHS (1, 1, 0), .attempt = 1, TAIL ("\x28\xff\xff\xff\xff\x0f") }, /* priority: 32 bits */
  { LENGTHS (1, 1, 0), .attempt = 1, TAIL ("\xa0\x06\x01") },             /* field 100, of a newer broker */
};

static void
script_fields (Fixture *f, guint64 route, const Fields *fields)
{
  g_autofree char *token = g_strnfill (fields->token, 'x');
  g_autofree char *task_id = g_strnfill (fields->task_id, 't');
  g_autofree char *operation = fields->operation > 0 ? g_strnfill (fields->operation, 'o') : g_strdup ("scan");
  g_autofree guint8 *packed = NULL;
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;
  gsize len;

  execute.token = (ProtobufCBinaryData){ fields->token, (guint8 *) token };
  execute.task_id = task_id;
  execute.operation = operation;
  execute.attempt = fields->attempt;
  execute.shard = fields->shard;
  execute.shards = fields->shards;
  packed = g_malloc (daemoneye__eventbus__v1__execute__get_packed_size (&execute) + fields->tail_len);
  len = daemoneye__eventbus__v1__execute__pack (&execute, packed);
  if (fields->tail_len > 0)
    memcpy (packed + len, fields->tail, fields->tail_len);
  collector_script_order (f->base.in, route, "bus", packed, len + fields->tail_len);
}

static GPtrArray *
order (Fixture *f, guint64 route, const Fields *fields)
{
  script_fields (f, route, fields);
  client_fixture_send_and_settle (&f->base);
  return collector_receive (f);
}

static void
test_hostile (Fixture *f, gconstpointer data)
{
  collector_fixture_start (f);
  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    {
      g_test_message ("payload %u", i);
      script_fields (f, 700 + i, &hostile[i]);
      collector_assert_bad_request (f);
    }
  g_assert_cmpuint (f->log.calls, ==, 0);
  g_assert_cmpint (deye_bus_client_get_state (f->base.client), ==, DEYE_BUS_CLIENT_STATE_READY);
}

static void
test_valid (Fixture *f, gconstpointer data)
{
  f->log.succeeds = TRUE;
  collector_fixture_start (f);
  for (guint i = 0; i < G_N_ELEMENTS (valid); i++)
    {
      g_autoptr (GPtrArray) frames = order (f, 700 + i, &valid[i]);

      g_test_message ("payload %u", i);
      g_assert_cmpuint (f->log.calls, ==, i + 1);
      g_assert_cmpuint (frames->len, ==, 2);
      g_assert_cmpint (((const ScriptFrame *) frames->pdata[0])->flags, ==, WIRE_FLAG_PROGRESS);
      g_assert_cmpint (((const ScriptFrame *) frames->pdata[1])->flags, ==, WIRE_FLAG_FINAL);
    }
}

/* The longest name of an operation is valid: the answer says that the collector does not have the operation. */
static void
test_longest_operation (Fixture *f, gconstpointer data)
{
  const Fields fields = { LENGTHS (1, 1, 256), .attempt = 1 };
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (WireGuard) guard = NULL;

  collector_fixture_start (f);
  frames = order (f, 700, &fields);
  g_assert_cmpuint (frames->len, ==, 1);
  guard = collector_unpack (frames->pdata[0], &daemoneye__eventbus__v1__outcome__descriptor);
  g_assert_cmpstr (((const ScriptOutcome *) wire_guard_message (guard))->error_name, ==, "UnknownOperation");
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/execute/" path, Fixture, NULL, collector_fixture_set_up, function, collector_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("hostile", test_hostile);
  ADD ("valid", test_valid);
  ADD ("longest-operation", test_longest_operation);
  return g_test_run ();
}

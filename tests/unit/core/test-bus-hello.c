/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"

/* The handshake, and connections before it. */

static void
expect_goodbye (Client *client, WireStatus status)
{
  g_assert_true (client->closed);
  g_assert_cmpstr (wire_status_name (client->goodbye), ==, wire_status_name (status));
  g_assert_cmpstr (client->goodbye_detail, !=, "");
}

static void
test_welcome (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "procmond-1", "procmond");
  BusCoreStats stats;

  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.peers, ==, 1);
  g_assert_false (client->closed);
}

typedef struct
{
  const char *name;
  const char *id;
  const char *type;
  guint32 role;
  guint32 oldest;
  guint32 newest;
  WireStatus want;
  const char *in_detail;
} HelloCase;

static const HelloCase hello_cases[] = {
  { "newer", "a", "procmond", 1, 2 << 16, 3 << 16, WIRE_STATUS_VERSION, "2.0 to 3.0, the broker 1.0 to 1.0" },
  { "older", "a", "procmond", 1, 0, 9, WIRE_STATUS_VERSION, "0.0 to 0.9" },
  { "inverted-range", "a", "procmond", 1, 2 << 16, 1 << 16, WIRE_STATUS_VERSION, "no common version" },
  { "reserved-bus", "bus", "procmond", 1, 1 << 16, 1 << 16, WIRE_STATUS_DENIED, "reserved" },
  { "reserved-agent", "daemoneye-agent", "procmond", 1, 1 << 16, 1 << 16, WIRE_STATUS_DENIED, "reserved" },
  { "no-id", "", "procmond", 1, 1 << 16, 1 << 16, WIRE_STATUS_BAD_MESSAGE, "id" },
  { "two-segments", "a.b", "procmond", 1, 1 << 16, 1 << 16, WIRE_STATUS_BAD_MESSAGE, "one segment" },
  { "no-type", "a", "", 1, 1 << 16, 1 << 16, WIRE_STATUS_BAD_MESSAGE, "type" },
  { "agent-role", "a", "procmond", 3, 1 << 16, 1 << 16, WIRE_STATUS_DENIED, "agent" },
  { "tool-of-other-uid", "a", "", 2, 1 << 16, 1 << 16, WIRE_STATUS_DENIED, "tool-uids" },
};

static void
test_refused (Core *core, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (hello_cases); i++)
    {
      const HelloCase *c = &hello_cases[i];
      Client *client = client_new (core, 1000, FALSE);

      g_test_message ("%s", c->name);
      client_hello (client, c->id, c->type, c->role, c->oldest, c->newest);
      expect_goodbye (client, c->want);
      g_assert_nonnull (strstr (client->goodbye_detail, c->in_detail));
    }
}

static void
test_wider_range_is_welcome (Core *core, gconstpointer data)
{
  Client *client = client_new (core, 1000, FALSE);
  g_autoptr (Got) welcome = NULL;

  client_hello (client, "future-1", "procmond", 1, 1 << 16, 7 << 16);
  welcome = client_take (client, WIRE_KIND_WELCOME);
  g_assert_nonnull (welcome);
}

static void
test_duplicate (Core *core, gconstpointer data)
{
  Client *first = client_ready (core, "same", "procmond");
  Client *second = client_new (core, 1001, FALSE); /* of the same account: test-bus-takeover.c */

  client_hello (second, "same", "procmond", 1, 1 << 16, 1 << 16);
  expect_goodbye (second, WIRE_STATUS_DUPLICATE_ID);
  g_assert_false (first->closed);

  client_disconnect (first);
  client_ready (core, "same", "procmond");
}

static void
test_order (Core *core, gconstpointer data)
{
  Client *eager = client_new (core, 1000, FALSE);
  Client *twice = client_ready (core, "twice", "procmond");

  client_publish (eager, "health", 0, "x", 1);
  expect_goodbye (eager, WIRE_STATUS_PROTOCOL_ORDER);

  client_hello (twice, "other", "procmond", 1, 1 << 16, 1 << 16);
  expect_goodbye (twice, WIRE_STATUS_PROTOCOL_ORDER);
}

static void
test_strangers (Core *core, gconstpointer data)
{
  static const char http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  static const guint8 tls[] = { 0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3 };
  static const guint8 no_magic[] = { 4, 0, 0, 0, 1, 0, 0, 0, 'a', 'b', 'c', 'd' };
  static const guint8 huge_hello[] = { 1, 0x10, 0, 0, 1, 0, 0, 0 };
  static const struct
  {
    const void *bytes;
    gsize len;
    WireStatus want;
  } cases[] = {
    { http, sizeof http - 1, WIRE_STATUS_BAD_MAGIC },
    { tls, sizeof tls, WIRE_STATUS_BAD_MAGIC },
    { no_magic, sizeof no_magic, WIRE_STATUS_BAD_MAGIC },
    { huge_hello, sizeof huge_hello, WIRE_STATUS_FRAME_TOO_LARGE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Client *client = client_new (core, 1000, FALSE);
      BusNote note;

      client_send_bytes (client, cases[i].bytes, cases[i].len);
      expect_goodbye (client, cases[i].want);
      g_assert_null (strstr (client->goodbye_detail, "GET"));
      g_assert_true ((cases[i].want == WIRE_STATUS_FRAME_TOO_LARGE)
                     == (strstr (client->goodbye_detail, "the limit of 4096 (for HELLO)") != NULL));
      while (bus_core_next_note (core->core, &note, NULL))
        g_assert_null (strstr (note.detail, "GET"));
    }
}

static void
test_hello_timeout (Core *core, gconstpointer data)
{
  Client *silent = client_new (core, 1000, FALSE);
  Client *ready = client_ready (core, "ready", "procmond");

  core_advance (core, 4 * G_TIME_SPAN_SECOND);
  g_assert_false (silent->closed);
  core_advance (core, 2 * G_TIME_SPAN_SECOND);
  expect_goodbye (silent, WIRE_STATUS_HELLO_TIMEOUT);
  g_assert_false (ready->closed);
}

static void
test_slow_loris (Core *core, gconstpointer data)
{
  Client *slow = client_ready (core, "slow", "procmond");
  static const guint8 header[] = { 100, 0, 0, 0, WIRE_KIND_PUBLISH, 0, 0, 0 };

  client_send_bytes (slow, header, sizeof header);
  for (guint i = 0; i < 9; i++)
    {
      core_advance (core, G_TIME_SPAN_SECOND);
      client_send_bytes (slow, "\x08", 1);
      g_assert_false (slow->closed);
    }
  core_advance (core, 2 * G_TIME_SPAN_SECOND);
  expect_goodbye (slow, WIRE_STATUS_TIMEOUT);
}

static void
test_unauthenticated_limit (Core *core, gconstpointer data)
{
  Client *silent[16];
  Client *newer, *refused, *agent;

  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    g_assert_false ((silent[i] = client_new (core, 1000, FALSE))->closed);
  g_assert_cmpint (bus_core_accept_wait_us (core->core, core->now_us), ==, 100000);
  refused = client_new (core, 1001, FALSE); /* no connection had enough time to send HELLO */
  g_assert_true (refused->closed);
  g_assert_cmpint (refused->refusal.status, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpstr (refused->refusal.limit, ==, "max_unauthenticated");
  g_assert_cmpuint (refused->refusal.retry_us, ==, 100000);

  newer = client_new (core, 1000, FALSE); /* replaces a connection of its own account */
  core_flush (core);
  g_assert_false (newer->closed);
  expect_goodbye (silent[0], WIRE_STATUS_LIMIT);
  g_assert_cmpuint (silent[0]->goodbye_retry_us, ==, 100000);

  core_advance (core, 100000);
  g_assert_cmpint (bus_core_accept_wait_us (core->core, core->now_us), ==, 0);
  client_ready (core, "speaks", "procmond");
  core_flush (core);
  expect_goodbye (silent[1], WIRE_STATUS_LIMIT);
  g_assert_false (silent[2]->closed);
  /* The agent's own connection is always accepted. */
  agent = agent_ready (core);
  g_assert_false (agent->closed);
}

static Client *
connect_as (Core *core, guint32 uid, guint n)
{
  g_autofree char *id = g_strdup_printf ("p%u-%u", uid, n);
  Client *client = client_new (core, uid, FALSE);

  client_hello (client, id, "procmond", 1, 1 << 16, 1 << 16);
  return client;
}

/* One connection more than the limit of a uid or the total limit is refused; other peers and the agent are not affected. */
static void
test_connection_limits (Core *core, gconstpointer data)
{
  BusLimits limits;
  Client *first = NULL;
  Core small;

  bus_limits_init (&limits);
  limits.max_connections_per_uid = 3;
  limits.max_connections = 6;
  core_setup (&small, &limits);
  for (guint i = 0; i < 3; i++)
    {
      Client *client = connect_as (&small, 1000, i);

      g_assert_false (client->closed);
      first = first != NULL ? first : client;
    }
  g_assert_true (client_new (&small, 1000, FALSE)->closed);
  g_assert_false (connect_as (&small, 1001, 0)->closed);
  client_disconnect (first);
  g_assert_false (connect_as (&small, 1000, 3)->closed);
  g_assert_true (client_new (&small, 1000, FALSE)->closed);
  g_assert_false (connect_as (&small, 1002, 0)->closed);
  g_assert_false (connect_as (&small, 1002, 1)->closed);
  g_assert_true (client_new (&small, 1003, FALSE)->closed); /* the total limit */
  g_assert_false (agent_ready (&small)->closed);
  core_teardown (&small, NULL);
}

/* A connection for which no peer was made receives a complete GOODBYE. */
static void
test_refusal (Core *core, gconstpointer data)
{
  g_autoptr (GBytes) bytes = bus_core_refusal (WIRE_STATUS_LIMIT, "too many", 7);
  WireFrameReader reader;
  WireFrame frame;
  WireSpan input;
  gsize len;
  const guint8 *start = g_bytes_get_data (bytes, &len);

  input = wire_span (start, len);
  wire_frame_reader_init (&reader, 1000);
  g_assert_cmpint (wire_frame_reader_next (&reader, &input, &frame), ==, WIRE_FRAME_COMPLETE);
  g_assert_cmpuint (frame.kind, ==, WIRE_KIND_GOODBYE);
  g_assert_cmpuint (input.len, ==, 0);
  g_assert_cmpmem (frame.body.data, frame.body.len, "\x08\x17\x12\x08too many\x18\x07", 14);
  wire_frame_reader_clear (&reader);
}

static void
test_shutdown (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "a", "procmond");

  bus_core_shutdown (core->core, core->now_us);
  core_flush (core);
  expect_goodbye (client, WIRE_STATUS_SHUTTING_DOWN);
  g_assert_true (client_new (core, 1000, FALSE)->closed);
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/hello/M27-welcome", test_welcome);
  ADD ("/core/hello/O07-refused", test_refused);
  ADD ("/core/hello/M27-wider-range", test_wider_range_is_welcome);
  ADD ("/core/hello/A01-duplicate", test_duplicate);
  ADD ("/core/hello/O01-O02-order", test_order);
  ADD ("/core/hello/F09-other-protocols", test_strangers);
  ADD ("/core/hello/F08-hello-timeout", test_hello_timeout);
  ADD ("/core/hello/F07-slow-loris", test_slow_loris);
  ADD ("/core/hello/R01-unauthenticated", test_unauthenticated_limit);
  ADD ("/core/hello/R01-connections", test_connection_limits);
  ADD ("/core/hello/refusal", test_refusal);
  ADD ("/core/hello/shutdown", test_shutdown);
  return g_test_run ();
}

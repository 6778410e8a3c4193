/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-hello.h"

#include "peer/peer-fixture.h"
#include "envelope.pb-c.h"
#include "wire-guard.h"

/* The handshake of one peer: the HELLOs that are accepted, and those that are refused with a reason. test-bus-hello.c tests it
 * from the view of clients. */

#define MAGIC     0x42594544u
#define VERSION_1 (1u << 16)

typedef Daemoneye__Eventbus__V1__Hello Hello;

/* Returns a valid HELLO, which each test changes. */
static Hello
good_hello (void)
{
  Hello hello = DAEMONEYE__EVENTBUS__V1__HELLO__INIT;

  hello.magic = MAGIC;
  hello.oldest_version = VERSION_1;
  hello.newest_version = VERSION_1;
  hello.id = (char *) (gsize) "one";
  hello.type = (char *) (gsize) "procmond";
  hello.role = BUS_ROLE_COLLECTOR;
  hello.incarnation = 9;
  return hello;
}

static gboolean
send_hello (BusPeer *peer, const Hello *hello)
{
  guint8 body[WIRE_HELLO_MAX];
  const WireFrame frame
      = { .kind = WIRE_KIND_HELLO, .body = wire_span (body, daemoneye__eventbus__v1__hello__pack (hello, body)) };

  return bus_hello_accept (peer, &frame) == BUS_HELLO_ACCEPTED;
}

/* Sends a HELLO on a new connection of @account, and asserts the status of the refusal; OK: it is accepted. */
static void
assert_status (Peers *f, const Hello *hello, guint32 account, WireStatus status)
{
  BusPeer *peer = peers_connect (f, account, FALSE);
  g_autofree char *expected = g_strdup_printf ("GOODBYE status=%s\n", wire_status_name (status));

  g_assert_true (send_hello (peer, hello) == (status == WIRE_STATUS_OK));
  g_assert_true (bus_peer_is_ready (peer) == (status == WIRE_STATUS_OK));
  peers_assert_sent (peer, status == WIRE_STATUS_OK ? "WELCOME\n" : expected);
  if (status != WIRE_STATUS_OK)
    {
      g_assert_null (peer->id); /* it is not in the table of ids */
      peers_assert_note (f, BUS_NOTE_REFUSED, status);
    }
  peers_disconnect (f, peer);
  if (status == WIRE_STATUS_OK)
    peers_assert_note (f, BUS_NOTE_GONE, WIRE_STATUS_ABSENT);
}

static void
test_accepted (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_connect (f, 1000, FALSE);
  Hello hello = good_hello ();

  hello.software_version = (char *) (gsize) "1.2.3";
  g_assert_true (send_hello (peer, &hello));
  g_assert_true (bus_peer_is_ready (peer));
  g_assert_cmpstr (peer->id, ==, "one");
  g_assert_cmpstr (peer->type, ==, "procmond");
  g_assert_cmpstr (peer->software_version, ==, "1.2.3");
  g_assert_cmpuint (peer->incarnation, ==, 9);
  g_assert_cmpint (peer->principal.role, ==, BUS_ROLE_COLLECTOR);
  g_assert_true (g_hash_table_lookup (f->core->peers_by_id, &peer->key) == peer);
  g_assert_cmpuint (f->core->strangers.length, ==, 0);
  g_assert_false (bus_deadline_is_armed (&peer->timer.deadline));
  g_assert_cmpint (peer->timer.kind, ==, BUS_TIMER_FRAME);
  for (guint i = WIRE_CLASS_NONE + 1; i < WIRE_N_CLASSES; i++)
    g_assert_true (bus_window_is_open (&bus_ledger_allowance (&peer->ledger, i)->window));
}

/* WELCOME contains the windows and limits that apply. */
static void
test_welcome (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_connect (f, 1000, FALSE);
  const Hello hello = good_hello ();
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__Welcome *welcome;
  const PeerFrame *frame;

  f->core->epoch = 77;
  g_assert_true (send_hello (peer, &hello));
  frames = peers_take (peer);
  frame = g_ptr_array_index (frames, 0);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__welcome__descriptor, frame->body, 0, NULL);
  g_assert_nonnull (guard);
  welcome = wire_guard_message (guard);
  g_assert_cmpuint (welcome->version, ==, VERSION_1);
  g_assert_cmpuint (welcome->epoch, ==, 77);
  g_assert_cmpstr (welcome->id, ==, "one");
  g_assert_cmpuint (welcome->role, ==, BUS_ROLE_COLLECTOR);
  g_assert_cmpuint (welcome->largest_payload, ==, f->core->limits.max_payload);
  g_assert_cmpuint (welcome->n_windows, ==, WIRE_N_CLASSES - 1);
  for (guint i = 0; i < welcome->n_windows; i++)
    {
      const BusWindow *window = &bus_ledger_allowance (&peer->ledger, welcome->windows[i]->class_)->window;

      g_assert_cmpuint (welcome->windows[i]->class_, ==, i + 1);
      g_assert_cmpuint (welcome->windows[i]->messages, ==, window->window_messages);
      g_assert_cmpuint (welcome->windows[i]->bytes, ==, window->window_bytes);
    }
  for (guint i = 0; i < welcome->n_limits; i++)
    g_assert_cmpuint (welcome->limits[i]->value, >, 0);
}

static void
test_versions (Peers *f, gconstpointer data)
{
  static const struct
  {
    guint32 oldest;
    guint32 newest;
    WireStatus status;
  } rows[] = {
    { VERSION_1, VERSION_1, WIRE_STATUS_OK },
    { 0, VERSION_1, WIRE_STATUS_OK },
    { VERSION_1, G_MAXUINT32, WIRE_STATUS_OK },
    { VERSION_1 + 1, 2 * VERSION_1, WIRE_STATUS_VERSION },
    { 0, VERSION_1 - 1, WIRE_STATUS_VERSION },
    { VERSION_1, VERSION_1 - 1, WIRE_STATUS_VERSION }, /* an inverted range */
    { G_MAXUINT32, G_MAXUINT32, WIRE_STATUS_VERSION },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Hello hello = good_hello ();

      hello.oldest_version = rows[i].oldest;
      hello.newest_version = rows[i].newest;
      assert_status (f, &hello, 1000, rows[i].status);
    }
}

/* No HELLO can request the role of the agent, and only accounts in the configuration can request that of a tool. */
static void
test_roles (Peers *f, gconstpointer data)
{
  guint32 tools[] = { 7 };
  Hello hello = good_hello ();
  BusPeer *agent;

  f->core->tool_accounts = tools;
  f->core->n_tool_accounts = 1;
  hello.role = BUS_ROLE_TOOL;
  assert_status (f, &hello, 7, WIRE_STATUS_OK);
  assert_status (f, &hello, 8, WIRE_STATUS_DENIED);
  hello.role = BUS_ROLE_AGENT;
  assert_status (f, &hello, 7, WIRE_STATUS_DENIED);
  hello.role = 0;
  assert_status (f, &hello, 7, WIRE_STATUS_DENIED);

  agent = peers_connect (f, 0, TRUE); /* the agent's own connection, also if its HELLO requests another role */
  g_assert_true (send_hello (agent, &hello));
  g_assert_cmpint (agent->principal.role, ==, BUS_ROLE_AGENT);
  g_assert_cmpstr (agent->type, ==, "");
}

static void
test_ids (Peers *f, gconstpointer data)
{
  static const struct
  {
    const char *id;
    WireStatus status;
  } rows[] = {
    { "two", WIRE_STATUS_OK },          { "", WIRE_STATUS_BAD_MESSAGE },
    { "a.b", WIRE_STATUS_BAD_MESSAGE }, { "Upper", WIRE_STATUS_BAD_MESSAGE },
    { "a+", WIRE_STATUS_BAD_MESSAGE },  { "bus", WIRE_STATUS_DENIED },
    { "task", WIRE_STATUS_DENIED },     { "daemoneye-agent", WIRE_STATUS_DENIED },
  };
  BusPeer *first = peers_ready (f, "one", 1000);
  const Hello again = good_hello ();

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Hello hello = good_hello ();

      hello.id = (char *) (gsize) rows[i].id;
      assert_status (f, &hello, 1000, rows[i].status);
    }
  assert_status (f, &again, 1001, WIRE_STATUS_DUPLICATE_ID); /* of another account; see test-takeover.c */
  peers_disconnect (f, first);
  assert_status (f, &again, 1000, WIRE_STATUS_OK); /* the id is free again */
}

static void
test_types (Peers *f, gconstpointer data)
{
  static const char *const bad[] = { "", "a.b", "#", "Upper" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      Hello hello = good_hello ();

      hello.type = (char *) (gsize) bad[i];
      assert_status (f, &hello, 1000, WIRE_STATUS_BAD_MESSAGE);
    }
}

/* First frames that are not a HELLO, or not a valid one. */
static void
test_first_frame_is_not_hello (Peers *f, gconstpointer data)
{
  static const struct
  {
    guint8 kind;
    const char *body;
    gsize len;
    const char *expected;
  } rows[] = {
    { WIRE_KIND_PUBLISH, "x", 1, "GOODBYE status=PROTOCOL_ORDER\n" },
    { WIRE_KIND_GOODBYE, "x", 1, "GOODBYE status=PROTOCOL_ORDER\n" },
    { 200, "x", 1, "GOODBYE status=BAD_MAGIC\n" },
    { WIRE_KIND_HELLO,
      "\x0d"
      "DEY",
      4, "GOODBYE status=BAD_MAGIC\n" },
    { WIRE_KIND_HELLO,
      "\x0d"
      "DEYX",
      5, "GOODBYE status=BAD_MAGIC\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const WireFrame frame = { .kind = rows[i].kind, .body = wire_span ((const guint8 *) rows[i].body, rows[i].len) };
      BusPeer *peer = peers_connect (f, 1000, FALSE);

      g_assert_cmpint (bus_hello_accept (peer, &frame), ==, BUS_HELLO_REFUSED);
      peers_assert_sent (peer, rows[i].expected);
    }
  g_assert_cmpint (bus_hello_status_of_stranger (0), ==, WIRE_STATUS_BAD_MAGIC);
  g_assert_cmpint (bus_hello_status_of_stranger (WIRE_KIND_LAST), ==, WIRE_STATUS_PROTOCOL_ORDER);
  g_assert_cmpint (bus_hello_status_of_stranger (WIRE_KIND_LAST + 1), ==, WIRE_STATUS_BAD_MAGIC);
}

/* The choice of a version if the broker supported several, which it does not yet. */
static void
test_version_ranges (Peers *f, gconstpointer data)
{
  static const struct
  {
    BusVersions theirs;
    gboolean meet;
  } cases[] = {
    { { 10, 20 }, TRUE }, { { 1, 10 }, TRUE },   { { 20, 99 }, TRUE }, { { 1, 99 }, TRUE },   { { 13, 13 }, TRUE },
    { { 1, 9 }, FALSE },  { { 21, 99 }, FALSE }, { { 0, 0 }, FALSE },  { { 15, 14 }, FALSE }, { { 20, 10 }, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_true (bus_hello_versions_overlap ((BusVersions){ 10, 20 }, cases[i].theirs) == cases[i].meet);
}

#define ADD(path, function) g_test_add (path, Peers, NULL, peers_setup, function, peers_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/hello/O07-version-ranges", test_version_ranges);
  ADD ("/core/hello/accepted", test_accepted);
  ADD ("/core/hello/welcome", test_welcome);
  ADD ("/core/hello/M27-versions", test_versions);
  ADD ("/core/hello/M18-roles", test_roles);
  ADD ("/core/hello/A01-ids", test_ids);
  ADD ("/core/hello/types", test_types);
  ADD ("/core/hello/F09-first-frame-is-not-HELLO", test_first_frame_is_not_hello);
  return g_test_run ();
}

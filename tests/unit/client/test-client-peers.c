/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"

#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "test-watchdog.h"
#include "wire-feature.h"

/* Waiting for a peer, and watching peers. The broker is scripted; the first request has the id 2. */

typedef ClientFixture Fixture;
typedef Daemoneye__Eventbus__V1__PeerState PeerState;
typedef Daemoneye__Eventbus__V1__WaitReply WaitReply;
typedef Daemoneye__Eventbus__V1__WaitRequest WaitRequest;

#define REQUEST 2u

static const ScriptWelcome with_waiting = { .features = WIRE_FEATURE_STREAM | WIRE_FEATURE_DELIVERY };

/* --- the broker --- */

/* Scripts a reply. @peers: words such as "one+9" (connected, with the incarnation 9) and "one-9" (gone). @flags: "r" restart, "c"
 * complete, "f" the last reply. */
static void
script_peers (Fixture *f, const char *flags, const char *peers)
{
  g_auto (GStrv) words = g_strsplit (peers, " ", -1);
  g_autoptr (GArray) states = g_array_new (FALSE, FALSE, sizeof (PeerState));
  g_autoptr (GPtrArray) rows = g_ptr_array_new ();
  g_autoptr (GBytes) payload = NULL;
  WaitReply reply = DAEMONEYE__EVENTBUS__V1__WAIT_REPLY__INIT;
  WireEnvelope envelope;
  static char type[] = "procmond";

  for (char **word = words; *word != NULL && **word != '\0'; word++)
    {
      PeerState state = DAEMONEYE__EVENTBUS__V1__PEER_STATE__INIT;
      char *sign = *word + strlen (*word) - 1;

      while (strchr ("+-", *sign) == NULL)
        sign--;
      state.present = *sign == '+';
      state.incarnation = g_ascii_strtoull (sign + 1, NULL, 10);
      state.id = *word;
      state.type = type;
      state.pid = 77;
      *sign = '\0';
      g_array_append_val (states, state);
    }
  for (guint i = 0; i < states->len; i++)
    g_ptr_array_add (rows, &g_array_index (states, PeerState, i));
  reply.accept_seq = 40 + states->len;
  reply.restart = strchr (flags, 'r') != NULL;
  reply.complete = strchr (flags, 'c') != NULL;
  reply.n_peers = rows->len;
  reply.peers = (PeerState **) rows->pdata;
  payload = deye_bus_pack (&reply.base);
  wire_envelope_init (&envelope);
  envelope.answers = REQUEST;
  envelope.sender = WIRE_SPAN_LITERAL ("bus");
  envelope.payload = wire_span (g_bytes_get_data (payload, NULL), g_bytes_get_size (payload));
  script_frame (f->in, WIRE_KIND_REPLY, strchr (flags, 'f') != NULL ? WIRE_FLAG_FINAL : 0, &envelope);
}

static void
send_peers (Fixture *f, const char *flags, const char *peers)
{
  script_peers (f, flags, peers);
  client_fixture_send_and_settle (f);
}

static void
expect_request (Fixture *f, const char *peer, gboolean watch)
{
  g_autoptr (GPtrArray) frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  const ScriptFrame *frame = frames->pdata[0];
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__wait_request__descriptor, frame->envelope.payload, 0, NULL);
  const WaitRequest *request;

  g_assert_true (wire_span_equal (frame->envelope.topic, WIRE_SPAN_LITERAL ("control.bus.wait")));
  g_assert_cmpuint (frame->envelope.id, ==, REQUEST);
  g_assert_cmpuint (frame->envelope.deadline_us, ==, 0);
  g_assert_nonnull (guard);
  request = wire_guard_message (guard);
  g_assert_cmpstr (request->peer, ==, peer);
  g_assert_cmpint (request->watch, ==, watch);
}

/* --- waiting --- */

static void
test_wait (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusPeer) peer = NULL;
  g_autoptr (DeyeBusPeer) again = NULL;

  client_fixture_connect (f, &with_waiting);
  script_peers (f, "rcf", "one+9");
  client_fixture_send (f);
  peer = deye_bus_client_wait_for_peer (f->client, "one", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (deye_bus_peer_get_id (peer), ==, "one");
  g_assert_cmpstr (deye_bus_peer_get_kind (peer), ==, "procmond");
  g_assert_cmpuint (deye_bus_peer_get_incarnation (peer), ==, 9);
  g_assert_cmpuint (deye_bus_peer_get_pid (peer), ==, 77);
  g_assert_cmpuint (deye_bus_peer_get_role (peer), ==, 0);
  g_assert_cmpstr (deye_bus_peer_get_account (peer), ==, "");
  g_assert_true (deye_bus_peer_is_present (peer));
  again = deye_bus_peer_ref (peer);
  g_assert_true (again == peer);
  expect_request (f, "one", FALSE);
}

static void
test_wait_async (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_auto (ClientResult) result = { 0 };
  g_autoptr (DeyeBusPeer) peer = NULL;

  client_fixture_connect (f, &with_waiting);
  deye_bus_client_wait_for_peer_async (f->client, "one", NULL, NULL, client_result_set, &result);
  expect_request (f, "one", FALSE);
  client_fixture_settle (f);
  g_assert_cmpuint (result.calls, ==, 0);
  send_peers (f, "rcf", "one+9");
  g_assert_cmpuint (result.calls, ==, 1);
  peer = deye_bus_client_wait_for_peer_finish (f->client, result.result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (deye_bus_peer_get_incarnation (peer), ==, 9);
  g_assert_null (deye_bus_client_wait_for_peer_finish (f->client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
}

/* After the timeout the client cancels the wait at the broker. */
static void
test_wait_timeout (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, &with_waiting);
  deye_bus_options_set_timeout (options, 1000);
  g_assert_null (deye_bus_client_wait_for_peer (f->client, "one", options, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  g_assert_nonnull (strstr (error->message, "one "));
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_CANCEL), ==, 1);
}

static void
test_wait_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_auto (ClientResult) result = { 0 };

  client_fixture_connect (f, &with_waiting);
  deye_bus_client_wait_for_peer_async (f->client, "one", NULL, cancellable, client_result_set, &result);
  g_cancellable_cancel (cancellable);
  client_fixture_wait (f, result.calls == 1);
  g_assert_null (deye_bus_client_wait_for_peer_finish (f->client, result.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_CANCEL), ==, 1);
  g_clear_error (&error);
  g_assert_null (deye_bus_client_wait_for_peer (f->client, "one", NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_wait_mistakes (Fixture *f, gconstpointer data)
{
  static const char *const bad[] = { "", "One", "a.b", "a*", "x y" };
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  g_assert_null (deye_bus_client_wait_for_peer (f->client, "one", NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  client_fixture_connect (f, &with_waiting);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_clear_error (&error);
      g_assert_null (deye_bus_client_wait_for_peer (f->client, bad[i], NULL, NULL, &error));
      g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
    }
  g_clear_error (&error);
  deye_bus_options_set_timeout (options, -1);
  g_assert_null (deye_bus_client_wait_for_peer (f->client, "one", options, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 0);
}

/* The client sends nothing to a broker that lacks one of the two features. */
static void
test_unsupported (Fixture *f, gconstpointer data)
{
  const ScriptWelcome welcome = { .features = GPOINTER_TO_UINT (data) };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, &welcome);
  g_assert_null (deye_bus_client_wait_for_peer (f->client, "one", NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  g_clear_error (&error);
  g_assert_null (deye_bus_client_watch_peers (f->client, "one", &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 0);
}

static void
test_wait_malformed (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &with_waiting);
  script_reply (f->in, REQUEST, "\x08");
  client_fixture_send (f);
  g_assert_null (deye_bus_client_wait_for_peer (f->client, "one", NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_PROTOCOL);
}

/* The wait fails when the client does not connect again. */
static void
test_wait_disconnected (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_auto (ClientResult) result = { 0 };

  client_fixture_connect (f, &with_waiting);
  deye_bus_client_wait_for_peer_async (f->client, "one", NULL, NULL, client_result_set, &result);
  client_fixture_disconnect (f);
  client_fixture_wait (f, result.calls == 1);
  g_assert_null (deye_bus_client_wait_for_peer_finish (f->client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
}

/* --- watching --- */

typedef struct
{
  GString *seen; /* "one+9 two-7 complete ended" */
  gint code;     /* of the end */
} Seen;

static void
on_appeared (DeyeBusPeerWatch *watch, DeyeBusPeer *peer, gpointer data)
{
  g_assert_true (deye_bus_peer_is_present (peer));
  g_string_append_printf (((Seen *) data)->seen, "%s+%" G_GUINT64_FORMAT " ", deye_bus_peer_get_id (peer),
                          deye_bus_peer_get_incarnation (peer));
}

static void
on_gone (DeyeBusPeerWatch *watch, DeyeBusPeer *peer, gpointer data)
{
  g_assert_false (deye_bus_peer_is_present (peer));
  g_string_append_printf (((Seen *) data)->seen, "%s-%" G_GUINT64_FORMAT " ", deye_bus_peer_get_id (peer),
                          deye_bus_peer_get_incarnation (peer));
}

static void
on_complete (DeyeBusPeerWatch *watch, gpointer data)
{
  g_assert_true (deye_bus_peer_watch_is_complete (watch));
  g_string_append (((Seen *) data)->seen, "complete ");
}

static void
on_ended (DeyeBusPeerWatch *watch, const GError *error, gpointer data)
{
  g_assert_cmpint (error->domain, ==, (gint) DEYE_BUS_ERROR);
  ((Seen *) data)->code = error->code;
  g_string_append (((Seen *) data)->seen, "ended ");
}

static void
seen_clear (Seen *seen)
{
  g_string_free (seen->seen, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Seen, seen_clear)

static DeyeBusPeerWatch *
watch_new (Fixture *f, const char *pattern, Seen *seen)
{
  g_autoptr (GError) error = NULL;
  DeyeBusPeerWatch *watch;

  client_fixture_connect (f, &with_waiting);
  seen->seen = g_string_new (NULL);
  watch = deye_bus_client_watch_peers (f->client, pattern, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (deye_bus_peer_watch_get_pattern (watch), ==, pattern);
  g_signal_connect (watch, "appeared", G_CALLBACK (on_appeared), seen);
  g_signal_connect (watch, "gone", G_CALLBACK (on_gone), seen);
  g_signal_connect (watch, "complete", G_CALLBACK (on_complete), seen);
  g_signal_connect (watch, "ended", G_CALLBACK (on_ended), seen);
  return watch;
}

/* The reports of the signals since the last call. */
static void
expect_seen (Seen *seen, const char *expected)
{
  g_strchomp (seen->seen->str);
  g_assert_cmpstr (seen->seen->str, ==, expected);
  g_string_truncate (seen->seen, 0);
}

static char *
list_ids (DeyeBusPeerWatch *watch)
{
  g_autoptr (GPtrArray) peers = deye_bus_peer_watch_list_peers (watch);
  GString *ids = g_string_new (NULL);

  for (guint i = 0; i < peers->len; i++)
    g_string_append_printf (ids, "%s%s", i > 0 ? " " : "", deye_bus_peer_get_id (peers->pdata[i]));
  return g_string_free (ids, FALSE);
}

#define assert_ids(watch, expected)                                                                                    \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_autofree char *ids = list_ids (watch);                                                                           \
                                                                                                                       \
    g_assert_cmpstr (ids, ==, expected);                                                                               \
  }                                                                                                                    \
  G_STMT_END

static void
test_watch (Fixture *f, gconstpointer data)
{
  g_auto (Seen) seen = { 0 };
  g_autoptr (DeyeBusPeerWatch) watch = watch_new (f, NULL, &seen);
  g_autoptr (DeyeBusPeer) two = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  expect_request (f, "", TRUE);
  g_assert_cmpuint (deye_bus_peer_watch_get_sequence (watch), ==, 0);
  send_peers (f, "r", "two+7 one+9");
  expect_seen (&seen, "two+7 one+9");
  g_assert_false (deye_bus_peer_watch_is_complete (watch));
  send_peers (f, "c", "three+3");
  expect_seen (&seen, "three+3 complete");
  assert_ids (watch, "one three two");
  g_assert_cmpuint (deye_bus_peer_watch_get_sequence (watch), ==, 41);
  /* Changes. */
  send_peers (f, "c", "one-9");
  send_peers (f, "c", "four+4");
  expect_seen (&seen, "one-9 four+4");
  g_assert_null (deye_bus_peer_watch_lookup (watch, "one"));
  two = deye_bus_peer_watch_lookup (watch, "two");
  g_assert_cmpuint (deye_bus_peer_get_incarnation (two), ==, 7);
  /* The id is taken over by another client object, and by a new connection of the same object. */
  send_peers (f, "c", "two+8");
  send_peers (f, "c", "two+8");
  expect_seen (&seen, "two-7 two+8");
  deye_bus_peer_watch_stop (watch);
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_CANCEL), ==, 1);
  send_peers (f, "c", "five+5");
  expect_seen (&seen, "");
  g_assert_false (deye_bus_peer_watch_is_complete (watch));
}

/* When the list restarts, it is compared with the reported peers. */
static void
test_watch_restart (Fixture *f, gconstpointer data)
{
  g_auto (Seen) seen = { 0 };
  g_autoptr (DeyeBusPeerWatch) watch = watch_new (f, NULL, &seen);

  send_peers (f, "rc", "one+1 two+2 three+3 four+4");
  expect_seen (&seen, "one+1 two+2 three+3 four+4 complete");
  send_peers (f, "r", "one+1 two+22");
  g_assert_false (deye_bus_peer_watch_is_complete (watch));
  /* A peer in the list is gone before the list is complete. */
  send_peers (f, "", "five+5");
  send_peers (f, "", "five-5 one-1");
  send_peers (f, "c", "three+3");
  expect_seen (&seen, "two-2 two+22 five+5 five-5 one-1 four-4 complete");
  assert_ids (watch, "three two");
}

static void
test_watch_pattern (Fixture *f, gconstpointer data)
{
  g_auto (Seen) seen = { 0 };
  g_autoptr (DeyeBusPeerWatch) watch = watch_new (f, "mond-?", &seen);

  expect_request (f, "", TRUE);
  send_peers (f, "rc", "mond-1+1 mond-22+2 other+3");
  send_peers (f, "c", "mond-22-2");
  send_peers (f, "c", "mond-1-1");
  send_peers (f, "c", "mond-3+3");
  expect_seen (&seen, "mond-1+1 complete mond-1-1 mond-3+3");
  assert_ids (watch, "mond-3");
}

static void
test_watch_one (Fixture *f, gconstpointer data)
{
  g_auto (Seen) seen = { 0 };
  g_autoptr (DeyeBusPeerWatch) watch = watch_new (f, "one", &seen);
  g_autoptr (GError) error = NULL;

  expect_request (f, "one", TRUE);
  send_peers (f, "rc", "");
  send_peers (f, "c", "one+1");
  expect_seen (&seen, "complete one+1");
  g_assert_null (deye_bus_client_watch_peers (f->client, "a.b*", &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
  assert_ids (watch, "one");
}

static void
on_appeared_stop (DeyeBusPeerWatch *watch, DeyeBusPeer *peer, gpointer data)
{
  deye_bus_peer_watch_stop (watch);
}

/* A handler may stop the watch in the middle of a list. */
static void
test_watch_stopped_by_handler (Fixture *f, gconstpointer data)
{
  g_auto (Seen) seen = { 0 };
  g_autoptr (DeyeBusPeerWatch) watch = watch_new (f, NULL, &seen);

  g_signal_connect (watch, "appeared", G_CALLBACK (on_appeared_stop), NULL);
  send_peers (f, "rc", "one+1 two+2");
  expect_seen (&seen, "one+1");
}

static void
test_watch_ended (Fixture *f, gconstpointer data)
{
  g_auto (Seen) seen = { 0 };
  g_autoptr (DeyeBusPeerWatch) watch = watch_new (f, NULL, &seen);

  send_peers (f, "rc", "one+1");
  script_error (f->in, REQUEST, WIRE_STATUS_DENIED);
  client_fixture_send_and_settle (f);
  expect_seen (&seen, "one+1 complete ended");
  g_assert_cmpint (seen.code, ==, DEYE_BUS_ERROR_DENIED);
  assert_ids (watch, "one");
  deye_bus_peer_watch_stop (watch);
}

static void
test_watch_closed (Fixture *f, gconstpointer data)
{
  g_auto (Seen) seen = { 0 };
  g_autoptr (DeyeBusPeerWatch) watch = watch_new (f, NULL, &seen);

  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  client_fixture_settle (f);
  expect_seen (&seen, "ended");
  g_assert_cmpint (seen.code, ==, DEYE_BUS_ERROR_CLOSED);
  g_assert_false (deye_bus_peer_watch_is_complete (watch));
}

static void
test_watch_malformed (Fixture *f, gconstpointer data)
{
  g_auto (Seen) seen = { 0 };
  g_autoptr (DeyeBusPeerWatch) watch = watch_new (f, NULL, &seen);
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.answers = REQUEST;
  envelope.sender = WIRE_SPAN_LITERAL ("bus");
  envelope.payload = WIRE_SPAN_LITERAL ("\x08");
  script_frame (f->in, WIRE_KIND_REPLY, 0, &envelope);
  client_fixture_send_and_settle (f);
  expect_seen (&seen, "ended");
  g_assert_cmpint (seen.code, ==, DEYE_BUS_ERROR_PROTOCOL);
  g_assert_false (deye_bus_peer_watch_is_complete (watch));
}

static gpointer
release_in_thread (gpointer watch)
{
  g_object_unref (watch);
  return NULL;
}

/* The watch is released in another thread, as by a garbage collector. */
static void
test_watch_released_in_another_thread (Fixture *f, gconstpointer data)
{
  g_auto (Seen) seen = { 0 };
  DeyeBusPeerWatch *watch = watch_new (f, NULL, &seen);
  g_autoptr (GPtrArray) frames = NULL;

  send_peers (f, "rc", "one+1");
  g_thread_join (g_thread_new ("collector", release_in_thread, watch));
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_CANCEL), ==, 1);
  send_peers (f, "c", "two+2");
  expect_seen (&seen, "one+1 complete");
}

static void
test_watch_bare (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPeerWatch) watch = g_object_new (DEYE_BUS_TYPE_PEER_WATCH, NULL);

  g_assert_null (deye_bus_peer_watch_get_pattern (watch));
  g_assert_false (deye_bus_peer_watch_is_complete (watch));
  g_assert_null (deye_bus_peer_watch_lookup (watch, "one"));
  assert_ids (watch, "");
  deye_bus_peer_watch_stop (watch);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define PEERS_TEST_FOR(name, data, function)                                                                           \
  g_test_add ("/client/peers/" name, Fixture, data, client_fixture_set_up, function, client_fixture_tear_down)
#define PEERS_TEST(name, function) PEERS_TEST_FOR (name, NULL, function)
  PEERS_TEST ("wait", test_wait);
  PEERS_TEST ("wait-async", test_wait_async);
  PEERS_TEST ("wait-timeout", test_wait_timeout);
  PEERS_TEST ("wait-cancelled", test_wait_cancelled);
  PEERS_TEST ("wait-mistakes", test_wait_mistakes);
  PEERS_TEST_FOR ("unsupported-stream", GUINT_TO_POINTER (WIRE_FEATURE_STREAM), test_unsupported);
  PEERS_TEST_FOR ("unsupported-delivery", GUINT_TO_POINTER (WIRE_FEATURE_DELIVERY), test_unsupported);
  PEERS_TEST ("wait-malformed", test_wait_malformed);
  PEERS_TEST ("wait-disconnected", test_wait_disconnected);
  PEERS_TEST ("watch", test_watch);
  PEERS_TEST ("watch-restart", test_watch_restart);
  PEERS_TEST ("watch-pattern", test_watch_pattern);
  PEERS_TEST ("watch-one", test_watch_one);
  PEERS_TEST ("watch-stopped-by-handler", test_watch_stopped_by_handler);
  PEERS_TEST ("watch-ended", test_watch_ended);
  PEERS_TEST ("watch-closed", test_watch_closed);
  PEERS_TEST ("watch-malformed", test_watch_malformed);
  PEERS_TEST ("watch-released-in-another-thread", test_watch_released_in_another_thread);
  PEERS_TEST ("watch-bare", test_watch_bare);
  return g_test_run ();
}

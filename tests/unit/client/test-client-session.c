/* SPDX-License-Identifier: Apache-2.0 */
#include "session-fixture.h"

/* One connection from HELLO to its end, without I/O: handshake, GOODBYE, lost connections and deadlines. */

/* --- handshake --- */

static void
test_handshake (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = session_fixture_take (f);
  const ScriptFrame *first = script_find (frames, WIRE_KIND_HELLO);
  static const guint8 magic[] = { 0x0d, 'D', 'E', 'Y', 'B' };

  g_assert_nonnull (first);
  g_assert_cmpmem (g_bytes_get_data (first->body, NULL), sizeof magic, magic, sizeof magic);
  g_assert_cmpuint (g_bytes_get_size (first->body), <=, WIRE_HELLO_MAX);
  g_assert_false (f->hello->done);
  script_welcome (f->in, NULL);
  session_fixture_feed (f);
  g_assert_true (f->hello->done);
  g_assert_no_error (f->hello->error);
  g_assert_cmpuint (deye_bus_session_welcome (f->session)->epoch, ==, 4711);
  g_assert_cmpuint (deye_bus_session_welcome (f->session)->largest_payload, ==, 1048576);
}

/* M27: the broker refuses the version, and the caller gets the reason. */
static void
test_version_refused (Fixture *f, gconstpointer data)
{
  script_goodbye (f->in, WIRE_STATUS_VERSION, "you speak 1.0, the broker 2.0");
  session_fixture_feed (f);
  g_assert_true (f->hello->done);
  g_assert_error (f->hello->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_VERSION);
  g_assert_nonnull (strstr (f->hello->error->message, "broker 2.0"));
}

/* A full broker sends the time for the next attempt. */
static void
test_retry_hint (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (deye_bus_session_retry_us (f->session), ==, 0);
  script_goodbye_for (f->in, WIRE_STATUS_LIMIT, "full", GPOINTER_TO_INT (data) != 0 ? G_MAXUINT64 : 100000);
  session_fixture_feed (f);
  g_assert_error (f->hello->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_assert_cmpint (deye_bus_session_retry_us (f->session), ==, GPOINTER_TO_INT (data) != 0 ? G_MAXINT64 : 100000);
}

static void
test_retry_hint_too_large (Fixture *f, gconstpointer data)
{
  test_retry_hint (f, GINT_TO_POINTER (1));
}

/* M27: the client disconnects if the broker grants another major version. */
static void
test_other_major (Fixture *f, gconstpointer data)
{
  ScriptWelcome welcome = { .version = 2u << 16 };

  script_welcome (f->in, &welcome);
  session_fixture_feed (f);
  g_assert_error (f->hello->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_VERSION);
}

static void
test_no_welcome (Fixture *f, gconstpointer data)
{
  script_gap (f->in, 1, 1, 1, 1);
  session_fixture_feed (f);
  g_assert_error (f->hello->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_PROTOCOL);
}

/* --- the end --- */

static void
test_goodbye (Fixture *f, gconstpointer data)
{
  ScriptWelcome one = { .window_messages = 1 };
  g_autoptr (DeyeBusPending) sent = NULL;
  g_autoptr (DeyeBusPending) waiting = NULL;
  g_autoptr (GError) error = NULL;
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = "events.a" };

  session_fixture_ready (f, &one);
  sent = session_fixture_publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  waiting = session_fixture_publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  script_goodbye (f->in, WIRE_STATUS_SHUTTING_DOWN, "bye");
  script_ack (f->in, sent->id, 1, 1); /* not read, because GOODBYE is the last frame */
  session_fixture_feed (f);
  g_assert_error (sent->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_SHUTTING_DOWN);
  g_assert_error (waiting->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  g_assert_false (deye_bus_session_call (f->session, &call, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
}

static void
test_lost (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) sent = NULL;
  DeyeBusChannel *channel;

  session_fixture_ready (f, NULL);
  channel = session_fixture_subscribed (f, TRUE, 10, 1000);
  sent = session_fixture_publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  script_deliver (f->in, channel->id, 0, 1, "events.a", "x", 1);
  session_fixture_feed (f);
  deye_bus_session_lost (f->session, "end of stream");
  g_assert_error (sent->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
  g_assert_true (channel->cut);
  /* Messages that had arrived are kept. */
  g_assert_cmpuint (channel->inbox.length, ==, 1);
  deye_bus_channel_unref (channel);
}

/* If the connection ends after an ERROR about the connection, this error is the reason. */
static void
test_error_then_end (Fixture *f, gconstpointer data)
{
  session_fixture_ready (f, NULL);
  script_error (f->in, 0, WIRE_STATUS_CREDIT_EXCEEDED);
  session_fixture_feed (f);
  deye_bus_session_lost (f->session, "end of stream");
  g_assert_nonnull (strstr (deye_bus_session_reason (f->session)->message, "as scripted"));
}

static void
test_close (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  session_fixture_ready (f, NULL);
  pending = session_fixture_publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  deye_bus_session_close (f->session);
  g_assert_error (pending->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  frames = session_fixture_take (f);
  g_assert_cmpuint (frames->len, ==, 2);
  g_assert_cmpint (((ScriptFrame *) frames->pdata[1])->kind, ==, WIRE_KIND_GOODBYE);
}

/* --- deadlines --- */

static void
test_deadlines (Fixture *f, gconstpointer data)
{
  ScriptWelcome one = { .window_messages = 1 };
  DeyeBusCall call = { .kind = WIRE_KIND_REQUEST, .topic = "tasks.procmond" };
  g_autoptr (DeyeBusPending) request = deye_bus_pending_new (DEYE_BUS_PENDING_REPLY, START_US + 10);
  g_autoptr (DeyeBusPending) sent = NULL;
  g_autoptr (DeyeBusPending) waiting = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  session_fixture_ready (f, &one);
  g_assert_true (deye_bus_session_call (f->session, &call, request, NULL));
  sent = session_fixture_publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  waiting = session_fixture_publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  g_assert_cmpint (deye_bus_session_next_us (f->session), ==, START_US + 10);
  deye_bus_session_tick (f->session, START_US + 9);
  g_assert_false (request->done);
  deye_bus_session_tick (f->session, START_US + 10);
  g_assert_error (request->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  g_assert_false (sent->done);
  g_assert_cmpint (deye_bus_session_next_us (f->session), ==, FAR_US);
  deye_bus_session_tick (f->session, FAR_US);
  g_assert_error (sent->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
  g_assert_error (waiting->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_cmpint (deye_bus_session_next_us (f->session), ==, G_MAXINT64);
  frames = session_fixture_take (f);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_CANCEL)->envelope.id, ==, request->id);
}

static void
test_handshake_timeout (Fixture *f, gconstpointer data)
{
  deye_bus_session_tick (f->session, FAR_US);
  g_assert_error (f->hello->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/session/" path, Fixture, NULL, session_fixture_setup, function, session_fixture_teardown)

/* The memory of a burst is kept while messages are sent, and for one second afterwards. */
static void
test_trim (Fixture *f, gconstpointer data)
{
  DeyeBusOutbuf *out = deye_bus_session_out (f->session);

  session_fixture_ready (f, NULL);
  deye_bus_session_tick (f->session, START_US);
  g_assert_cmpint (deye_bus_session_next_us (f->session), >=, FAR_US);
  for (guint burst = 0; burst < 2; burst++)
    {
      g_autoptr (GPtrArray) frames = NULL;

      for (guint i = 0; i < 50; i++)
        deye_bus_pending_unref (
            session_fixture_publish (f, DEYE_BUS_PENDING_SENT, "events.a", DEYE_BUS_OUTBUF_COPY_MAX));
      frames = session_fixture_take (f);
      g_assert_false (deye_bus_outbuf_is_trim (out));
      deye_bus_session_tick (f->session, START_US + burst * G_TIME_SPAN_SECOND);
      g_assert_cmpint (deye_bus_session_next_us (f->session), ==, START_US + (1 + burst) * G_TIME_SPAN_SECOND);
    }
  deye_bus_session_tick (f->session, START_US + 2 * G_TIME_SPAN_SECOND - 1);
  g_assert_false (deye_bus_outbuf_is_trim (out));
  deye_bus_session_tick (f->session, START_US + 2 * G_TIME_SPAN_SECOND);
  g_assert_true (deye_bus_outbuf_is_trim (out));
  g_assert_cmpint (deye_bus_session_next_us (f->session), >=, FAR_US);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  test_watchdog_start ("client-session");
  ADD ("handshake", test_handshake);
  ADD ("M27/version-refused", test_version_refused);
  ADD ("M27/other-major", test_other_major);
  ADD ("no-welcome", test_no_welcome);
  ADD ("K10-retry-hint", test_retry_hint);
  ADD ("K10-retry-hint-too-large", test_retry_hint_too_large);
  ADD ("goodbye", test_goodbye);
  ADD ("lost", test_lost);
  ADD ("error-then-end", test_error_then_end);
  ADD ("close", test_close);
  ADD ("deadlines", test_deadlines);
  ADD ("handshake-timeout", test_handshake_timeout);
  ADD ("trim", test_trim);
  status = g_test_run ();
  test_watchdog_stop ();
  return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-standing.h"

#include "deye-bus.h"
#include "script.h"
#include "session/deye-bus-session-restore.h"
#include "session/deye-bus-session.h"
#include "test-watchdog.h"
#include "wire-feature.h"

/* Standing calls of a session over several connections. There is no socket, and the test sets the time. */

#define START_US 1000000
#define FAR_US   (START_US + 30000000)

typedef struct
{
  DeyeBusEvents events;
  DeyeBusPending *hello;
  DeyeBusSession *session;
  guint64 connections;
  GByteArray *in;  /* scripted, not fed yet */
  GByteArray *out; /* sent by the client, not checked yet */
} StandingFixture;

static void
next_connection (StandingFixture *f)
{
  DeyeBusHello hello = { "tester", "procmond", 1, 99, "0.1", ++f->connections, 0, WIRE_FEATURES_KNOWN };

  g_clear_pointer (&f->hello, deye_bus_pending_unref);
  f->hello = deye_bus_pending_new (DEYE_BUS_PENDING_HELLO, FAR_US);
  if (f->session == NULL)
    f->session = deye_bus_session_new (&hello, &f->events, f->hello);
  else
    deye_bus_session_reopen (f->session, &hello, f->hello);
  deye_bus_session_hold (f->session);
  deye_bus_session_set_keeps (f->session, TRUE);
}

static void
set_up (StandingFixture *f, gconstpointer data)
{
  deye_bus_events_init (&f->events, deye_bus_session_clear_event);
  f->in = g_byte_array_new ();
  f->out = g_byte_array_new ();
  next_connection (f);
}

static void
tear_down (StandingFixture *f, gconstpointer data)
{
  deye_bus_session_free (f->session);
  deye_bus_events_clear (&f->events);
  deye_bus_pending_unref (f->hello);
  g_byte_array_unref (f->in);
  g_byte_array_unref (f->out);
}

static void
feed (StandingFixture *f)
{
  deye_bus_session_received (f->session, f->in->data, f->in->len, START_US);
  g_byte_array_set_size (f->in, 0);
}

static GPtrArray *
take (StandingFixture *f)
{
  DeyeBusOutbuf *out = deye_bus_session_out (f->session);
  WireSpan span;

  while (deye_bus_outbuf_gather (out, &span, 1) > 0)
    {
      g_byte_array_append (f->out, span.data, (guint) span.len);
      deye_bus_session_sent (f->session, span.len);
    }
  return script_take (f->out);
}

static void
welcome (StandingFixture *f, const ScriptWelcome *wish)
{
  g_autoptr (GPtrArray) frames = NULL;

  script_welcome (f->in, wish);
  feed (f);
  frames = take (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_HELLO), ==, 1);
  g_assert_cmpint (deye_bus_session_state (f->session), ==, DEYE_BUS_SESSION_READY);
}

static void
lose (StandingFixture *f)
{
  deye_bus_session_lost (f->session, "the test");
  g_assert_true (deye_bus_session_is_kept (f->session));
  next_connection (f);
}

static const ScriptWelcome with_waiting = { .features = WIRE_FEATURE_DELIVERY | WIRE_FEATURE_STREAM };

/* Starts a standing call. @stream: it has several answers. */
static DeyeBusPending *
start_standing (StandingFixture *f, gboolean stream)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("question", 8);
  const DeyeBusStanding standing = { "control.bus.wait", "test.Question", payload };
  DeyeBusPending *pending
      = deye_bus_pending_new (stream ? DEYE_BUS_PENDING_ANSWERS : DEYE_BUS_PENDING_REPLY, stream ? G_MAXINT64 : FAR_US);

  if (stream)
    pending->stream = deye_bus_stream_new (10, 1000);
  deye_bus_pending_set_standing (pending, &standing);
  g_assert_true (deye_bus_session_start_standing (f->session, pending, NULL));
  return pending;
}

static guint
count_questions (StandingFixture *f)
{
  g_autoptr (GPtrArray) frames = take (f);

  return script_count (frames, WIRE_KIND_REQUEST);
}

/* A standing call is sent once on each connection, after the restore, and ends with its answer. */
static void
test_standing (StandingFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) pending = start_standing (f, FALSE); /* before WELCOME */

  welcome (f, &with_waiting);
  g_assert_cmpuint (count_questions (f), ==, 0);
  deye_bus_session_release (f->session, 1000000);
  g_assert_cmpuint (count_questions (f), ==, 1);
  for (guint i = 0; i < 2; i++)
    {
      lose (f);
      g_assert_false (pending->done);
      welcome (f, &with_waiting);
      g_assert_cmpuint (count_questions (f), ==, 0);
      deye_bus_session_release (f->session, 1000000);
      g_assert_cmpuint (count_questions (f), ==, 1);
    }
  script_reply (f->in, pending->id, "answer");
  feed (f);
  g_assert_true (pending->done);
  g_assert_no_error (pending->error);
  lose (f);
  welcome (f, &with_waiting);
  deye_bus_session_release (f->session, 1000000);
  g_assert_cmpuint (count_questions (f), ==, 0);
}

/* The deadline of a standing call also counts while there is no connection. */
static void
test_standing_overdue (StandingFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) pending = NULL;

  welcome (f, &with_waiting);
  deye_bus_session_release (f->session, 1000000);
  pending = start_standing (f, FALSE);
  g_assert_cmpuint (count_questions (f), ==, 1);
  deye_bus_session_lost (f->session, "the test");
  deye_bus_session_tick (f->session, FAR_US - 1);
  g_assert_false (pending->done);
  deye_bus_session_tick (f->session, FAR_US);
  g_assert_true (pending->done);
  g_assert_error (pending->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
}

/* The next broker may be an older one. */
static void
test_standing_unsupported (StandingFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) pending = start_standing (f, FALSE);

  welcome (f, NULL);
  deye_bus_session_release (f->session, 1000000);
  g_assert_cmpuint (count_questions (f), ==, 0);
  g_assert_true (pending->done);
  g_assert_error (pending->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
}

/* Without credit a standing call waits in the send queue, and is sent once. */
static void
test_standing_without_credit (StandingFixture *f, gconstpointer data)
{
  static const ScriptWelcome small_window
      = { .features = WIRE_FEATURE_DELIVERY | WIRE_FEATURE_STREAM, .window_messages = 1 };
  g_autoptr (DeyeBusPending) first = start_standing (f, FALSE);
  g_autoptr (DeyeBusPending) second = start_standing (f, FALSE);

  welcome (f, &small_window);
  deye_bus_session_release (f->session, 1000000);
  g_assert_cmpuint (count_questions (f), ==, 1);
  lose (f);
  welcome (f, &small_window);
  deye_bus_session_release (f->session, 1000000);
  g_assert_cmpuint (count_questions (f), ==, 1);
  script_credit (f->in, WIRE_CLASS_CONTROL, 2, 1 << 20);
  feed (f);
  g_assert_cmpuint (count_questions (f), ==, 1);
  g_assert_true (first->sent && second->sent);
}

static void
script_answer (StandingFixture *f, guint64 id, const char *payload)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.answers = id;
  envelope.sender = WIRE_SPAN_LITERAL ("bus");
  envelope.payload = wire_span_str (payload);
  script_frame (f->in, WIRE_KIND_REPLY, 0, &envelope);
}

/* Answers of the earlier connection that were not taken are out of date when the request is sent again. */
static void
test_standing_stream (StandingFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (DeyeBusMessage) taken = NULL;
  guint64 id;

  welcome (f, &with_waiting);
  deye_bus_session_release (f->session, 1000000);
  pending = start_standing (f, TRUE);
  id = pending->id;
  script_answer (f, id, "old");
  feed (f);
  g_assert_cmpuint (pending->stream->inbox.length, ==, 1);
  lose (f);
  g_assert_false (pending->stream->ended);
  welcome (f, &with_waiting);
  deye_bus_session_release (f->session, 1000000);
  g_assert_cmpuint (pending->stream->inbox.length, ==, 0);
  g_assert_cmpuint (pending->id, !=, id);
  g_assert_cmpuint (pending->stream->id, ==, pending->id);
  script_answer (f, id, "late"); /* to the earlier request, so it is discarded */
  script_answer (f, pending->id, "new");
  feed (f);
  g_assert_cmpuint (pending->stream->inbox.length, ==, 1);
  taken = deye_bus_session_take_answer (f->session, pending->stream, START_US);
  g_assert_cmpmem (deye_bus_message_get_data (taken, NULL), 3, "new", 3);
  deye_bus_session_cancel (f->session, pending, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "enough"));
}

/* A standing call fails if the client does not connect again. */
static void
test_standing_end (StandingFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) pending = start_standing (f, FALSE);
  g_autoptr (DeyeBusPending) late = deye_bus_pending_new (DEYE_BUS_PENDING_REPLY, FAR_US);
  g_autoptr (GBytes) payload = g_bytes_new_static ("q", 1);
  const DeyeBusStanding standing = { "control.bus.wait", "test.Question", payload };
  g_autoptr (GError) error = NULL;

  deye_bus_session_lost (f->session, "the test");
  deye_bus_session_set_keeps (f->session, FALSE);
  g_assert_true (pending->done);
  g_assert_nonnull (pending->error);
  deye_bus_pending_set_standing (late, &standing);
  g_assert_false (deye_bus_session_start_standing (f->session, late, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define STANDING_TEST(name, function)                                                                                  \
  g_test_add ("/client/standing/" name, StandingFixture, NULL, set_up, function, tear_down)
  STANDING_TEST ("M28-M16-each-connection", test_standing);
  STANDING_TEST ("overdue", test_standing_overdue);
  STANDING_TEST ("unsupported", test_standing_unsupported);
  STANDING_TEST ("without-credit", test_standing_without_credit);
  STANDING_TEST ("M28-M16-stream", test_standing_stream);
  STANDING_TEST ("end", test_standing_end);
  return g_test_run ();
}

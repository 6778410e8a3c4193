/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-own-frames.h"

#include "restore-fixture.h"
#include "session/deye-bus-session-restore.h"
#include "wire-feature.h"

/* The library's own frames: their places in an out-buffer, and what happens to them when a connection ends. */

#define PUBLISH 11u /* ids */
#define REQUEST 12u

static void
add_at (DeyeBusOwnFrames *own, guint64 begin, guint64 end, guint64 id, guint64 sent)
{
  const DeyeBusOwnFrame frame = { .begin = begin, .end = end, .id = id };

  deye_bus_own_frames_add (own, &frame, sent);
}

static void
assert_count (const DeyeBusOwnFrames *own, guint64 sent, guint64 messages, guint64 unwatched)
{
  DeyeBusOutCount count = deye_bus_own_frames_count (own, sent);

  g_assert_cmpuint (count.messages, ==, messages);
  g_assert_cmpuint (count.unwatched, ==, unwatched);
}

/* A frame counts until its last byte is sent. */
static void
test_count (void)
{
  DeyeBusOwnFrames own = { NULL, 0 };

  assert_count (&own, 0, 0, 0);
  add_at (&own, 100, 150, PUBLISH, 0);
  add_at (&own, 150, 200, REQUEST, 0);
  assert_count (&own, 0, 2, 1);
  assert_count (&own, 149, 2, 1);
  assert_count (&own, 150, 1, 0);
  assert_count (&own, 199, 1, 0);
  assert_count (&own, 200, 0, 0);
  deye_bus_own_frames_clear (&own);
  assert_count (&own, 0, 0, 0);
}

/* The list is not longer than the number of frames that are not sent. */
static void
test_forget (void)
{
  DeyeBusOwnFrames own = { NULL, 0 };

  for (guint64 i = 1; i <= 1000; i++)
    {
      add_at (&own, i * 100, i * 100 + 50, PUBLISH, i * 100 - 70); /* the one before the last one is sent in part */
      g_assert_cmpuint (own.frames->len, <=, 2);
    }
  assert_count (&own, 100020, 1, 1);
  deye_bus_own_frames_clear (&own);
}

/* Of the frames without a sent byte, those of the library are recognised; the walk does not visit one that was sent in part. */
static void
test_take_next (void)
{
  DeyeBusOwnFrames own = { NULL, 0 };

  g_assert_false (deye_bus_own_frames_take_next (&own, PUBLISH, 0));
  add_at (&own, 0, 50, 1, 0);
  add_at (&own, 50, 100, PUBLISH, 0);
  add_at (&own, 200, 250, REQUEST, 0);
  g_assert_false (deye_bus_own_frames_take_next (&own, 7, 20));
  g_assert_true (deye_bus_own_frames_take_next (&own, PUBLISH, 20));
  g_assert_false (deye_bus_own_frames_take_next (&own, 9, 20));
  g_assert_true (deye_bus_own_frames_take_next (&own, REQUEST, 20));
  g_assert_false (deye_bus_own_frames_take_next (&own, REQUEST, 20));
  deye_bus_own_frames_clear (&own);
}

/* --- sessions --- */

static const ScriptWelcome granted = { .features = WIRE_FEATURE_DELIVERY };
static const ScriptWelcome narrow = { .features = WIRE_FEATURE_DELIVERY, .window_messages = 2 };

static void
make_ready (RestoreFixture *f, const ScriptWelcome *wish)
{
  restore_fixture_welcome (f, wish);
  deye_bus_session_release (f->session, START_US);
}

static void
call_as (RestoreFixture *f, guint8 kind, const char *topic, gboolean own)
{
  const DeyeBusCall call = { .kind = kind, .own = own, .topic = topic };
  g_autoptr (GError) error = NULL;

  deye_bus_session_call (f->session, &call, NULL, &error);
  g_assert_no_error (error);
}

static void
send_heartbeat (RestoreFixture *f)
{
  call_as (f, WIRE_KIND_PUBLISH, "control.health.heartbeat.tester", TRUE);
}

static void
assert_unsent (RestoreFixture *f, guint64 messages, guint64 unwatched)
{
  DeyeBusOutCount count = deye_bus_session_count_unsent (f->session);

  g_assert_cmpuint (count.messages, ==, messages);
  g_assert_cmpuint (count.unwatched, ==, unwatched);
}

/* The connection ends. Asserts that the next one sends the @topics, in order. @uncertain: publishes that may have arrived */
static void
assert_sent_later (RestoreFixture *f, const char *const *topics, guint64 uncertain)
{
  g_autoptr (GPtrArray) frames = NULL;
  guint n = 0;

  deye_bus_session_lost (f->session, "the test");
  assert_unsent (f, 0, 0);
  g_assert_cmpuint (deye_bus_session_n_uncertain (f->session), ==, uncertain);
  restore_fixture_next_connection (f);
  make_ready (f, &granted);
  frames = restore_fixture_take (f);
  for (guint i = 0; i < frames->len; i++)
    {
      const ScriptFrame *frame = frames->pdata[i];

      if (frame->kind == WIRE_KIND_PUBLISH || frame->kind == WIRE_KIND_REQUEST)
        g_assert_true (topics[n] != NULL && wire_span_equal (frame->envelope.topic, wire_span_str (topics[n++])));
    }
  g_assert_null (topics[n]);
}

/* Heartbeats that were not written are not sent late, and are not lost messages of the program. */
static void
test_heartbeats (RestoreFixture *f, gconstpointer data)
{
  const char *const topics[] = { "events.a", "events.b", NULL };

  make_ready (f, &granted);
  send_heartbeat (f);
  call_as (f, WIRE_KIND_PUBLISH, "events.a", FALSE);
  send_heartbeat (f);
  call_as (f, WIRE_KIND_REQUEST, "control.bus.ping", TRUE);
  send_heartbeat (f);
  call_as (f, WIRE_KIND_PUBLISH, "events.b", FALSE);
  assert_unsent (f, 2, 2);
  assert_sent_later (f, topics, 0);
}

/* The first heartbeat is written in part. */
static void
test_in_part (RestoreFixture *f, gconstpointer data)
{
  const char *const topics[] = { "events.a", NULL };
  g_autoptr (GPtrArray) before = NULL;

  make_ready (f, &granted);
  before = restore_fixture_take (f);
  send_heartbeat (f);
  deye_bus_session_sent (f->session, 20);
  send_heartbeat (f);
  call_as (f, WIRE_KIND_PUBLISH, "events.a", FALSE);
  assert_unsent (f, 1, 1);
  assert_sent_later (f, topics, 0);
}

/* Heartbeats that were written are not counted as messages that may or may not have arrived. The answer to the request of the
 * library does not arrive either. */
static void
test_written (RestoreFixture *f, gconstpointer data)
{
  const char *const topics[] = { NULL };
  g_autoptr (GPtrArray) written = NULL;

  make_ready (f, &granted);
  send_heartbeat (f);
  call_as (f, WIRE_KIND_REQUEST, "control.bus.ping", TRUE);
  call_as (f, WIRE_KIND_PUBLISH, "events.a", FALSE);
  call_as (f, WIRE_KIND_REQUEST, "control.a", FALSE); /* no publish, but its credit is not returned */
  send_heartbeat (f);
  written = restore_fixture_take (f);
  assert_sent_later (f, topics, 1);
}

/* The credit of the program's message was returned, but not that of the frames of the library behind it. */
static void
test_written_later (RestoreFixture *f, gconstpointer data)
{
  const char *const topics[] = { NULL };
  g_autoptr (GPtrArray) written = NULL;

  make_ready (f, &granted);
  send_heartbeat (f);
  call_as (f, WIRE_KIND_PUBLISH, "control.a", FALSE);
  send_heartbeat (f);
  call_as (f, WIRE_KIND_REQUEST, "control.bus.ping", TRUE);
  written = restore_fixture_take (f);
  script_credit (f->in, WIRE_CLASS_CONTROL, 1002, 2000000);
  restore_fixture_feed (f);
  assert_sent_later (f, topics, 0);
}

/* A heartbeat that has waited for credit is written; the message of the program behind it is not. */
static void
test_written_waiting (RestoreFixture *f, gconstpointer data)
{
  const char *const topics[] = { "events.a", NULL };
  g_autoptr (GPtrArray) written = NULL;

  make_ready (f, &narrow);
  call_as (f, WIRE_KIND_REQUEST, "events.b", FALSE); /* its credit is not returned */
  for (guint i = 0; i < 3; i++)
    send_heartbeat (f);
  g_assert_cmpuint (deye_bus_session_n_waiting (f->session), ==, 1);
  script_credit (f->in, WIRE_CLASS_CONTROL, 3, 1048576);
  restore_fixture_feed (f);
  g_assert_cmpuint (deye_bus_session_n_waiting (f->session), ==, 0);
  written = restore_fixture_take (f);
  call_as (f, WIRE_KIND_PUBLISH, "events.a", FALSE);
  assert_sent_later (f, topics, 0);
}

/* --- credit --- */

static void
assert_owed (const DeyeBusOwnCredit *own, guint64 returned, guint64 n)
{
  g_assert_cmpuint (deye_bus_own_credit_count (own, WIRE_CLASS_MAY_DROP, returned), ==, n);
}

static void
test_credit (void)
{
  DeyeBusOwnCredit own = { NULL };

  assert_owed (&own, 0, 0);
  deye_bus_own_credit_note (&own, WIRE_CLASS_MAY_DROP, 1);
  deye_bus_own_credit_note (&own, WIRE_CLASS_CONTROL, 2); /* another class has other numbers */
  deye_bus_own_credit_note (&own, WIRE_CLASS_MAY_DROP, 2);
  deye_bus_own_credit_note (&own, WIRE_CLASS_MAY_DROP, 5);
  g_assert_cmpuint (own.runs->len, ==, 3);
  assert_owed (&own, 0, 3);
  assert_owed (&own, 1, 2);
  assert_owed (&own, 4, 1);
  assert_owed (&own, 5, 0);
  assert_owed (&own, G_MAXUINT64, 0);
  deye_bus_own_credit_clear (&own);
  assert_owed (&own, 0, 0);
}

/* The list does not grow without a limit if a broker grants a huge window and never returns credit. */
static void
test_credit_limit (void)
{
  DeyeBusOwnCredit own = { NULL };

  for (guint64 i = 1; i <= 2 * DEYE_BUS_OWN_RUNS_MAX; i++)
    deye_bus_own_credit_note (&own, WIRE_CLASS_MAY_DROP, 2 * i);
  g_assert_cmpuint (own.runs->len, ==, DEYE_BUS_OWN_RUNS_MAX);
  assert_owed (&own, 0, DEYE_BUS_OWN_RUNS_MAX);
  assert_owed (&own, 2 * (2 * DEYE_BUS_OWN_RUNS_MAX - 1), 1);
  deye_bus_own_credit_clear (&own);
}

/* Two requests have credit, and one waits. */
static void
ask_more_than_credit (RestoreFixture *f)
{
  make_ready (f, &narrow);
  for (guint i = 0; i < 3; i++)
    call_as (f, WIRE_KIND_REQUEST, "control.bus.unsubscribe", TRUE);
}

/* Requests that wait for credit are not counted, and not kept for the next connection. */
static void
test_waiting (RestoreFixture *f, gconstpointer data)
{
  const char *const topics[] = { "control.a", NULL };

  ask_more_than_credit (f);
  call_as (f, WIRE_KIND_PUBLISH, "control.a", FALSE);
  g_assert_cmpuint (deye_bus_session_n_waiting (f->session), ==, 2);
  assert_unsent (f, 1, 1);
  assert_sent_later (f, topics, 0);
}

/* The same after they have got credit. */
static void
test_waited (RestoreFixture *f, gconstpointer data)
{
  ask_more_than_credit (f);
  script_credit (f->in, WIRE_CLASS_CONTROL, 4, 1048576);
  restore_fixture_feed (f);
  g_assert_cmpuint (deye_bus_session_n_waiting (f->session), ==, 0);
  assert_unsent (f, 0, 0);
}

/* No connection follows: only the message of the program is lost. */
static void
test_lost (RestoreFixture *f, gconstpointer data)
{
  make_ready (f, &narrow);
  deye_bus_session_set_keeps (f->session, FALSE);
  send_heartbeat (f);
  call_as (f, WIRE_KIND_PUBLISH, "events.a", FALSE);
  for (guint i = 0; i < 3; i++)
    call_as (f, WIRE_KIND_REQUEST, "control.bus.ping", TRUE);
  deye_bus_session_lost (f->session, "the test");
  g_assert_cmpuint (deye_bus_stash_count (&f->stash), ==, 0);
  assert_unsent (f, 1, 1);
}

#define OWN_TEST(name, function)                                                                                       \
  g_test_add ("/client/own-frames/" name, RestoreFixture, NULL, restore_fixture_set_up, function,                      \
              restore_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/own-frames/count", test_count);
  g_test_add_func ("/client/own-frames/forget", test_forget);
  g_test_add_func ("/client/own-frames/take-next", test_take_next);
  g_test_add_func ("/client/own-frames/credit", test_credit);
  g_test_add_func ("/client/own-frames/credit-limit", test_credit_limit);
  OWN_TEST ("M16-heartbeats", test_heartbeats);
  OWN_TEST ("M16-written", test_written);
  OWN_TEST ("written-later", test_written_later);
  OWN_TEST ("written-waiting", test_written_waiting);
  OWN_TEST ("in-part", test_in_part);
  OWN_TEST ("waiting", test_waiting);
  OWN_TEST ("waited", test_waited);
  OWN_TEST ("lost", test_lost);
  return g_test_run ();
}

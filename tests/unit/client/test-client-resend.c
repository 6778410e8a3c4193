/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-resend.h"

#include "restore-fixture.h"
#include "session/deye-bus-session-restore.h"
#include "wire-feature.h"

/* Messages that the client has accepted when a connection ends are sent later, sent again, or reported. */

static const ScriptWelcome granted = { .features = WIRE_FEATURE_DELIVERY };
static const ScriptWelcome other_epoch = { .features = WIRE_FEATURE_DELIVERY, .epoch = 4712 };
static const ScriptWelcome narrow = { .features = WIRE_FEATURE_DELIVERY, .window_messages = 2 };

static void
ready_for (RestoreFixture *f, const ScriptWelcome *wish, gint64 now_us)
{
  restore_fixture_welcome (f, wish);
  deye_bus_session_release (f->session, now_us);
}

static DeyeBusCall
call_to (const char *topic, GBytes *payload)
{
  return (DeyeBusCall){ .kind = WIRE_KIND_PUBLISH, .topic = topic, .target = "", .payload = payload };
}

static void
publish (RestoreFixture *f, const char *topic, gsize len)
{
  g_autofree guint8 *zeros = g_malloc0 (len + 1);
  g_autoptr (GBytes) payload = g_bytes_new (zeros, len);
  DeyeBusCall call = call_to (topic, payload);
  g_autoptr (GError) error = NULL;

  deye_bus_session_call (f->session, &call, NULL, &error);
  g_assert_no_error (error);
}

static DeyeBusPending *
new_pending (DeyeBusPendingKind kind)
{
  DeyeBusPending *pending = deye_bus_pending_new (kind, FAR_US);

  pending->since_us = START_US;
  return pending;
}

static DeyeBusPending *
publish_numbered (RestoreFixture *f, const char *topic, DeyeBusPendingKind kind)
{
  DeyeBusPending *pending = new_pending (kind);
  DeyeBusCall call = call_to (topic, NULL);
  g_autoptr (GError) error = NULL;

  call.flags = WIRE_FLAG_WANT_ACK | (kind == DEYE_BUS_PENDING_DELIVERED ? WIRE_FLAG_WANT_DELIVERED : 0);
  call.message_id = ++f->newest;
  deye_bus_session_call (f->session, &call, pending, &error);
  g_assert_no_error (error);
  return pending;
}

static DeyeBusPending *
call_asked (RestoreFixture *f, guint8 kind, const char *topic, gboolean patient)
{
  DeyeBusPending *pending = new_pending (kind == WIRE_KIND_PUBLISH ? DEYE_BUS_PENDING_ACK : DEYE_BUS_PENDING_REPLY);
  DeyeBusCall call = call_to (topic, NULL);
  g_autoptr (GError) error = NULL;

  call.kind = kind;
  call.flags = kind == WIRE_KIND_PUBLISH ? WIRE_FLAG_WANT_ACK : 0;
  pending->waits_until_ready = patient;
  if (deye_bus_session_state (f->session) == DEYE_BUS_SESSION_READY)
    deye_bus_session_call (f->session, &call, pending, &error);
  else
    deye_bus_session_keep_call (f->session, &call, pending, &error);
  g_assert_no_error (error);
  return pending;
}

static void
assert_topics (RestoreFixture *f, const char *expected)
{
  g_autoptr (GPtrArray) frames = restore_fixture_take (f);
  g_autoptr (GString) got = g_string_new (NULL);

  for (guint i = 0; i < frames->len; i++)
    {
      const ScriptFrame *frame = frames->pdata[i];

      if (frame->kind == WIRE_KIND_PUBLISH || frame->kind == WIRE_KIND_REQUEST)
        g_string_append_printf (got, "%s%.*s", got->len > 0 ? " " : "", (int) frame->envelope.topic.len,
                                (const char *) frame->envelope.topic.data);
    }
  g_assert_cmpstr (got->str, ==, expected);
}

/* The socket takes @n bytes. */
static void
write_bytes (RestoreFixture *f, gsize n)
{
  deye_bus_session_sent (f->session, n);
}

static void
lose (RestoreFixture *f)
{
  deye_bus_session_lost (f->session, "the test");
  g_assert_true (deye_bus_session_is_kept (f->session));
}

/* --- publishes without a waiting call --- */

/* No byte of the messages was written: they are sent on the next connection, in order. */
static void
test_not_written (RestoreFixture *f, gconstpointer data)
{
  ready_for (f, &granted, START_US);
  publish (f, "events.a", 10);
  publish (f, "tasks.b", 100000);
  publish (f, "events.c", 5000);
  lose (f);
  g_assert_cmpuint (deye_bus_stash_count (&f->stash), ==, 3);
  g_assert_cmpuint (deye_bus_session_count_unsent (f->session).messages, ==, 0);
  g_assert_cmpuint (deye_bus_session_n_uncertain (f->session), ==, 0);
  restore_fixture_next_connection (f);
  ready_for (f, &other_epoch, START_US);
  assert_topics (f, "events.a tasks.b events.c");
  g_assert_cmpuint (deye_bus_stash_count (&f->stash), ==, 0);
}

/* One message was written completely, one in part, and one not at all. */
static void
test_written_in_part (RestoreFixture *f, gconstpointer data)
{
  gsize before;

  ready_for (f, &granted, START_US);
  assert_topics (f, "");
  publish (f, "events.written", 10);
  before = deye_bus_outbuf_bytes (deye_bus_session_out (f->session));
  publish (f, "events.in-part", 20000);
  publish (f, "events.not", 10);
  write_bytes (f, before + 10000);
  lose (f);
  g_assert_cmpuint (deye_bus_stash_count (&f->stash), ==, 1);
  g_assert_cmpuint (deye_bus_session_n_uncertain (f->session), ==, 2);
  restore_fixture_next_connection (f);
  ready_for (f, &granted, START_US);
  assert_topics (f, "events.not");
  g_assert_cmpuint (deye_bus_session_n_uncertain (f->session), ==, 0);
}

/* Small frames of one part, of which each possible number of bytes was written. */
static void
test_each_byte (RestoreFixture *f, gconstpointer data)
{
  gsize ends[3] = { 0, 0, 1 };

  ready_for (f, &granted, START_US);
  for (gsize written = 0; written <= ends[2]; written++)
    {
      guint begun = 0;

      assert_topics (f, "");
      for (guint i = 0; i < 3; i++)
        {
          publish (f, "events.a", 10);
          ends[i] = deye_bus_outbuf_bytes (deye_bus_session_out (f->session));
          begun += written > (i > 0 ? ends[i - 1] : 0) ? 1 : 0;
        }
      write_bytes (f, MIN (written, ends[2]));
      lose (f);
      g_assert_cmpuint (deye_bus_stash_count (&f->stash), ==, 3 - begun);
      g_assert_cmpuint (deye_bus_session_n_uncertain (f->session), ==, begun);
      deye_bus_stash_clear (&f->stash);
      restore_fixture_next_connection (f);
      ready_for (f, &granted, START_US);
    }
}

/* An answer proves that the messages before it arrived, and so does credit. */
static void
test_proved (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) asked = NULL;

  ready_for (f, &granted, START_US);
  publish (f, "events.a", 1);
  publish (f, "events.b", 1);
  asked = call_asked (f, WIRE_KIND_PUBLISH, "events.c", FALSE);
  publish (f, "events.d", 1);
  assert_topics (f, "events.a events.b events.c events.d");
  script_ack (f->in, asked->id, 1, 1);
  restore_fixture_feed (f);
  lose (f);
  g_assert_cmpuint (deye_bus_session_n_uncertain (f->session), ==, 1);
  restore_fixture_next_connection (f);
  ready_for (f, &granted, START_US);
  publish (f, "events.a", 1);
  publish (f, "events.b", 1);
  publish (f, "events.c", 1);
  assert_topics (f, "events.a events.b events.c");
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 1002, 2000000);
  restore_fixture_feed (f);
  lose (f);
  g_assert_cmpuint (deye_bus_session_n_uncertain (f->session), ==, 1);
}

/* Messages that wait for credit are kept, too; a call that waits until its message is queued succeeds. */
static void
test_waiting (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) queued = new_pending (DEYE_BUS_PENDING_SENT);
  DeyeBusCall call = call_to ("tasks.d", NULL);

  ready_for (f, &narrow, START_US);
  publish (f, "events.a", 1);
  publish (f, "events.b", 1);
  publish (f, "events.c", 1);
  publish (f, "tasks.a", 1);
  publish (f, "tasks.b", 1);
  publish (f, "tasks.c", 1);
  g_assert_true (deye_bus_session_call (f->session, &call, queued, NULL));
  publish (f, "events.e", 1);
  assert_topics (f, "events.a events.b tasks.a tasks.b");
  g_assert_cmpuint (deye_bus_session_n_waiting (f->session), ==, 4);
  lose (f);
  g_assert_true (queued->done);
  g_assert_no_error (queued->error);
  g_assert_cmpuint (deye_bus_session_n_waiting (f->session), ==, 0);
  g_assert_cmpuint (deye_bus_session_n_uncertain (f->session), ==, 4);
  restore_fixture_next_connection (f);
  ready_for (f, &granted, START_US);
  assert_topics (f, "events.c tasks.c tasks.d events.e");
}

/* A message that does not fit into the stash is lost, and counted by topic; a call that waits for it fails. */
static void
test_no_room (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) queued = new_pending (DEYE_BUS_PENDING_SENT);
  g_autofree guint8 *zeros = g_malloc0 (600000);
  g_autoptr (GBytes) large = g_bytes_new (zeros, 600000);
  g_autoptr (GPtrArray) losses = NULL;
  DeyeBusCall call = call_to ("tasks.c", large);

  ready_for (f, &narrow, START_US);
  publish (f, "tasks.x", 1);
  publish (f, "tasks.y", 1);
  publish (f, "tasks.a", 600000);
  publish (f, "tasks.b", 600000);
  g_assert_true (deye_bus_session_call (f->session, &call, queued, NULL));
  assert_topics (f, "tasks.x tasks.y");
  lose (f);
  g_assert_cmpuint (deye_bus_stash_count (&f->stash), ==, 1);
  g_assert_cmpuint (f->stash.lost, ==, 2);
  g_assert_error (queued->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  losses = deye_bus_losses_take (&f->stash.losses, 10);
  g_assert_cmpuint (losses->len, ==, 2);
}

/* Writing to the socket fails before the end of the stream is read. */
static void
test_write_fails_before_the_end_is_read (RestoreFixture *f, gconstpointer data)
{
  ready_for (f, &granted, START_US);
  assert_topics (f, "");
  publish (f, "events.a", 1);
  deye_bus_session_drop_out (f->session);
  publish (f, "events.b", 1);
  lose (f);
  restore_fixture_next_connection (f);
  ready_for (f, &granted, START_US);
  assert_topics (f, "events.a events.b");
}

/* No connection follows: all messages are reported as not sent. */
static void
test_not_kept (RestoreFixture *f, gconstpointer data)
{
  ready_for (f, &granted, START_US);
  assert_topics (f, "");
  deye_bus_session_set_keeps (f->session, FALSE);
  publish (f, "events.a", 1);
  deye_bus_session_lost (f->session, "the test");
  g_assert_cmpuint (deye_bus_stash_count (&f->stash), ==, 0);
  g_assert_cmpuint (deye_bus_session_count_unsent (f->session).unwatched, ==, 1);
  g_assert_cmpuint (deye_bus_session_n_uncertain (f->session), ==, 0);
}

/* --- numbered calls --- */

/* K12: a message without an answer is sent again with the same number, and the answer ends it. */
static void
test_again (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (DeyeBusPending) confirmed = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  ready_for (f, &granted, START_US);
  pending = publish_numbered (f, "tasks.a", DEYE_BUS_PENDING_ACK);
  confirmed = publish_numbered (f, "tasks.b", DEYE_BUS_PENDING_DELIVERED);
  assert_topics (f, "tasks.a tasks.b");
  lose (f);
  g_assert_false (pending->done);
  restore_fixture_next_connection (f);
  ready_for (f, &granted, START_US);
  g_assert_cmpuint (f->hello_last_message_number, ==, 0);
  frames = restore_fixture_take (f);
  g_assert_cmpuint (frames->len, ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      const ScriptFrame *frame = frames->pdata[i];

      g_assert_cmpuint (frame->envelope.message_id, ==, i + 1);
      g_assert_true (frame->flags & WIRE_FLAG_WANT_ACK);
      g_assert_cmpint ((frame->flags & WIRE_FLAG_WANT_DELIVERED) != 0, ==, i == 1);
    }
  g_assert_cmpuint (restore_fixture_id_of (frames, 0), ==, pending->id);
  script_ack (f->in, pending->id, 1, 1);
  restore_fixture_feed (f);
  g_assert_true (pending->done);
  g_assert_no_error (pending->error);
  g_assert_false (confirmed->done);
  lose (f);
  restore_fixture_next_connection (f);
  restore_fixture_welcome (f, &granted);
  g_assert_cmpuint (f->hello_last_message_number, ==, 1);
}

/* K12: with another epoch, sent messages end once with UNKNOWN, and messages that were not sent are sent. */
static void
test_new_epoch (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) sent = NULL;
  g_autoptr (DeyeBusPending) unsent = NULL;

  ready_for (f, &granted, START_US);
  sent = publish_numbered (f, "tasks.a", DEYE_BUS_PENDING_DELIVERED);
  assert_topics (f, "tasks.a");
  unsent = publish_numbered (f, "tasks.b", DEYE_BUS_PENDING_DELIVERED);
  lose (f);
  restore_fixture_next_connection (f);
  g_assert_false (sent->done);
  restore_fixture_welcome (f, &other_epoch);
  g_assert_true (sent->done);
  g_assert_error (sent->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
  deye_bus_session_release (f->session, START_US);
  assert_topics (f, "tasks.b");
  g_assert_false (unsent->done);
}

/* No message is sent again to a broker that does not recognise repeated messages. */
static void
test_not_granted (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) sent = NULL;

  ready_for (f, &granted, START_US);
  sent = publish_numbered (f, "tasks.a", DEYE_BUS_PENDING_ACK);
  assert_topics (f, "tasks.a");
  lose (f);
  restore_fixture_next_connection (f);
  ready_for (f, NULL, START_US);
  g_assert_error (sent->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
  assert_topics (f, "");
}

/* A message is not sent again after a time and a number of messages, because the broker then does not recognise it. */
static void
test_too_late (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) old = NULL;
  g_autoptr (DeyeBusPending) young = NULL;

  ready_for (f, &granted, START_US);
  old = publish_numbered (f, "tasks.a", DEYE_BUS_PENDING_ACK);
  young = publish_numbered (f, "tasks.b", DEYE_BUS_PENDING_ACK);
  young->since_us += 1;
  assert_topics (f, "tasks.a tasks.b");
  lose (f);
  restore_fixture_next_connection (f);
  ready_for (f, &granted, START_US + DEYE_BUS_RESEND_US);
  g_assert_error (old->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
  g_assert_false (young->done);
  assert_topics (f, "tasks.b");
}

static void
test_too_many (RestoreFixture *f, gconstpointer data)
{
  const ScriptWelcome wide = { .features = WIRE_FEATURE_DELIVERY, .window_messages = 4000 };
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_pending_unref);
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GPtrArray) again = NULL;

  ready_for (f, &wide, START_US);
  for (guint i = 0; i < DEYE_BUS_RESEND_MESSAGES + 1; i++)
    g_ptr_array_add (all, publish_numbered (f, "tasks.a", DEYE_BUS_PENDING_ACK));
  frames = restore_fixture_take (f);
  lose (f);
  restore_fixture_next_connection (f);
  ready_for (f, &wide, START_US);
  again = restore_fixture_take (f);
  g_assert_cmpuint (again->len, ==, DEYE_BUS_RESEND_MESSAGES);
  g_assert_error (((DeyeBusPending *) all->pdata[0])->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
  g_assert_false (((DeyeBusPending *) all->pdata[1])->done);
}

/* The caller cancels the call while there is no connection. */
static void
test_given_up (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) sent = NULL;
  g_autoptr (DeyeBusPending) waiting = NULL;

  ready_for (f, &granted, START_US);
  sent = publish_numbered (f, "tasks.a", DEYE_BUS_PENDING_ACK);
  assert_topics (f, "tasks.a");
  lose (f);
  waiting = call_asked (f, WIRE_KIND_REQUEST, "control.collector.task.x", TRUE);
  deye_bus_session_tick (f->session, FAR_US);
  g_assert_error (sent->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
  g_assert_error (waiting->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  restore_fixture_next_connection (f);
  ready_for (f, &granted, FAR_US);
  g_assert_cmpuint (f->hello_last_message_number, ==, 1);
  assert_topics (f, "");
}

/* --- other calls --- */

/* A sent request ends with UNKNOWN, and one that was not sent with NOT_CONNECTED; one that waits for ready is sent later. */
static void
test_requests (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) sent = NULL;
  g_autoptr (DeyeBusPending) unsent = NULL;
  g_autoptr (DeyeBusPending) patient = NULL;
  g_autoptr (DeyeBusPending) sent_patient = NULL;

  ready_for (f, &granted, START_US);
  sent = call_asked (f, WIRE_KIND_REQUEST, "control.collector.task.a", FALSE);
  sent_patient = call_asked (f, WIRE_KIND_REQUEST, "control.collector.task.b", TRUE);
  assert_topics (f, "control.collector.task.a control.collector.task.b");
  unsent = call_asked (f, WIRE_KIND_REQUEST, "control.collector.task.c", FALSE);
  patient = call_asked (f, WIRE_KIND_REQUEST, "control.collector.task.d", TRUE);
  lose (f);
  g_assert_error (sent->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
  g_assert_error (sent_patient->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
  g_assert_error (unsent->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  g_assert_false (patient->done);
  restore_fixture_next_connection (f);
  ready_for (f, &other_epoch, START_US);
  assert_topics (f, "control.collector.task.d");
}

/* Calls that wait for ready and messages of the stash are sent in the order of the calls. */
static void
test_order (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) first = NULL;
  g_autoptr (DeyeBusPending) third = NULL;
  DeyeBusCall second = call_to ("events.second", NULL), fourth = call_to ("events.fourth", NULL);

  ready_for (f, &granted, START_US);
  assert_topics (f, "");
  lose (f);
  first = call_asked (f, WIRE_KIND_PUBLISH, "events.first", TRUE);
  g_assert_true (deye_bus_stash_put (&f->stash, &second, 0, deye_bus_session_new_number (f->session), START_US, NULL));
  third = call_asked (f, WIRE_KIND_PUBLISH, "events.third", TRUE);
  g_assert_true (deye_bus_stash_put (&f->stash, &fourth, 0, deye_bus_session_new_number (f->session), START_US, NULL));
  restore_fixture_next_connection (f);
  ready_for (f, &granted, START_US);
  assert_topics (f, "events.first events.second events.third events.fourth");
  g_assert_false (first->done);
  script_ack (f->in, first->id, 1, 1);
  restore_fixture_feed (f);
  g_assert_true (first->done);
}

/* --- flushes --- */

static void
test_flush_survives (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) written = deye_bus_pending_new (DEYE_BUS_PENDING_FLUSH, FAR_US);
  g_autoptr (DeyeBusPending) accepted = deye_bus_pending_new (DEYE_BUS_PENDING_FLUSH, FAR_US);

  ready_for (f, &granted, START_US);
  assert_topics (f, "");
  publish (f, "events.a", 1);
  g_assert_true (deye_bus_session_flush (f->session, FALSE, written, NULL));
  g_assert_true (deye_bus_session_flush (f->session, TRUE, accepted, NULL));
  lose (f);
  g_assert_false (written->done);
  g_assert_true (accepted->done);
  g_assert_nonnull (accepted->error);
  restore_fixture_next_connection (f);
  restore_fixture_welcome (f, &granted);
  g_assert_false (written->done);
  deye_bus_session_release (f->session, START_US);
  g_assert_false (written->done);
  assert_topics (f, "events.a");
  g_assert_true (written->done);
  g_assert_no_error (written->error);
}

/* The flush begins while there is no connection. */
static void
test_flush_without_connection (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) accepted = deye_bus_pending_new (DEYE_BUS_PENDING_FLUSH, FAR_US);
  g_autoptr (DeyeBusPending) overdue = deye_bus_pending_new (DEYE_BUS_PENDING_FLUSH, START_US + 10);
  g_autoptr (GPtrArray) frames = NULL;
  WireEnvelope pong;

  ready_for (f, &granted, START_US);
  assert_topics (f, "");
  publish (f, "events.a", 1);
  lose (f);
  accepted->waits_until_ready = overdue->waits_until_ready = TRUE;
  g_assert_true (deye_bus_session_flush (f->session, TRUE, accepted, NULL));
  g_assert_true (deye_bus_session_flush (f->session, TRUE, overdue, NULL));
  deye_bus_session_tick (f->session, START_US + 10);
  g_assert_error (overdue->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  g_assert_nonnull (strstr (overdue->error->message, "1"));
  restore_fixture_next_connection (f);
  ready_for (f, &granted, START_US);
  frames = restore_fixture_take (f);
  g_assert_cmpuint (frames->len, ==, 2);
  g_assert_cmpint (((ScriptFrame *) frames->pdata[1])->kind, ==, WIRE_KIND_PING);
  wire_envelope_init (&pong);
  pong.answers = accepted->id;
  script_frame (f->in, WIRE_KIND_PONG, 0, &pong);
  restore_fixture_feed (f);
  g_assert_true (accepted->done);
  g_assert_no_error (accepted->error);
}

/* Messages that waited for credit are sent in order also if a later message of another class was in the out-buffer. */
static void
test_order_of_classes (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) call = NULL;

  ready_for (f, &narrow, START_US);
  publish (f, "events.1", 10);
  publish (f, "events.2", 10);
  assert_topics (f, "events.1 events.2");
  publish (f, "events.a", 10);
  call = publish_numbered (f, "events.b", DEYE_BUS_PENDING_ACK);
  publish (f, "tasks.c", 10);
  lose (f);
  restore_fixture_next_connection (f);
  ready_for (f, &granted, START_US);
  assert_topics (f, "events.a events.b tasks.c");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define RESEND_TEST(name, function)                                                                                    \
  g_test_add ("/client/resend/" name, RestoreFixture, NULL, restore_fixture_set_up, function, restore_fixture_tear_down)
  RESEND_TEST ("M16-not-written", test_not_written);
  RESEND_TEST ("M16-written-in-part", test_written_in_part);
  RESEND_TEST ("M16-each-byte", test_each_byte);
  RESEND_TEST ("M16-proved", test_proved);
  RESEND_TEST ("M16-waiting", test_waiting);
  RESEND_TEST ("M16-no-room", test_no_room);
  RESEND_TEST ("M16-write-fails-before-the-end-is-read", test_write_fails_before_the_end_is_read);
  RESEND_TEST ("M16-not-kept", test_not_kept);
  RESEND_TEST ("K12-again", test_again);
  RESEND_TEST ("K12-new-epoch", test_new_epoch);
  RESEND_TEST ("K12-not-granted", test_not_granted);
  RESEND_TEST ("K12-too-late", test_too_late);
  RESEND_TEST ("K12-too-many", test_too_many);
  RESEND_TEST ("K12-given-up", test_given_up);
  RESEND_TEST ("K12-requests", test_requests);
  RESEND_TEST ("M16-order", test_order);
  RESEND_TEST ("M16-order-of-classes", test_order_of_classes);
  RESEND_TEST ("M16-flush-survives", test_flush_survives);
  RESEND_TEST ("M16-flush-without-connection", test_flush_without_connection);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session-fixture.h"

/* A hostile broker: a transcript that is split, cut and changed. The session must end with an error, without other effects. */

/* --- a hostile broker --- */

/* One frame of each kind. The ids are those of the calls of run_transcript(). */
static GByteArray *
transcript (void)
{
  GByteArray *bytes = g_byte_array_new ();
  WireEnvelope envelope;

  script_welcome (bytes, NULL);
  script_subscribe_reply (bytes, 2, 100, 10000);
  script_deliver (bytes, 1, 7, 1, "events.process.new", "payload", 7);
  script_request (bytes, 1, 500, "control.collector.tester", "Ping", "p");
  script_gap (bytes, 1, 2, 3, 2);
  script_ack (bytes, 4, 2, 1);
  script_error (bytes, 7, WIRE_STATUS_DENIED);
  script_reply (bytes, 8, "answer");
  script_credit (bytes, 3, 2000, 2000000);
  wire_envelope_init (&envelope);
  envelope.answers = 10;
  script_frame (bytes, WIRE_KIND_DELIVERED, 0, &envelope);
  envelope.route_id = 500;
  script_frame (bytes, WIRE_KIND_CANCEL, 0, &envelope);
  script_adjusted (bytes, 12, 1, 10, 1000);
  script_block_over (bytes, 4, 3);
  envelope.id = 3;
  script_frame (bytes, WIRE_KIND_PING, 0, &envelope);
  script_frame (bytes, WIRE_KIND_PONG, 0, &envelope);
  script_goodbye (bytes, WIRE_STATUS_SHUTTING_DOWN, "bye");
  return bytes;
}

static void
handle_events (Fixture *f)
{
  DeyeBusEvent event;

  while (deye_bus_events_pop (&f->events, &event))
    {
      if (event.kind == DEYE_BUS_EVENT_MESSAGE)
        {
          g_auto (GStrv) tags = deye_bus_message_dup_tags (event.message);

          g_assert_nonnull (tags);
          g_assert_nonnull (deye_bus_message_get_topic (event.message));
          deye_bus_session_handled (f->session, event.subject, event.message, TRUE);
        }
      deye_bus_session_clear_event (&event);
    }
}

/* Feeds @bytes in pieces of @step to a session with one pending call of each kind. */
static void
run_transcript (const guint8 *bytes, gsize len, gsize step)
{
  static const DeyeBusPendingKind kinds[]
      = { DEYE_BUS_PENDING_REPLY, DEYE_BUS_PENDING_ACK,       DEYE_BUS_PENDING_SENT,
          DEYE_BUS_PENDING_REPLY, DEYE_BUS_PENDING_DELIVERED, DEYE_BUS_PENDING_REPLY };
  Fixture f;
  DeyeBusChannel *channel;
  gboolean called = FALSE;

  session_fixture_setup (&f, NULL);
  channel = deye_bus_channel_new (deye_bus_session_new_channel_id (f.session), FALSE, FALSE);
  deye_bus_session_add_channel (f.session, channel);
  for (gsize at = 0; at < len; at += step)
    {
      deye_bus_session_received (f.session, bytes + at, MIN (step, len - at), START_US);
      if (!called && deye_bus_session_state (f.session) == DEYE_BUS_SESSION_READY)
        {
          called = TRUE;
          for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
            {
              DeyeBusCall call = { .kind = kinds[i] == DEYE_BUS_PENDING_REPLY ? WIRE_KIND_REQUEST : WIRE_KIND_PUBLISH,
                                   .topic = "events.process.new" };
              g_autoptr (DeyeBusPending) pending = deye_bus_pending_new (kinds[i], FAR_US);

              if (i == 0 || i == 5)
                pending->channel = deye_bus_channel_ref (channel);
              pending->adjusts = i == 5;
              (void) deye_bus_session_call (f.session, &call, pending, NULL);
            }
        }
      handle_events (&f);
    }
  deye_bus_session_lost (f.session, "end of stream");
  handle_events (&f);
  deye_bus_channel_unref (channel);
  session_fixture_teardown (&f, NULL);
}

static void
test_hostile_splits (void)
{
  g_autoptr (GByteArray) bytes = transcript ();

  for (gsize step = 1; step < 64; step++)
    run_transcript (bytes->data, bytes->len, step);
}

static void
test_hostile_truncated (void)
{
  g_autoptr (GByteArray) bytes = transcript ();

  for (guint len = 0; len < bytes->len; len++)
    run_transcript (bytes->data, len, 37);
}

static void
test_hostile_bit_flips (void)
{
  g_autoptr (GByteArray) bytes = transcript ();

  for (guint at = 0; at < bytes->len; at++)
    for (guint bit = 0; bit < 8; bit++)
      {
        bytes->data[at] ^= (guint8) (1u << bit);
        run_transcript (bytes->data, bytes->len, 211);
        bytes->data[at] ^= (guint8) (1u << bit);
      }
}

/* A broker can send any number of GAPs, so they are joined and their number is bounded. */
static void
test_hostile_gaps (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel;

  session_fixture_ready (f, NULL);
  channel = session_fixture_subscribed (f, FALSE, 8, 1000);
  script_gap (f->in, channel->id, 2, 9, 8);
  for (guint i = 0; i < 70000; i++)
    deye_bus_session_received (f->session, f->in->data, f->in->len, START_US);
  g_assert_cmpuint (f->events.count, ==, 1);
  g_assert_cmpint (deye_bus_session_state (f->session), ==, DEYE_BUS_SESSION_READY);
  g_byte_array_set_size (f->in, 0);
  for (guint i = 0; i < 100; i++)
    script_gap_for (f->in, channel->id, 2, 9, 8, 100 + i);
  session_fixture_feed (f);
  g_assert_cmpint (deye_bus_session_state (f->session), ==, DEYE_BUS_SESSION_ENDED);
  g_assert_cmpuint (f->events.count, <, 20);
  deye_bus_channel_unref (channel);
}

/* Two open requests have different routes. */
static void
test_hostile_route (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel;

  session_fixture_ready (f, NULL);
  channel = session_fixture_subscribed (f, FALSE, 8, 1000);
  script_request (f->in, channel->id, 500, "control.collector.tester", "Ping", "p");
  session_fixture_feed (f);
  g_assert_cmpint (deye_bus_session_state (f->session), ==, DEYE_BUS_SESSION_READY);
  script_request (f->in, channel->id, 500, "control.collector.tester", "Ping", "p");
  session_fixture_feed (f);
  g_assert_cmpint (deye_bus_session_state (f->session), ==, DEYE_BUS_SESSION_ENDED);
  deye_bus_channel_unref (channel);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/session/" path, Fixture, NULL, session_fixture_setup, function, session_fixture_teardown)

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  test_watchdog_start ("client-session");
  ADD ("hostile/gaps", test_hostile_gaps);
  ADD ("hostile/O06-route-twice", test_hostile_route);
  g_test_add_func ("/client/session/hostile/splits", test_hostile_splits);
  g_test_add_func ("/client/session/hostile/truncated", test_hostile_truncated);
  g_test_add_func ("/client/session/hostile/bit-flips", test_hostile_bit_flips);
  status = g_test_run ();
  test_watchdog_stop ();
  return status;
}

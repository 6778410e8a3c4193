/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-restore.h"

#include "control.pb-c.h"
#include "restore-fixture.h"
#include "wire-guard.h"

/* A session over several connections: its channels are subscribed again. There is no socket, and the test sets the time. */

/* --- tests --- */

/* All channels are requested in one batch, with the same ids and in order; the restore ends with the last answer. */
static void
test_batch (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);
  g_autoptr (GPtrArray) frames = NULL;
  DeyeBusChannel *channels[3];

  restore_fixture_first_connection (f);
  for (guint i = 0; i < 3; i++)
    channels[i] = restore_fixture_subscribed (f);
  restore_fixture_lose (f);
  restore_fixture_welcome (f, NULL);
  g_assert_true (deye_bus_session_restore (f->session, whole));
  frames = restore_fixture_take (f);
  g_assert_cmpuint (frames->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpuint (restore_fixture_subscribed_id (frames->pdata[i]), ==, channels[i]->id);
      g_assert_false (whole->done);
      script_subscribe_reply (f->in, restore_fixture_id_of (frames, i), 10, 1000);
      restore_fixture_feed (f);
    }
  g_assert_true (whole->done);
  g_assert_no_error (whole->error);
  g_assert_cmpuint (deye_bus_session_n_subscribed (f->session), ==, 3);
  g_assert_cmpuint (f->events.count, ==, 0);
  for (guint i = 0; i < 3; i++)
    deye_bus_channel_unref (channels[i]);
}

/* The batch continues when the connection grants credit. */
static void
test_credit (RestoreFixture *f, gconstpointer data)
{
  const ScriptWelcome two = { .window_messages = 2 };
  g_autoptr (DeyeBusPending) whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;
  DeyeBusChannel *channels[3];

  restore_fixture_first_connection (f);
  for (guint i = 0; i < 3; i++)
    channels[i] = restore_fixture_subscribed (f);
  restore_fixture_lose (f);
  restore_fixture_welcome (f, &two);
  g_assert_true (deye_bus_session_restore (f->session, whole));
  first = restore_fixture_take (f);
  g_assert_cmpuint (first->len, ==, 2);
  script_credit (f->in, WIRE_CLASS_CONTROL, 3, 1048576);
  restore_fixture_feed (f);
  second = restore_fixture_take (f);
  g_assert_cmpuint (second->len, ==, 1);
  g_assert_cmpuint (restore_fixture_subscribed_id (second->pdata[0]), ==, channels[2]->id);
  for (guint i = 0; i < 3; i++)
    deye_bus_channel_unref (channels[i]);
}

/* Only the refused channel ends, and it is not requested again. */
static void
test_refused (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);
  g_autoptr (DeyeBusPending) again = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);
  g_autoptr (GPtrArray) frames = NULL;
  DeyeBusChannel *refused, *kept;
  DeyeBusEvent event;

  restore_fixture_first_connection (f);
  refused = restore_fixture_subscribed (f);
  kept = restore_fixture_subscribed (f);
  restore_fixture_lose (f);
  restore_fixture_welcome (f, NULL);
  g_assert_true (deye_bus_session_restore (f->session, whole));
  frames = restore_fixture_take (f);
  script_error (f->in, restore_fixture_id_of (frames, 0), WIRE_STATUS_DENIED);
  script_subscribe_reply (f->in, restore_fixture_id_of (frames, 1), 10, 1000);
  restore_fixture_feed (f);
  g_assert_true (whole->done);
  g_assert_no_error (whole->error);
  g_assert_true (refused->cut);
  g_assert_error (refused->refusal, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  g_assert_false (kept->cut);
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_ENDED);
  g_assert_true (event.subject == refused);
  deye_bus_session_clear_event (&event);

  restore_fixture_lose (f);
  restore_fixture_welcome (f, NULL);
  g_assert_true (deye_bus_session_restore (f->session, again));
  g_clear_pointer (&frames, g_ptr_array_unref);
  frames = restore_fixture_take (f);
  g_assert_cmpuint (frames->len, ==, 1);
  g_assert_cmpuint (restore_fixture_subscribed_id (frames->pdata[0]), ==, kept->id);
  deye_bus_channel_unref (refused);
  deye_bus_channel_unref (kept);
}

/* K13: a subscribe call that has no answer when the connection ends is repeated, and ends once. */
static void
test_asked_meanwhile (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);
  g_autoptr (DeyeBusPending) in_flight = NULL;
  g_autoptr (DeyeBusPending) offline = NULL;
  g_autoptr (DeyeBusPending) late = NULL;
  g_autoptr (GPtrArray) sent = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GPtrArray) last = NULL;
  DeyeBusChannel *first, *second, *third;

  restore_fixture_first_connection (f);
  in_flight = restore_fixture_subscribe (f, &first);
  sent = restore_fixture_take (f);
  g_assert_cmpuint (sent->len, ==, 1);
  restore_fixture_lose (f);
  g_assert_false (in_flight->done);
  offline = restore_fixture_subscribe (f, &second);
  restore_fixture_welcome (f, NULL);
  g_assert_true (deye_bus_session_restore (f->session, whole));
  frames = restore_fixture_take (f);
  g_assert_cmpuint (frames->len, ==, 2);
  script_subscribe_reply (f->in, restore_fixture_id_of (frames, 0), 10, 1000);
  script_error (f->in, restore_fixture_id_of (frames, 1), WIRE_STATUS_LIMIT);
  restore_fixture_feed (f);
  g_assert_true (in_flight->done);
  g_assert_no_error (in_flight->error);
  g_assert_true (offline->done);
  g_assert_error (offline->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_assert_true (whole->done);
  /* The caller ends the channel; the session does not report the refusal a second time. */
  g_assert_null (second->refusal);
  deye_bus_session_remove_channel (f->session, second);

  late = restore_fixture_subscribe (f, &third);
  deye_bus_session_release (f->session, START_US);
  last = restore_fixture_take (f);
  g_assert_cmpuint (last->len, ==, 1);
  g_assert_cmpuint (restore_fixture_subscribed_id (last->pdata[0]), ==, third->id);
  script_subscribe_reply (f->in, late->id, 10, 1000);
  restore_fixture_feed (f);
  g_assert_true (late->done);
  g_assert_no_error (late->error);
  deye_bus_channel_unref (first);
  deye_bus_channel_unref (second);
  deye_bus_channel_unref (third);
}

/* A message of the earlier connection that is handled late does not change the new window. */
static void
test_handled_late (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GPtrArray) credits = NULL;
  DeyeBusChannel *channel;
  DeyeBusEvent event;

  restore_fixture_first_connection (f);
  channel = restore_fixture_subscribed (f);
  script_deliver (f->in, channel->id, 0, 1, "events.a", "x", 1);
  restore_fixture_feed (f);
  restore_fixture_lose (f);
  restore_fixture_welcome (f, NULL);
  g_assert_true (deye_bus_session_restore (f->session, whole));
  frames = restore_fixture_take (f);
  script_subscribe_reply (f->in, restore_fixture_id_of (frames, 0), 1, 1000);
  restore_fixture_feed (f);
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_MESSAGE);
  deye_bus_session_handled (f->session, channel, event.message, TRUE);
  deye_bus_session_clear_event (&event);
  credits = restore_fixture_take (f);
  g_assert_cmpuint (credits->len, ==, 0);
  g_assert_cmpuint (channel->window.returned_messages, ==, 0);
  deye_bus_channel_unref (channel);
}

/* An adjusted subscription is requested with the adjusted values; the other values are unchanged. */
static void
test_adjusted (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);
  g_autoptr (DeyeBusPending) adjust = deye_bus_pending_new (DEYE_BUS_PENDING_REPLY, FAR_US);
  const DeyeBusCall call = { .kind = WIRE_KIND_REQUEST, .topic = "control.bus.adjust" };
  g_autoptr (GPtrArray) asked = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__SubscribeRequest *request;
  DeyeBusChannel *channel;

  restore_fixture_first_connection (f);
  channel = restore_fixture_subscribed (f);
  adjust->channel = deye_bus_channel_ref (channel);
  adjust->adjusts = TRUE;
  adjust->adjustment = (DeyeBusAdjustment){ .policy = DEYE_BUS_POLICY_ERROR, .queue_messages = 7 };
  g_assert_true (deye_bus_session_call (f->session, &call, adjust, NULL));
  asked = restore_fixture_take (f);
  script_adjusted (f->in, adjust->id, DEYE_BUS_POLICY_ERROR, 7, 8000);
  restore_fixture_feed (f);
  g_assert_true (adjust->done);
  restore_fixture_lose (f);
  restore_fixture_welcome (f, NULL);
  g_assert_true (deye_bus_session_restore (f->session, whole));
  frames = restore_fixture_take (f);
  g_assert_cmpuint (restore_fixture_subscribed_id (frames->pdata[0]), ==, channel->id);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__subscribe_request__descriptor,
                             ((ScriptFrame *) frames->pdata[0])->envelope.payload, 0, NULL);
  request = wire_guard_message (guard);
  g_assert_cmpstr (request->pattern, ==, "events.#");
  g_assert_cmpuint (request->policy, ==, DEYE_BUS_POLICY_ERROR);
  g_assert_cmpuint (request->queue_messages, ==, 7);
  g_assert_cmpuint (request->queue_bytes, ==, 0);
  deye_bus_channel_unref (channel);
}

/* K13: the broker does not answer: the restore ends once, with an error, at its deadline. */
static void
test_overdue (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);
  g_autoptr (GPtrArray) frames = NULL;
  DeyeBusChannel *channel;

  restore_fixture_first_connection (f);
  channel = restore_fixture_subscribed (f);
  restore_fixture_lose (f);
  restore_fixture_welcome (f, NULL);
  g_assert_true (deye_bus_session_restore (f->session, whole));
  frames = restore_fixture_take (f);
  deye_bus_session_tick (f->session, FAR_US);
  g_assert_true (whole->done);
  g_assert_nonnull (whole->error);
  deye_bus_session_advance_restore (f->session);
  script_subscribe_reply (f->in, restore_fixture_id_of (frames, 0), 10, 1000);
  restore_fixture_feed (f);
  g_assert_cmpint (deye_bus_session_state (f->session), ==, DEYE_BUS_SESSION_READY);
  g_assert_false (channel->cut);
  deye_bus_channel_unref (channel);
}

/* The last connection ends permanently: each channel ends with it, once. */
static void
test_final (RestoreFixture *f, gconstpointer data)
{
  DeyeBusChannel *channel;
  DeyeBusEvent event;

  restore_fixture_first_connection (f);
  channel = restore_fixture_subscribed (f);
  deye_bus_session_lost (f->session, "the test");
  g_assert_false (channel->cut);
  deye_bus_session_set_keeps (f->session, FALSE);
  g_assert_true (channel->cut);
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_ENDED);
  deye_bus_session_clear_event (&event);
  g_assert_false (deye_bus_events_pop (&f->events, &event));
  deye_bus_channel_unref (channel);
}

/* Reasons that would also end the next connection are final. */
static void
test_final_reasons (RestoreFixture *f, gconstpointer data)
{
  g_assert_true (deye_bus_session_status_is_final (WIRE_STATUS_VERSION, TRUE));
  g_assert_true (deye_bus_session_status_is_final (WIRE_STATUS_TAKEN_OVER, FALSE));
  g_assert_true (deye_bus_session_status_is_final (WIRE_STATUS_DENIED, TRUE));
  g_assert_false (deye_bus_session_status_is_final (WIRE_STATUS_DENIED, FALSE));
  g_assert_false (deye_bus_session_status_is_final (WIRE_STATUS_DUPLICATE_ID, TRUE));
  g_assert_false (deye_bus_session_status_is_final (WIRE_STATUS_LIMIT, TRUE));
  g_assert_false (deye_bus_session_status_is_final (WIRE_STATUS_SHUTTING_DOWN, FALSE));
  restore_fixture_first_connection (f);
  script_goodbye (f->in, WIRE_STATUS_TAKEN_OVER, NULL);
  restore_fixture_feed (f);
  g_assert_true (deye_bus_session_is_final (f->session));
  g_assert_false (deye_bus_session_is_kept (f->session));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define RESTORE_TEST(name, function)                                                                                   \
  g_test_add ("/client/restore/" name, RestoreFixture, NULL, restore_fixture_set_up, function,                         \
              restore_fixture_tear_down)
  RESTORE_TEST ("M16-batch", test_batch);
  RESTORE_TEST ("M16-credit", test_credit);
  RESTORE_TEST ("M16-refused", test_refused);
  RESTORE_TEST ("K13-asked-meanwhile", test_asked_meanwhile);
  RESTORE_TEST ("handled-late", test_handled_late);
  RESTORE_TEST ("M16-adjusted", test_adjusted);
  RESTORE_TEST ("K13-overdue", test_overdue);
  RESTORE_TEST ("final", test_final);
  RESTORE_TEST ("final-reasons", test_final_reasons);
  return g_test_run ();
}

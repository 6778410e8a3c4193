/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-restore.h"

#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "deye-bus.h"
#include "script.h"
#include "session/deye-bus-session.h"
#include "test-watchdog.h"
#include "wire-guard.h"

/* A session over several connections: its channels are subscribed again. No socket, no clock. */

#define START_US 1000000
#define FAR_US   (START_US + 30000000)

typedef struct
{
  DeyeBusEvents events;
  DeyeBusPending *hello;
  DeyeBusSession *session;
  guint64 connections;
  GByteArray *in;  /* scripted, not fed yet */
  GByteArray *out; /* sent by the client, not looked at yet */
} RestoreFixture;

static void
next_connection (RestoreFixture *f)
{
  DeyeBusHello hello = { "tester", "procmond", 1, 99, "0.1", ++f->connections };

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
set_up (RestoreFixture *f, gconstpointer data)
{
  deye_bus_events_init (&f->events, deye_bus_session_clear_event);
  f->in = g_byte_array_new ();
  f->out = g_byte_array_new ();
  next_connection (f);
}

static void
tear_down (RestoreFixture *f, gconstpointer data)
{
  deye_bus_session_free (f->session);
  deye_bus_events_clear (&f->events);
  deye_bus_pending_unref (f->hello);
  g_byte_array_unref (f->in);
  g_byte_array_unref (f->out);
}

static void
feed (RestoreFixture *f)
{
  deye_bus_session_received (f->session, f->in->data, f->in->len, START_US);
  g_byte_array_set_size (f->in, 0);
}

static GPtrArray *
take (RestoreFixture *f)
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
welcome (RestoreFixture *f, const ScriptWelcome *wish)
{
  g_autoptr (GPtrArray) frames = NULL;

  script_welcome (f->in, wish);
  feed (f);
  frames = take (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_HELLO), ==, 1);
  g_assert_cmpint (deye_bus_session_state (f->session), ==, DEYE_BUS_SESSION_READY);
}

static void
lose (RestoreFixture *f)
{
  deye_bus_session_lost (f->session, "the test");
  g_assert_true (deye_bus_session_is_kept (f->session));
  next_connection (f);
}

/* The id of the subscription that a request is about; 0: it is another request. */
static guint32
subscribed_id (const ScriptFrame *frame)
{
  g_autoptr (WireGuard) guard = NULL;

  if (frame->kind != WIRE_KIND_REQUEST
      || !wire_span_equal (frame->envelope.topic, WIRE_SPAN_LITERAL ("control.bus.subscribe")))
    return 0;
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__subscribe_request__descriptor, frame->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  return ((const Daemoneye__Eventbus__V1__SubscribeRequest *) wire_guard_message (guard))->subscription;
}

/* Begins a subscribe call. */
static DeyeBusPending *
subscribe (RestoreFixture *f, DeyeBusChannel **channel)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;
  DeyeBusPending *pending = deye_bus_pending_new (DEYE_BUS_PENDING_REPLY, FAR_US);
  char pattern[] = "events.#";

  *channel = deye_bus_channel_new (deye_bus_session_new_channel_id (f->session), FALSE, FALSE);
  request.subscription = (*channel)->id;
  request.pattern = pattern;
  (*channel)->request = deye_bus_pack (&request.base);
  pending->channel = deye_bus_channel_ref (*channel);
  g_assert_true (deye_bus_session_subscribe (f->session, pending, FALSE, NULL));
  deye_bus_session_add_channel (f->session, *channel);
  return pending;
}

/* A channel of the first connection, which is restored by then. */
static DeyeBusChannel *
subscribed (RestoreFixture *f)
{
  DeyeBusChannel *channel;
  g_autoptr (DeyeBusPending) pending = subscribe (f, &channel);
  g_autoptr (GPtrArray) frames = take (f);

  g_assert_cmpuint (frames->len, ==, 1);
  script_subscribe_reply (f->in, pending->id, 10, 1000);
  feed (f);
  g_assert_true (pending->done);
  g_assert_no_error (pending->error);
  return channel;
}

static void
first_connection (RestoreFixture *f)
{
  g_autoptr (DeyeBusPending) whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);

  welcome (f, NULL);
  g_assert_false (deye_bus_session_restore (f->session, whole));
  deye_bus_session_release (f->session);
}

static guint64
id_of (GPtrArray *frames, guint i)
{
  return ((ScriptFrame *) frames->pdata[i])->envelope.id;
}

/* --- tests --- */

/* All in one batch, with the same ids, in their order; the restore ends with the last answer. */
static void
test_batch (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);
  g_autoptr (GPtrArray) frames = NULL;
  DeyeBusChannel *channels[3];

  first_connection (f);
  for (guint i = 0; i < 3; i++)
    channels[i] = subscribed (f);
  lose (f);
  welcome (f, NULL);
  g_assert_true (deye_bus_session_restore (f->session, whole));
  frames = take (f);
  g_assert_cmpuint (frames->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpuint (subscribed_id (frames->pdata[i]), ==, channels[i]->id);
      g_assert_false (whole->done);
      script_subscribe_reply (f->in, id_of (frames, i), 10, 1000);
      feed (f);
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

  first_connection (f);
  for (guint i = 0; i < 3; i++)
    channels[i] = subscribed (f);
  lose (f);
  welcome (f, &two);
  g_assert_true (deye_bus_session_restore (f->session, whole));
  first = take (f);
  g_assert_cmpuint (first->len, ==, 2);
  script_credit (f->in, WIRE_CLASS_CONTROL, 3, 1048576);
  feed (f);
  second = take (f);
  g_assert_cmpuint (second->len, ==, 1);
  g_assert_cmpuint (subscribed_id (second->pdata[0]), ==, channels[2]->id);
  for (guint i = 0; i < 3; i++)
    deye_bus_channel_unref (channels[i]);
}

/* A refused one ends alone, and is not asked for again. */
static void
test_refused (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);
  g_autoptr (DeyeBusPending) again = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);
  g_autoptr (GPtrArray) frames = NULL;
  DeyeBusChannel *refused, *kept;
  DeyeBusEvent event;

  first_connection (f);
  refused = subscribed (f);
  kept = subscribed (f);
  lose (f);
  welcome (f, NULL);
  g_assert_true (deye_bus_session_restore (f->session, whole));
  frames = take (f);
  script_error (f->in, id_of (frames, 0), WIRE_STATUS_DENIED);
  script_subscribe_reply (f->in, id_of (frames, 1), 10, 1000);
  feed (f);
  g_assert_true (whole->done);
  g_assert_no_error (whole->error);
  g_assert_true (refused->cut);
  g_assert_error (refused->refusal, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  g_assert_false (kept->cut);
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_ENDED);
  g_assert_true (event.subject == refused);
  deye_bus_session_clear_event (&event);

  lose (f);
  welcome (f, NULL);
  g_assert_true (deye_bus_session_restore (f->session, again));
  g_clear_pointer (&frames, g_ptr_array_unref);
  frames = take (f);
  g_assert_cmpuint (frames->len, ==, 1);
  g_assert_cmpuint (subscribed_id (frames->pdata[0]), ==, kept->id);
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

  first_connection (f);
  in_flight = subscribe (f, &first);
  sent = take (f);
  g_assert_cmpuint (sent->len, ==, 1);
  lose (f);
  g_assert_false (in_flight->done);
  offline = subscribe (f, &second);
  welcome (f, NULL);
  g_assert_true (deye_bus_session_restore (f->session, whole));
  frames = take (f);
  g_assert_cmpuint (frames->len, ==, 2);
  script_subscribe_reply (f->in, id_of (frames, 0), 10, 1000);
  script_error (f->in, id_of (frames, 1), WIRE_STATUS_LIMIT);
  feed (f);
  g_assert_true (in_flight->done);
  g_assert_no_error (in_flight->error);
  g_assert_true (offline->done);
  g_assert_error (offline->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_assert_true (whole->done);
  /* Its caller ends it; the session does not report the refusal a second time. */
  g_assert_null (second->refusal);
  deye_bus_session_remove_channel (f->session, second);

  late = subscribe (f, &third);
  deye_bus_session_release (f->session);
  last = take (f);
  g_assert_cmpuint (last->len, ==, 1);
  g_assert_cmpuint (subscribed_id (last->pdata[0]), ==, third->id);
  script_subscribe_reply (f->in, late->id, 10, 1000);
  feed (f);
  g_assert_true (late->done);
  g_assert_no_error (late->error);
  deye_bus_channel_unref (first);
  deye_bus_channel_unref (second);
  deye_bus_channel_unref (third);
}

/* A message of the earlier connection that is handled late costs the new window nothing. */
static void
test_handled_late (RestoreFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GPtrArray) credits = NULL;
  DeyeBusChannel *channel;
  DeyeBusEvent event;

  first_connection (f);
  channel = subscribed (f);
  script_deliver (f->in, channel->id, 0, 1, "events.a", "x", 1);
  feed (f);
  lose (f);
  welcome (f, NULL);
  g_assert_true (deye_bus_session_restore (f->session, whole));
  frames = take (f);
  script_subscribe_reply (f->in, id_of (frames, 0), 1, 1000);
  feed (f);
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_MESSAGE);
  deye_bus_session_handled (f->session, channel, event.message, TRUE);
  deye_bus_session_clear_event (&event);
  credits = take (f);
  g_assert_cmpuint (credits->len, ==, 0);
  g_assert_cmpuint (channel->window.returned_messages, ==, 0);
  deye_bus_channel_unref (channel);
}

/* The last connection ends for good: the channels end with it, once. */
static void
test_final (RestoreFixture *f, gconstpointer data)
{
  DeyeBusChannel *channel;
  DeyeBusEvent event;

  first_connection (f);
  channel = subscribed (f);
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

/* Reasons that would end the next connection as well. */
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
  first_connection (f);
  script_goodbye (f->in, WIRE_STATUS_TAKEN_OVER, NULL);
  feed (f);
  g_assert_true (deye_bus_session_is_final (f->session));
  g_assert_false (deye_bus_session_is_kept (f->session));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define RESTORE_TEST(name, function)                                                                                   \
  g_test_add ("/client/restore/" name, RestoreFixture, NULL, set_up, function, tear_down)
  RESTORE_TEST ("M16-batch", test_batch);
  RESTORE_TEST ("M16-credit", test_credit);
  RESTORE_TEST ("M16-refused", test_refused);
  RESTORE_TEST ("K13-asked-meanwhile", test_asked_meanwhile);
  RESTORE_TEST ("handled-late", test_handled_late);
  RESTORE_TEST ("final", test_final);
  RESTORE_TEST ("final-reasons", test_final_reasons);
  return g_test_run ();
}

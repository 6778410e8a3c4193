/* SPDX-License-Identifier: Apache-2.0 */
#include "restore-fixture.h"

#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "envelope.pb-c.h"
#include "session/deye-bus-session-restore.h"
#include "wire-guard.h"
#include "wire-feature.h"

void
restore_fixture_next_connection (RestoreFixture *f)
{
  DeyeBusHello hello = { "tester", "procmond", 1, 99, "0.1", ++f->connections, f->newest, WIRE_FEATURES_KNOWN };

  g_byte_array_set_size (f->out, 0); /* drops a frame that was written in part */
  g_clear_pointer (&f->hello, deye_bus_pending_unref);
  f->hello = deye_bus_pending_new (DEYE_BUS_PENDING_HELLO, FAR_US);
  if (f->session == NULL)
    f->session = deye_bus_session_new (&hello, &f->events, f->hello);
  else
    deye_bus_session_reopen (f->session, &hello, f->hello);
  deye_bus_session_set_stash (f->session, &f->stash);
  deye_bus_session_hold (f->session);
  deye_bus_session_set_keeps (f->session, TRUE);
}

void
restore_fixture_set_up (RestoreFixture *f, gconstpointer data)
{
  deye_bus_events_init (&f->events, deye_bus_session_clear_event);
  f->in = g_byte_array_new ();
  f->out = g_byte_array_new ();
  restore_fixture_next_connection (f);
}

void
restore_fixture_tear_down (RestoreFixture *f, gconstpointer data)
{
  deye_bus_session_free (f->session);
  deye_bus_events_clear (&f->events);
  deye_bus_pending_unref (f->hello);
  deye_bus_stash_clear (&f->stash);
  deye_bus_losses_clear (&f->stash.losses);
  g_byte_array_unref (f->in);
  g_byte_array_unref (f->out);
}

void
restore_fixture_feed (RestoreFixture *f)
{
  deye_bus_session_received (f->session, f->in->data, f->in->len, START_US);
  g_byte_array_set_size (f->in, 0);
}

GPtrArray *
restore_fixture_take (RestoreFixture *f)
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

static guint64
hello_last_message (const ScriptFrame *frame)
{
  gsize len;
  const guint8 *bytes = g_bytes_get_data (frame->body, &len);
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__hello__descriptor, wire_span (bytes, len), 0, NULL);

  g_assert_nonnull (guard);
  return ((const Daemoneye__Eventbus__V1__Hello *) wire_guard_message (guard))->last_message;
}

void
restore_fixture_welcome (RestoreFixture *f, const ScriptWelcome *wish)
{
  g_autoptr (GPtrArray) frames = NULL;

  script_welcome (f->in, wish);
  restore_fixture_feed (f);
  frames = restore_fixture_take (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_HELLO), ==, 1);
  f->hello_last_message_number = hello_last_message (script_find (frames, WIRE_KIND_HELLO));
  g_assert_cmpint (deye_bus_session_state (f->session), ==, DEYE_BUS_SESSION_READY);
}

void
restore_fixture_lose (RestoreFixture *f)
{
  deye_bus_session_lost (f->session, "the test");
  g_assert_true (deye_bus_session_is_kept (f->session));
  restore_fixture_next_connection (f);
}

guint32
restore_fixture_subscribed_id (const ScriptFrame *frame)
{
  g_autoptr (WireGuard) guard = NULL;

  if (frame->kind != WIRE_KIND_REQUEST
      || !wire_span_equal (frame->envelope.topic, WIRE_SPAN_LITERAL ("control.bus.subscribe")))
    return 0;
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__subscribe_request__descriptor, frame->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  return ((const Daemoneye__Eventbus__V1__SubscribeRequest *) wire_guard_message (guard))->subscription;
}

DeyeBusPending *
restore_fixture_subscribe (RestoreFixture *f, DeyeBusChannel **channel)
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

DeyeBusChannel *
restore_fixture_subscribed (RestoreFixture *f)
{
  DeyeBusChannel *channel;
  g_autoptr (DeyeBusPending) pending = restore_fixture_subscribe (f, &channel);
  g_autoptr (GPtrArray) frames = restore_fixture_take (f);

  g_assert_cmpuint (frames->len, ==, 1);
  script_subscribe_reply (f->in, pending->id, 10, 1000);
  restore_fixture_feed (f);
  g_assert_true (pending->done);
  g_assert_no_error (pending->error);
  return channel;
}

void
restore_fixture_first_connection (RestoreFixture *f)
{
  g_autoptr (DeyeBusPending) whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);

  restore_fixture_welcome (f, NULL);
  g_assert_false (deye_bus_session_restore (f->session, whole));
  deye_bus_session_release (f->session, START_US);
}

guint64
restore_fixture_id_of (GPtrArray *frames, guint i)
{
  return ((ScriptFrame *) frames->pdata[i])->envelope.id;
}

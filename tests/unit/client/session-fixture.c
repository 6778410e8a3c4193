/* SPDX-License-Identifier: Apache-2.0 */
#include "session-fixture.h"

void
session_fixture_setup (Fixture *f, gconstpointer data)
{
  deye_bus_events_init (&f->events, deye_bus_session_clear_event);
  f->hello = deye_bus_pending_new (DEYE_BUS_PENDING_HELLO, FAR_US);
  f->session = deye_bus_session_new (&hello, &f->events, f->hello);
  f->in = g_byte_array_new ();
  f->out = g_byte_array_new ();
}

void
session_fixture_teardown (Fixture *f, gconstpointer data)
{
  deye_bus_session_free (f->session);
  deye_bus_events_clear (&f->events);
  deye_bus_pending_unref (f->hello);
  g_byte_array_unref (f->in);
  g_byte_array_unref (f->out);
}

void
session_fixture_feed (Fixture *f)
{
  deye_bus_session_received (f->session, f->in->data, f->in->len, START_US);
  g_byte_array_set_size (f->in, 0);
}

GPtrArray *
session_fixture_take (Fixture *f)
{
  DeyeBusOutbuf *out = deye_bus_session_out (f->session);
  WireSpan spans[8];
  guint n;

  while ((n = deye_bus_outbuf_gather (out, spans, G_N_ELEMENTS (spans))) > 0)
    {
      /* Takes uneven amounts, as a socket does. */
      gsize some = MIN (spans[0].len, 40000);

      g_byte_array_append (f->out, spans[0].data, (guint) some);
      deye_bus_outbuf_sent (out, some);
    }
  g_assert_cmpuint (deye_bus_outbuf_bytes (out), ==, 0);
  return script_take (f->out);
}

void
session_fixture_ready (Fixture *f, const ScriptWelcome *welcome)
{
  g_autoptr (GPtrArray) frames = NULL;

  script_welcome (f->in, welcome);
  session_fixture_feed (f);
  frames = session_fixture_take (f);
  g_assert_cmpuint (frames->len, ==, 1);
  g_assert_cmpint (deye_bus_session_state (f->session), ==, DEYE_BUS_SESSION_READY);
}

DeyeBusChannel *
session_fixture_subscribed (Fixture *f, gboolean pull, guint64 messages, guint64 bytes)
{
  DeyeBusCall call = { .kind = WIRE_KIND_REQUEST, .topic = "control.bus.subscribe" };
  g_autoptr (DeyeBusPending) pending = deye_bus_pending_new (DEYE_BUS_PENDING_REPLY, FAR_US);
  DeyeBusChannel *channel = deye_bus_channel_new (deye_bus_session_new_channel_id (f->session), FALSE, pull);
  g_autoptr (GPtrArray) frames = NULL;

  pending->channel = deye_bus_channel_ref (channel);
  g_assert_true (deye_bus_session_call (f->session, &call, pending, NULL));
  deye_bus_session_add_channel (f->session, channel);
  frames = session_fixture_take (f);
  script_subscribe_reply (f->in, pending->id, messages, bytes);
  session_fixture_feed (f);
  g_assert_true (pending->done);
  g_assert_no_error (pending->error);
  return channel;
}

DeyeBusPending *
session_fixture_publish (Fixture *f, DeyeBusPendingKind kind, const char *topic, gsize len)
{
  g_autofree guint8 *zeros = g_malloc0 (len + 1);
  g_autoptr (GBytes) payload = g_bytes_new (zeros, len);
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH,
                       .topic = topic,
                       .payload = payload,
                       .flags = kind == DEYE_BUS_PENDING_SENT ? 0 : WIRE_FLAG_WANT_ACK };
  DeyeBusPending *pending = deye_bus_pending_new (kind, FAR_US);
  g_autoptr (GError) error = NULL;

  deye_bus_session_call (f->session, &call, pending, &error);
  g_assert_no_error (error);
  return pending;
}

guint
session_fixture_count_events (Fixture *f, DeyeBusEventKind kind)
{
  DeyeBusEvent event;
  guint n = 0;

  while (deye_bus_events_pop (&f->events, &event))
    {
      n += event.kind == kind ? 1 : 0;
      deye_bus_session_clear_event (&event);
    }
  return n;
}

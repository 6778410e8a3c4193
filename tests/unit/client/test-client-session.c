/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session.h"

#include "deye-bus.h"
#include "script.h"
#include "test-watchdog.h"

/* The session alone: bytes in, events and bytes out. No socket, no clock. */

#define START_US 1000000
#define FAR_US   (START_US + 30000000)

typedef struct
{
  DeyeBusEvents events;
  DeyeBusPending *hello;
  DeyeBusSession *session;
  GByteArray *in;  /* scripted, not fed yet */
  GByteArray *out; /* sent by the client, not looked at yet */
} Fixture;

static const DeyeBusHello hello = { "tester", "procmond", 1, 99, "0.1", 0, 0 };

static void
setup (Fixture *f, gconstpointer data)
{
  deye_bus_events_init (&f->events, deye_bus_session_clear_event);
  f->hello = deye_bus_pending_new (DEYE_BUS_PENDING_HELLO, FAR_US);
  f->session = deye_bus_session_new (&hello, &f->events, f->hello);
  f->in = g_byte_array_new ();
  f->out = g_byte_array_new ();
}

static void
teardown (Fixture *f, gconstpointer data)
{
  deye_bus_session_free (f->session);
  deye_bus_events_clear (&f->events);
  deye_bus_pending_unref (f->hello);
  g_byte_array_unref (f->in);
  g_byte_array_unref (f->out);
}

static void
feed (Fixture *f)
{
  deye_bus_session_received (f->session, f->in->data, f->in->len, START_US);
  g_byte_array_set_size (f->in, 0);
}

static GPtrArray *
take (Fixture *f)
{
  DeyeBusOutbuf *out = deye_bus_session_out (f->session);
  WireSpan spans[8];
  guint n;

  while ((n = deye_bus_outbuf_gather (out, spans, G_N_ELEMENTS (spans))) > 0)
    {
      /* Uneven amounts, as a socket takes them. */
      gsize some = MIN (spans[0].len, 40000);

      g_byte_array_append (f->out, spans[0].data, (guint) some);
      deye_bus_outbuf_sent (out, some);
    }
  g_assert_cmpuint (deye_bus_outbuf_bytes (out), ==, 0);
  return script_take (f->out);
}

static void
ready (Fixture *f, const ScriptWelcome *welcome)
{
  g_autoptr (GPtrArray) frames = NULL;

  script_welcome (f->in, welcome);
  feed (f);
  frames = take (f);
  g_assert_cmpuint (frames->len, ==, 1);
  g_assert_cmpint (deye_bus_session_state (f->session), ==, DEYE_BUS_SESSION_READY);
}

static DeyeBusChannel *
subscribed (Fixture *f, gboolean pull, guint64 messages, guint64 bytes)
{
  DeyeBusCall call = { .kind = WIRE_KIND_REQUEST, .topic = "control.bus.subscribe" };
  g_autoptr (DeyeBusPending) pending = deye_bus_pending_new (DEYE_BUS_PENDING_REPLY, FAR_US);
  DeyeBusChannel *channel = deye_bus_channel_new (deye_bus_session_new_channel_id (f->session), FALSE, pull);
  g_autoptr (GPtrArray) frames = NULL;

  pending->channel = deye_bus_channel_ref (channel);
  g_assert_true (deye_bus_session_call (f->session, &call, pending, NULL));
  deye_bus_session_add_channel (f->session, channel);
  frames = take (f);
  script_subscribe_reply (f->in, pending->id, messages, bytes);
  feed (f);
  g_assert_true (pending->done);
  g_assert_no_error (pending->error);
  return channel;
}

static DeyeBusPending *
publish (Fixture *f, DeyeBusPendingKind kind, const char *topic, gsize len)
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

static guint
count_events (Fixture *f, DeyeBusEventKind kind)
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

/* --- handshake --- */

static void
test_handshake (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = take (f);
  const ScriptFrame *first = script_find (frames, WIRE_KIND_HELLO);
  static const guint8 magic[] = { 0x0d, 'D', 'E', 'Y', 'B' };

  g_assert_nonnull (first);
  g_assert_cmpmem (g_bytes_get_data (first->body, NULL), sizeof magic, magic, sizeof magic);
  g_assert_cmpuint (g_bytes_get_size (first->body), <=, WIRE_HELLO_MAX);
  g_assert_false (f->hello->done);
  script_welcome (f->in, NULL);
  feed (f);
  g_assert_true (f->hello->done);
  g_assert_no_error (f->hello->error);
  g_assert_cmpuint (deye_bus_session_welcome (f->session)->epoch, ==, 4711);
  g_assert_cmpuint (deye_bus_session_welcome (f->session)->largest_payload, ==, 1048576);
}

/* M27: the broker refuses the version; its reason reaches the caller. */
static void
test_version_refused (Fixture *f, gconstpointer data)
{
  script_goodbye (f->in, WIRE_STATUS_VERSION, "you speak 1.0, the broker 2.0");
  feed (f);
  g_assert_true (f->hello->done);
  g_assert_error (f->hello->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_VERSION);
  g_assert_nonnull (strstr (f->hello->error->message, "broker 2.0"));
}

/* A broker that is full says when trying again is useful. */
static void
test_retry_hint (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (deye_bus_session_retry_us (f->session), ==, 0);
  script_goodbye_for (f->in, WIRE_STATUS_LIMIT, "full", GPOINTER_TO_INT (data) != 0 ? G_MAXUINT64 : 100000);
  feed (f);
  g_assert_error (f->hello->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_assert_cmpint (deye_bus_session_retry_us (f->session), ==, GPOINTER_TO_INT (data) != 0 ? G_MAXINT64 : 100000);
}

static void
test_retry_hint_too_large (Fixture *f, gconstpointer data)
{
  test_retry_hint (f, GINT_TO_POINTER (1));
}

/* M27: a broker that grants another major version is not spoken with. */
static void
test_other_major (Fixture *f, gconstpointer data)
{
  ScriptWelcome welcome = { .version = 2u << 16 };

  script_welcome (f->in, &welcome);
  feed (f);
  g_assert_error (f->hello->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_VERSION);
}

static void
test_no_welcome (Fixture *f, gconstpointer data)
{
  script_gap (f->in, 1, 1, 1, 1);
  feed (f);
  g_assert_error (f->hello->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_PROTOCOL);
}

/* --- publishing and credit --- */

static void
test_credit_stop_and_go (Fixture *f, gconstpointer data)
{
  ScriptWelcome two = { .window_messages = 2 };
  DeyeBusPending *pending[5];

  ready (f, &two);
  for (guint i = 0; i < 5; i++)
    pending[i] = publish (f, DEYE_BUS_PENDING_SENT, "events.process.new", 10);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint (pending[i]->done, ==, i < 2);
  {
    g_autoptr (GPtrArray) frames = take (f);

    g_assert_cmpuint (frames->len, ==, 2);
  }
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 4, 1048576);
  /* Older totals change nothing, other classes neither. */
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 3, 10);
  script_credit (f->in, WIRE_CLASS_CONTROL, 30, 1048576);
  feed (f);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint (pending[i]->done, ==, i < 4);
  {
    g_autoptr (GPtrArray) frames = take (f);

    g_assert_cmpuint (frames->len, ==, 2);
    g_assert_cmpuint (((ScriptFrame *) frames->pdata[0])->envelope.id, ==, pending[2]->id);
    g_assert_cmpuint (((ScriptFrame *) frames->pdata[1])->envelope.id, ==, pending[3]->id);
  }
  deye_bus_session_cancel (f->session, pending[4], g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "no"));
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 9, 1048576);
  feed (f);
  {
    g_autoptr (GPtrArray) frames = take (f);

    g_assert_cmpuint (frames->len, ==, 0);
  }
  for (guint i = 0; i < 5; i++)
    deye_bus_pending_unref (pending[i]);
}

/* Who gave up waiting for credit is never sent later. */
static void
test_credit_given_up (Fixture *f, gconstpointer data)
{
  ScriptWelcome one = { .window_messages = 1 };
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = "events.a" };
  g_autoptr (DeyeBusPending) first = NULL;
  g_autoptr (DeyeBusPending) late = deye_bus_pending_new (DEYE_BUS_PENDING_SENT, START_US + 10);
  g_autoptr (DeyeBusPending) patient = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  ready (f, &one);
  first = publish (f, DEYE_BUS_PENDING_SENT, "events.a", 1);
  g_assert_true (deye_bus_session_call (f->session, &call, late, NULL));
  patient = publish (f, DEYE_BUS_PENDING_SENT, "events.b", 1);
  deye_bus_session_tick (f->session, START_US + 10);
  g_assert_error (late->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_nonnull (strstr (late->error->message, "try again later"));
  g_assert_cmpuint (deye_bus_session_n_waiting (f->session), ==, 1);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 10, 1048576);
  feed (f);
  g_assert_true (patient->done);
  frames = take (f);
  g_assert_cmpuint (frames->len, ==, 2);
  g_assert_cmpuint (((ScriptFrame *) frames->pdata[1])->envelope.id, ==, patient->id);
}

/* Calls that wait fill no memory: there is a bound to their number, and all may give up at once. */
static void
test_credit_waiting_calls (Fixture *f, gconstpointer data)
{
  ScriptWelcome one = { .window_messages = 1 };
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = "events.a" };
  g_autoptr (GError) error = NULL;
  guint n = 0;

  ready (f, &one);
  for (gboolean taken = TRUE; taken; n += taken ? 1 : 0)
    {
      g_autoptr (DeyeBusPending) pending = deye_bus_pending_new (DEYE_BUS_PENDING_SENT, START_US + 10);

      taken = deye_bus_session_call (f->session, &call, pending, &error);
    }
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_cmpuint (n, ==, 1 + 65536);
  deye_bus_session_tick (f->session, START_US + 10);
  g_assert_cmpuint (deye_bus_session_n_waiting (f->session), ==, 0);
  g_assert_cmpuint (deye_bus_session_n_pending (f->session), ==, 0);
  g_assert_true (deye_bus_session_call (f->session, &call, NULL, NULL));
}

/* ... and to their bytes. */
static void
test_credit_waiting_bytes (Fixture *f, gconstpointer data)
{
  ScriptWelcome one = { .window_messages = 1 };
  g_autofree guint8 *zeros = g_malloc0 (1048576);
  g_autoptr (GBytes) payload = g_bytes_new (zeros, 1048576);
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = "events.a", .payload = payload };
  g_autoptr (GError) error = NULL;
  guint n = 0;

  ready (f, &one);
  while (deye_bus_session_call (f->session, &call, NULL, &error))
    n++;
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_cmpuint (n, ==, 1 + 64);
}

/* The balance may go negative by one message, and classes are apart. */
static void
test_credit_in_bytes (Fixture *f, gconstpointer data)
{
  ScriptWelcome few = { .window_bytes = 100 };
  g_autoptr (DeyeBusPending) large = NULL;
  g_autoptr (DeyeBusPending) second = NULL;
  g_autoptr (DeyeBusPending) other = NULL;

  ready (f, &few);
  large = publish (f, DEYE_BUS_PENDING_SENT, "events.process.new", 100000);
  second = publish (f, DEYE_BUS_PENDING_SENT, "events.process.new", 1);
  other = publish (f, DEYE_BUS_PENDING_SENT, "results.procmond", 1);
  g_assert_true (large->done);
  g_assert_false (second->done);
  g_assert_true (other->done);
  {
    g_autoptr (GPtrArray) frames = take (f);

    g_assert_cmpuint (frames->len, ==, 2);
    g_assert_cmpuint (((ScriptFrame *) frames->pdata[0])->envelope.payload.len, ==, 100000);
  }
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 1000, 100200);
  feed (f);
  g_assert_true (second->done);
}

static void
test_too_large (Fixture *f, gconstpointer data)
{
  ScriptWelcome small = { .largest_payload = 1000 };
  g_autofree guint8 *zeros = g_malloc0 (1001);
  g_autoptr (GBytes) payload = g_bytes_new (zeros, 1001);
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = "events.a", .payload = payload };
  g_autoptr (GError) error = NULL;

  ready (f, &small);
  g_assert_false (deye_bus_session_call (f->session, &call, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_assert_nonnull (strstr (error->message, "limit 1000, value 1001, setting max_payload"));
}

static void
test_not_text (Fixture *f, gconstpointer data)
{
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = "events.\xff" };
  g_autoptr (GError) error = NULL;

  ready (f, NULL);
  g_assert_false (deye_bus_session_call (f->session, &call, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_BAD_TOPIC);
}

static void
test_acks (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) good = NULL;
  g_autoptr (DeyeBusPending) partly = NULL;
  g_autoptr (DeyeBusPending) full = NULL;

  ready (f, NULL);
  good = publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  partly = publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  full = publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  script_ack (f->in, good->id, 3, 3);
  script_ack (f->in, partly->id, 3, 1);
  script_ack (f->in, full->id, 2, 0);
  script_ack (f->in, 123456, 2, 0); /* nobody's */
  feed (f);
  g_assert_no_error (good->error);
  g_assert_cmpuint (good->result.sequence, ==, 77);
  g_assert_cmpuint (good->result.queued, ==, 3);
  g_assert_no_error (partly->error);
  g_assert_cmpuint (partly->result.refused, ==, 2);
  g_assert_error (full->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
}

/* Without a wish for an acknowledgement a refusal is an event; an answer that comes too late is nothing. */
static void
test_refused_unasked (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) unasked = NULL;
  g_autoptr (DeyeBusPending) given_up = NULL;

  ready (f, NULL);
  unasked = publish (f, DEYE_BUS_PENDING_SENT, "events.a", 1);
  given_up = publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  deye_bus_session_cancel (f->session, given_up, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "no"));
  script_error (f->in, unasked->id, WIRE_STATUS_DENIED);
  script_error (f->in, given_up->id, WIRE_STATUS_DENIED);
  feed (f);
  g_assert_cmpuint (count_events (f, DEYE_BUS_EVENT_REFUSED), ==, 1);
}

/* It tells of several messages: the application hears of it, whoever waits for an answer to the last one. */
static void
test_block_over (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) acknowledged = NULL;
  g_autoptr (DeyeBusPending) awaited = NULL;
  DeyeBusEvent event;

  ready (f, NULL);
  acknowledged = publish (f, DEYE_BUS_PENDING_ACK, "tasks.a", 1);
  awaited = publish (f, DEYE_BUS_PENDING_DELIVERED, "tasks.a", 1);
  script_ack (f->in, acknowledged->id, 1, 1);
  script_block_over (f->in, acknowledged->id, 3);
  feed (f);
  g_assert_no_error (acknowledged->error);
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_REFUSED);
  g_assert_error ((GError *) event.subject, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_nonnull (strstr (((GError *) event.subject)->message, "send important ones again"));
  g_assert_nonnull (strstr (((GError *) event.subject)->message, "value 3, setting longest_block_us"));
  deye_bus_session_clear_event (&event);
  script_block_over (f->in, awaited->id, 2);
  feed (f);
  g_assert_error (awaited->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_cmpuint (count_events (f, DEYE_BUS_EVENT_REFUSED), ==, 1);
}

static void
test_error_reply (Fixture *f, gconstpointer data)
{
  DeyeBusCall call = { .kind = WIRE_KIND_REQUEST, .topic = "control.collector.task.procmond" };
  g_autoptr (DeyeBusPending) pending = deye_bus_pending_new (DEYE_BUS_PENDING_REPLY, FAR_US);
  g_autofree char *name = NULL;
  WireEnvelope envelope;

  ready (f, NULL);
  g_assert_true (deye_bus_session_call (f->session, &call, pending, NULL));
  wire_envelope_init (&envelope);
  envelope.answers = pending->id;
  envelope.status = WIRE_STATUS_FAILED;
  envelope.error_name = wire_span_str ("org.example.NoDisk");
  envelope.detail = wire_span_str ("the disk is gone");
  script_frame (f->in, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope);
  feed (f);
  g_assert_error (pending->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_FAILED);
  name = deye_bus_error_get_name (pending->error);
  g_assert_cmpstr (name, ==, "org.example.NoDisk");
  g_assert_nonnull (strstr (pending->error->message, "the disk is gone"));
}

/* --- receiving --- */

static void
test_deliver (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *a, *b;
  DeyeBusEvent event;
  guint returned = 0;

  ready (f, NULL);
  a = subscribed (f, FALSE, 8, 1000);
  b = subscribed (f, FALSE, 1000, 100000);
  for (guint i = 0; i < 4; i++)
    script_deliver (f->in, a->id, b->id, i + 1, "events.process.new", "hello", 5);
  script_deliver (f->in, 99, 0, 5, "events.process.new", "unsubscribed", 12);
  feed (f);
  g_assert_cmpuint (f->events.count, ==, 8);
  for (guint i = 0; deye_bus_events_pop (&f->events, &event); i++)
    {
      g_autoptr (GPtrArray) frames = NULL;

      g_assert_true (event.subject == (i % 2 == 0 ? a : b));
      g_assert_cmpuint (deye_bus_message_get_sequence (event.message), ==, i / 2 + 1);
      deye_bus_session_handled (f->session, event.subject, event.message, TRUE);
      deye_bus_session_clear_event (&event);
      frames = take (f);
      returned += script_count (frames, WIRE_KIND_CREDIT);
      if (frames->len > 0)
        {
          const WireEnvelope *credit = &script_find (frames, WIRE_KIND_CREDIT)->envelope;

          g_assert_cmpuint (credit->subscription, ==, a->id);
          g_assert_cmpuint (credit->credit_messages, ==, 8 + 2 * returned);
          g_assert_cmpuint (credit->credit_bytes, ==, 1000 + 10 * returned);
        }
    }
  /* A quarter of eight, twice; the other one's window is wide. */
  g_assert_cmpuint (returned, ==, 2);
  deye_bus_channel_unref (a);
  deye_bus_channel_unref (b);
}

/* A broker that sends more than it may fills no memory. */
static void
test_overrun (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel;

  ready (f, NULL);
  channel = subscribed (f, FALSE, 3, 1000);
  for (guint i = 0; i < 4; i++)
    script_deliver (f->in, channel->id, 0, i + 1, "events.a", "x", 1);
  feed (f);
  g_assert_error ((GError *) deye_bus_session_reason (f->session), DEYE_BUS_ERROR, DEYE_BUS_ERROR_PROTOCOL);
  g_assert_cmpuint (count_events (f, DEYE_BUS_EVENT_MESSAGE), ==, 3);
  deye_bus_channel_unref (channel);
}

static void
test_large_message (Fixture *f, gconstpointer data)
{
  gsize len = 300000;
  g_autofree guint8 *bytes = g_malloc (len);
  DeyeBusChannel *channel;
  DeyeBusEvent event;
  gsize got_len, at = 0;

  for (gsize i = 0; i < len; i++)
    bytes[i] = (guint8) (i * 7);
  ready (f, NULL);
  channel = subscribed (f, FALSE, 8, 1000000);
  script_deliver (f->in, channel->id, 0, 1, "events.a", bytes, len);
  /* As the pump does: what comes first through the buffer, the rest to its place. */
  deye_bus_session_received (f->session, f->in->data, 5000, START_US);
  at = 5000;
  while (at < f->in->len)
    {
      guint8 *where = NULL;
      gsize room = deye_bus_session_place (f->session, &where);
      gsize n = MIN (f->in->len - at, 10000);

      if (room == 0)
        deye_bus_session_received (f->session, f->in->data + at, n, START_US);
      else
        {
          n = MIN (n, room);
          memcpy (where, f->in->data + at, n);
          deye_bus_session_placed (f->session, n, START_US);
        }
      at += n;
    }
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpmem (deye_bus_message_get_data (event.message, &got_len), got_len, bytes, len);
  g_assert_cmpstr (deye_bus_message_get_topic (event.message), ==, "events.a");
  deye_bus_session_clear_event (&event);
  deye_bus_channel_unref (channel);
}

static void
test_gap (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel;
  DeyeBusEvent event;

  ready (f, NULL);
  channel = subscribed (f, FALSE, 8, 1000);
  script_deliver (f->in, channel->id, 0, 1, "events.a", "x", 1);
  script_gap (f->in, channel->id, 2, 9, 8);
  script_deliver (f->in, channel->id, 0, 10, "events.a", "x", 1);
  feed (f);
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_MESSAGE);
  deye_bus_session_clear_event (&event);
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_GAP);
  g_assert_cmpuint (event.gap->from, ==, 2);
  g_assert_cmpuint (event.gap->to, ==, 9);
  g_assert_cmpuint (event.gap->count, ==, 8);
  deye_bus_session_clear_event (&event);
  g_assert_cmpuint (count_events (f, DEYE_BUS_EVENT_MESSAGE), ==, 1);
  deye_bus_channel_unref (channel);
}

static void
assert_gap (Fixture *f, guint64 from, guint64 to, guint64 count, guint32 reason)
{
  DeyeBusEvent event;

  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_GAP);
  g_assert_cmpuint (event.gap->from, ==, from);
  g_assert_cmpuint (event.gap->to, ==, to);
  g_assert_cmpuint (event.gap->count, ==, count);
  g_assert_cmpuint (event.gap->reason, ==, reason);
  deye_bus_session_clear_event (&event);
}

static void
assert_message (Fixture *f)
{
  DeyeBusEvent event;

  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_MESSAGE);
  deye_bus_session_clear_event (&event);
}

/* Between two messages of a subscription there is one gap for each reason, whatever else comes in between. */
static void
test_gaps_grow (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel, *other;

  ready (f, NULL);
  channel = subscribed (f, FALSE, 8, 1000);
  other = subscribed (f, FALSE, 8, 1000);
  script_gap (f->in, channel->id, 2, 9, 8);
  script_gap (f->in, other->id, 2, 2, 1);
  script_gap_for (f->in, channel->id, 10, 10, 1, WIRE_STATUS_EXPIRED);
  script_deliver (f->in, other->id, 0, 11, "events.a", "x", 1);
  script_gap (f->in, channel->id, 11, 19, 2);
  script_gap (f->in, channel->id, 1, 1, 1); /* on another lane */
  script_gap (f->in, other->id, 12, 12, 1);
  script_deliver (f->in, channel->id, 0, 20, "events.a", "x", 1);
  script_gap (f->in, channel->id, 21, 21, 1);
  feed (f);
  assert_gap (f, 1, 19, 11, WIRE_STATUS_SLOW_CONSUMER);
  assert_gap (f, 2, 2, 1, WIRE_STATUS_SLOW_CONSUMER);
  assert_gap (f, 10, 10, 1, WIRE_STATUS_EXPIRED);
  assert_message (f);
  assert_gap (f, 12, 12, 1, WIRE_STATUS_SLOW_CONSUMER);
  assert_message (f);
  assert_gap (f, 21, 21, 1, WIRE_STATUS_SLOW_CONSUMER);
  /* What was told does not grow. */
  script_gap (f->in, channel->id, 22, 22, 1);
  feed (f);
  assert_gap (f, 22, 22, 1, WIRE_STATUS_SLOW_CONSUMER);
  g_assert_cmpuint (deye_bus_session_counts (f->session)->missed, ==, 16);
  deye_bus_channel_unref (channel);
  deye_bus_channel_unref (other);
}

static void
assert_credit (Fixture *f, const DeyeBusChannel *channel, guint64 messages)
{
  g_autoptr (GPtrArray) frames = take (f);

  g_assert_cmpuint (frames->len, ==, messages > 0 ? 1 : 0);
  if (messages == 0)
    return;
  g_assert_cmpuint (script_find (frames, WIRE_KIND_CREDIT)->envelope.subscription, ==, channel->id);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_CREDIT)->envelope.credit_messages, ==, messages);
}

static void
handle_one (Fixture *f)
{
  DeyeBusEvent event;

  g_assert_true (deye_bus_events_pop (&f->events, &event));
  deye_bus_session_handled (f->session, event.subject, event.message, TRUE);
  deye_bus_session_clear_event (&event);
}

/* Under block credit goes back when nothing is left; a quarter of the window is enough for the others. */
static void
test_block_returns_credit (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel;

  ready (f, NULL);
  channel = subscribed (f, FALSE, 100, 10000);
  for (guint i = 0; i < 5; i++)
    script_deliver (f->in, channel->id, 0, i + 1, "events.a", "hello", 5);
  feed (f);
  handle_one (f);
  handle_one (f);
  assert_credit (f, channel, 0);
  channel->policy = DEYE_BUS_POLICY_BLOCK;
  handle_one (f);
  assert_credit (f, channel, 0);
  deye_bus_session_return_credit (f->session, channel);
  assert_credit (f, channel, 103);
  deye_bus_session_return_credit (f->session, channel);
  assert_credit (f, channel, 0);
  handle_one (f);
  handle_one (f);
  assert_credit (f, channel, 105);
  channel->policy = DEYE_BUS_POLICY_CONFLATE;
  script_deliver (f->in, channel->id, 0, 6, "events.a", "hello", 5);
  feed (f);
  handle_one (f);
  deye_bus_session_return_credit (f->session, channel);
  assert_credit (f, channel, 0);
  deye_bus_channel_unref (channel);
}

/* Whatever the policy: others of its group may have changed it. */
static void
test_credit_goes_back_in_time (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel, *idle;
  gint64 due_us;

  ready (f, NULL);
  channel = subscribed (f, FALSE, 100, 10000);
  idle = subscribed (f, FALSE, 100, 10000);
  for (guint i = 0; i < 3; i++)
    script_deliver (f->in, channel->id, 0, i + 1, "events.a", "hello", 5);
  feed (f);
  handle_one (f);
  handle_one (f);
  /* Nobody knows what time it is before tick() told. */
  g_assert_cmpint (deye_bus_session_next_us (f->session), <=, START_US);
  deye_bus_session_tick (f->session, START_US);
  due_us = deye_bus_session_next_us (f->session);
  g_assert_cmpint (due_us, >, START_US);
  g_assert_cmpint (due_us, <=, START_US + G_TIME_SPAN_SECOND);
  deye_bus_session_tick (f->session, due_us - 1);
  assert_credit (f, channel, 0);
  deye_bus_session_tick (f->session, due_us);
  assert_credit (f, channel, 102);
  g_assert_cmpint (deye_bus_session_next_us (f->session), >, due_us);
  handle_one (f);
  deye_bus_session_close (f->session);
  g_assert_cmpint (deye_bus_session_next_us (f->session), ==, G_MAXINT64);
  deye_bus_channel_unref (channel);
  deye_bus_channel_unref (idle);
}

/* DELIVERED goes out once, after the last callback. */
static void
test_delivered (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *a, *b;
  DeyeBusEvent event;
  guint32 ids[2];
  guint8 packed[10];
  WireEnvelope envelope;

  ready (f, NULL);
  a = subscribed (f, FALSE, 100, 10000);
  b = subscribed (f, FALSE, 100, 10000);
  ids[0] = a->id;
  ids[1] = b->id;
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("events.a");
  envelope.route_id = 55;
  envelope.subscriptions = wire_span (packed, wire_envelope_pack_u32 (ids, 2, packed));
  script_frame (f->in, WIRE_KIND_DELIVER, WIRE_FLAG_WANT_DELIVERED, &envelope);
  feed (f);
  for (guint i = 0; deye_bus_events_pop (&f->events, &event); i++)
    {
      g_autoptr (GPtrArray) frames = NULL;

      deye_bus_session_handled (f->session, event.subject, event.message, i == 0);
      deye_bus_session_clear_event (&event);
      frames = take (f);
      g_assert_cmpuint (frames->len, ==, i);
      if (i == 1)
        g_assert_cmpuint (script_find (frames, WIRE_KIND_DELIVERED)->envelope.route, ==, 55);
    }
  deye_bus_channel_unref (a);
  deye_bus_channel_unref (b);
}

/* What we serve: answered once, withdrawn by CANCEL, given back when nobody is there for it. */
static void
test_served_requests (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel;
  DeyeBusEvent event;
  WireEnvelope cancel;

  ready (f, NULL);
  channel = subscribed (f, FALSE, 100, 10000);
  script_request (f->in, channel->id, 500, "control.collector.tester", "Ping", "p");
  script_request (f->in, 98, 504, "control.collector.tester", "Ping", "p");
  feed (f);
  {
    g_autoptr (GPtrArray) frames = take (f);

    g_assert_cmpuint (frames->len, ==, 1);
    g_assert_cmpuint (script_find (frames, WIRE_KIND_CANCEL)->envelope.route, ==, 504);
  }
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpstr (deye_bus_message_get_method (event.message), ==, "Ping");
  g_assert_cmpint (deye_bus_message_get_remaining (event.message), ==, 1000000);
  g_assert_true (deye_bus_session_is_open (f->session, event.message));
  /* What it takes to answer is the asker's to say. */
  {
    g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
    DeyeBusCall call
        = { .kind = WIRE_KIND_REPLY, .topic = "control.collector.tester", .route = 500, .options = options };
    g_autoptr (GPtrArray) frames = NULL;

    deye_bus_options_set_ttl (options, 1000);
    g_assert_true (deye_bus_session_call (f->session, &call, NULL, NULL));
    frames = take (f);
    g_assert_cmpuint (script_find (frames, WIRE_KIND_REPLY)->envelope.ttl_us, ==, 0);
  }
  wire_envelope_init (&cancel);
  cancel.route_id = 500;
  script_frame (f->in, WIRE_KIND_CANCEL, 0, &cancel);
  feed (f);
  g_assert_false (deye_bus_session_is_open (f->session, event.message));
  deye_bus_session_clear_event (&event);
  deye_bus_channel_unref (channel);
}

/* Told after a new connection was made: nothing of the old one goes out on the new one. */
static void
test_told_after_reconnect (Fixture *f, gconstpointer data)
{
  DeyeBusHello again = { "tester", "procmond", 1, 100, "0.1", 0, 0 };
  DeyeBusPending *pending = deye_bus_pending_new (DEYE_BUS_PENDING_HELLO, FAR_US);
  DeyeBusChannel *channel;
  DeyeBusEvent event;

  ready (f, NULL);
  channel = subscribed (f, FALSE, 1, 100);
  script_request (f->in, channel->id, 500, "control.collector.tester", "Ping", "p");
  feed (f);
  deye_bus_session_free (f->session);
  f->session = deye_bus_session_new (&again, &f->events, pending);
  ready (f, NULL);
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_MESSAGE);
  g_assert_false (deye_bus_session_is_open (f->session, event.message));
  deye_bus_session_handled (f->session, event.subject, event.message, TRUE);
  deye_bus_session_clear_event (&event);
  g_assert_cmpuint (deye_bus_outbuf_bytes (deye_bus_session_out (f->session)), ==, 0);
  deye_bus_channel_unref (channel);
  deye_bus_pending_unref (pending);
}

static void
test_ping (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  WireEnvelope ping;

  ready (f, NULL);
  wire_envelope_init (&ping);
  ping.id = 31;
  script_frame (f->in, WIRE_KIND_PING, 0, &ping);
  feed (f);
  frames = take (f);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_PONG)->envelope.id, ==, 31);
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

  ready (f, &one);
  sent = publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  waiting = publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  script_goodbye (f->in, WIRE_STATUS_SHUTTING_DOWN, "bye");
  script_ack (f->in, sent->id, 1, 1); /* after the last frame: not looked at */
  feed (f);
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

  ready (f, NULL);
  channel = subscribed (f, TRUE, 10, 1000);
  sent = publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  script_deliver (f->in, channel->id, 0, 1, "events.a", "x", 1);
  feed (f);
  deye_bus_session_lost (f->session, "end of stream");
  g_assert_error (sent->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
  g_assert_true (channel->cut);
  /* What had arrived is still there. */
  g_assert_cmpuint (channel->inbox.length, ==, 1);
  deye_bus_channel_unref (channel);
}

/* An ERROR about the connection, then the end: the error is the reason. */
static void
test_error_then_end (Fixture *f, gconstpointer data)
{
  ready (f, NULL);
  script_error (f->in, 0, WIRE_STATUS_CREDIT_EXCEEDED);
  feed (f);
  deye_bus_session_lost (f->session, "end of stream");
  g_assert_nonnull (strstr (deye_bus_session_reason (f->session)->message, "as scripted"));
}

static void
test_close (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  ready (f, NULL);
  pending = publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  deye_bus_session_close (f->session);
  g_assert_error (pending->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  frames = take (f);
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

  ready (f, &one);
  g_assert_true (deye_bus_session_call (f->session, &call, request, NULL));
  sent = publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  waiting = publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
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
  frames = take (f);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_CANCEL)->envelope.id, ==, request->id);
}

static void
test_handshake_timeout (Fixture *f, gconstpointer data)
{
  deye_bus_session_tick (f->session, FAR_US);
  g_assert_error (f->hello->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
}

/* --- a hostile broker --- */

/* One of everything. Ids are what run_transcript() makes. */
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
tell_all (Fixture *f)
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

/* Feeds @bytes in pieces of @step to a session that has one of every call on the way. */
static void
run_transcript (const guint8 *bytes, gsize len, gsize step)
{
  static const DeyeBusPendingKind kinds[]
      = { DEYE_BUS_PENDING_REPLY, DEYE_BUS_PENDING_ACK,       DEYE_BUS_PENDING_SENT,
          DEYE_BUS_PENDING_REPLY, DEYE_BUS_PENDING_DELIVERED, DEYE_BUS_PENDING_REPLY };
  Fixture f;
  DeyeBusChannel *channel;
  gboolean called = FALSE;

  setup (&f, NULL);
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
      tell_all (&f);
    }
  deye_bus_session_lost (f.session, "end of stream");
  tell_all (&f);
  deye_bus_channel_unref (channel);
  teardown (&f, NULL);
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

/* GAPs cost the broker nothing, so they grow instead of becoming more. */
static void
test_hostile_gaps (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel;

  ready (f, NULL);
  channel = subscribed (f, FALSE, 8, 1000);
  script_gap (f->in, channel->id, 2, 9, 8);
  for (guint i = 0; i < 70000; i++)
    deye_bus_session_received (f->session, f->in->data, f->in->len, START_US);
  g_assert_cmpuint (f->events.count, ==, 1);
  g_assert_cmpint (deye_bus_session_state (f->session), ==, DEYE_BUS_SESSION_READY);
  g_byte_array_set_size (f->in, 0);
  for (guint i = 0; i < 100; i++)
    script_gap_for (f->in, channel->id, 2, 9, 8, 100 + i);
  feed (f);
  g_assert_cmpint (deye_bus_session_state (f->session), ==, DEYE_BUS_SESSION_ENDED);
  g_assert_cmpuint (f->events.count, <, 20);
  deye_bus_channel_unref (channel);
}

#define ADD(path, function) g_test_add ("/client/session/" path, Fixture, NULL, setup, function, teardown)

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
  ADD ("credit/stop-and-go", test_credit_stop_and_go);
  ADD ("credit/bytes", test_credit_in_bytes);
  ADD ("credit/M08-given-up-is-never-sent", test_credit_given_up);
  ADD ("credit/M08-waiting-calls-are-bounded", test_credit_waiting_calls);
  ADD ("credit/M08-waiting-bytes-are-bounded", test_credit_waiting_bytes);
  ADD ("credit/M08-block-returns-it-at-the-end", test_block_returns_credit);
  ADD ("credit/M08-goes-back-in-time", test_credit_goes_back_in_time);
  ADD ("too-large", test_too_large);
  ADD ("not-text", test_not_text);
  ADD ("acks", test_acks);
  ADD ("refused-unasked", test_refused_unasked);
  ADD ("M08-block-over", test_block_over);
  ADD ("error-reply", test_error_reply);
  ADD ("deliver", test_deliver);
  ADD ("overrun", test_overrun);
  ADD ("large-message", test_large_message);
  ADD ("gap", test_gap);
  ADD ("M08-gaps-grow", test_gaps_grow);
  ADD ("delivered", test_delivered);
  ADD ("served-requests", test_served_requests);
  ADD ("told-after-reconnect", test_told_after_reconnect);
  ADD ("ping", test_ping);
  ADD ("K10-retry-hint", test_retry_hint);
  ADD ("K10-retry-hint-too-large", test_retry_hint_too_large);
  ADD ("goodbye", test_goodbye);
  ADD ("lost", test_lost);
  ADD ("error-then-end", test_error_then_end);
  ADD ("close", test_close);
  ADD ("deadlines", test_deadlines);
  ADD ("handshake-timeout", test_handshake_timeout);
  ADD ("hostile/gaps", test_hostile_gaps);
  g_test_add_func ("/client/session/hostile/splits", test_hostile_splits);
  g_test_add_func ("/client/session/hostile/truncated", test_hostile_truncated);
  g_test_add_func ("/client/session/hostile/bit-flips", test_hostile_bit_flips);
  status = g_test_run ();
  test_watchdog_stop ();
  return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-republish.h"

#include "deye-bus.h"
#include "script.h"
#include "session/deye-bus-retained.h"
#include "session/deye-bus-session-restore.h"
#include "session/deye-bus-session.h"
#include "wire-feature.h"
#include "wire-frame.h"

/* A session over several connections: its retained messages are published again. There is no socket. */

#define FAR_US (g_get_monotonic_time () + 30 * G_TIME_SPAN_SECOND)

typedef struct
{
  DeyeBusEvents events;
  DeyeBusPending *hello;
  DeyeBusPending *whole;
  DeyeBusSession *session;
  guint64 connections;
  GByteArray *in;  /* scripted, not fed yet */
  GByteArray *out; /* sent by the client, not checked yet */
} RepublishFixture;

static void
feed (RepublishFixture *f)
{
  deye_bus_session_received (f->session, f->in->data, f->in->len, 0);
  g_byte_array_set_size (f->in, 0);
}

static GPtrArray *
take (RepublishFixture *f)
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

/* Makes the next connection, up to the step before the republish. The session is held back there. */
static void
next_connection (RepublishFixture *f, guint64 epoch, guint64 features, guint64 window_messages)
{
  const ScriptWelcome welcome = { .epoch = epoch, .features = features, .window_messages = window_messages };
  DeyeBusHello hello = { "tester", "procmond", 1, 99, "0.1", ++f->connections, 0, WIRE_FEATURES_KNOWN };
  g_autoptr (GPtrArray) frames = NULL;

  g_clear_pointer (&f->hello, deye_bus_pending_unref);
  f->hello = deye_bus_pending_new (DEYE_BUS_PENDING_HELLO, FAR_US);
  if (f->session == NULL)
    f->session = deye_bus_session_new (&hello, &f->events, f->hello);
  else
    {
      deye_bus_session_lost (f->session, "the test");
      deye_bus_session_reopen (f->session, &hello, f->hello);
    }
  deye_bus_session_hold (f->session);
  deye_bus_session_set_keeps (f->session, TRUE);
  script_welcome (f->in, &welcome);
  feed (f);
  frames = take (f);
  g_assert_cmpint (deye_bus_session_state (f->session), ==, DEYE_BUS_SESSION_READY);
}

static gboolean
republish (RepublishFixture *f)
{
  g_clear_pointer (&f->whole, deye_bus_pending_unref);
  f->whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);
  return deye_bus_session_republish (f->session, f->whole, g_get_monotonic_time ());
}

static void
set_up (RepublishFixture *f, gconstpointer data)
{
  deye_bus_events_init (&f->events, deye_bus_session_clear_event);
  f->in = g_byte_array_new ();
  f->out = g_byte_array_new ();
  next_connection (f, 1, WIRE_FEATURE_RETAIN, 0);
  g_assert_false (republish (f));
  deye_bus_session_release (f->session, 1000000);
}

static void
tear_down (RepublishFixture *f, gconstpointer data)
{
  deye_bus_session_free (f->session);
  deye_bus_events_clear (&f->events);
  deye_bus_pending_unref (f->hello);
  deye_bus_pending_unref (f->whole);
  g_byte_array_unref (f->in);
  g_byte_array_unref (f->out);
}

static gboolean
publish (RepublishFixture *f, const char *topic, const char *text, DeyeBusRetain retain, DeyeBusPending *pending)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GBytes) payload = g_bytes_new (text, strlen (text));
  const DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = topic, .payload = payload, .options = options };

  deye_bus_options_set_retain (options, retain);
  return deye_bus_session_call (f->session, &call, pending, NULL);
}

/* Publishes, and takes the frame. Returns its id. */
static guint64
published (RepublishFixture *f, const char *topic, const char *text, DeyeBusRetain retain)
{
  g_autoptr (GPtrArray) frames = NULL;

  g_assert_true (publish (f, topic, text, retain, NULL));
  frames = take (f);
  g_assert_cmpuint (frames->len, ==, 1);
  return ((ScriptFrame *) frames->pdata[0])->envelope.id;
}

static const WireEnvelope *
assert_value (GPtrArray *frames, guint i, const char *topic, const char *text)
{
  const ScriptFrame *frame = frames->pdata[i];

  g_assert_cmpuint (frame->kind, ==, WIRE_KIND_PUBLISH);
  g_assert_cmpuint (frame->flags, ==, WIRE_FLAG_RETAIN | WIRE_FLAG_WANT_ACK);
  g_assert_true (wire_span_equal (frame->envelope.topic, wire_span_str (topic)));
  g_assert_true (wire_span_equal (frame->envelope.payload, wire_span_str (text)));
  return &frame->envelope;
}

static guint
count_refused (RepublishFixture *f)
{
  guint n = f->events.refused;

  deye_bus_events_clear (&f->events);
  deye_bus_events_init (&f->events, deye_bus_session_clear_event);
  return n;
}

/* --- tests --- */

/* A new epoch: the last value of each topic is sent, in the order of publishing; the step ends with the last answer. The next
 * connection to the same broker needs only values that ended with the connection. */
static void
test_new_epoch (RepublishFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GPtrArray) again = NULL;

  published (f, "health.a", "old", DEYE_BUS_RETAIN_LAST);
  published (f, "health.b", "b", DEYE_BUS_RETAIN_CONNECTED);
  published (f, "health.a", "new", DEYE_BUS_RETAIN_LAST);
  published (f, "health.c", "live", DEYE_BUS_RETAIN_NONE);
  published (f, "health.d", "d", DEYE_BUS_RETAIN_LAST);
  published (f, "health.d", "", DEYE_BUS_RETAIN_LAST);
  next_connection (f, 2, WIRE_FEATURE_RETAIN, 0);
  g_assert_true (republish (f));
  frames = take (f);
  g_assert_cmpuint (frames->len, ==, 2);
  g_assert_cmpuint (assert_value (frames, 0, "health.b", "b")->delivery, ==, WIRE_DELIVERY_RETAIN_CONNECTED);
  g_assert_cmpuint (assert_value (frames, 1, "health.a", "new")->delivery, ==, 0);
  script_ack (f->in, assert_value (frames, 0, "health.b", "b")->id, 0, 0);
  feed (f);
  g_assert_false (f->whole->done);
  script_ack (f->in, assert_value (frames, 1, "health.a", "new")->id, 0, 0);
  feed (f);
  g_assert_true (f->whole->done);
  g_assert_no_error (f->whole->error);
  g_assert_cmpuint (f->events.count, ==, 0);
  next_connection (f, 2, WIRE_FEATURE_RETAIN, 0);
  g_assert_true (republish (f));
  again = take (f);
  g_assert_cmpuint (again->len, ==, 1);
  assert_value (again, 0, "health.b", "b");
}

/* The same epoch: only values that ended with the connection are sent. */
static void
test_same_epoch (RepublishFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  published (f, "health.a", "a", DEYE_BUS_RETAIN_LAST);
  next_connection (f, 1, WIRE_FEATURE_RETAIN, 0);
  g_assert_false (republish (f));
  deye_bus_session_release (f->session, 1000000);
  published (f, "health.b", "b", DEYE_BUS_RETAIN_CONNECTED);
  next_connection (f, 1, WIRE_FEATURE_RETAIN, 0);
  g_assert_true (republish (f));
  frames = take (f);
  g_assert_cmpuint (frames->len, ==, 1);
  assert_value (frames, 0, "health.b", "b");
}

/* The connection ends before all values are answered: the next one gets all again, also with the same epoch. */
static void
test_interrupted (RepublishFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;

  published (f, "health.a", "a", DEYE_BUS_RETAIN_LAST);
  published (f, "health.b", "b", DEYE_BUS_RETAIN_LAST);
  next_connection (f, 2, WIRE_FEATURE_RETAIN, 0);
  g_assert_true (republish (f));
  first = take (f);
  script_ack (f->in, assert_value (first, 0, "health.a", "a")->id, 0, 0);
  feed (f);
  next_connection (f, 2, WIRE_FEATURE_RETAIN, 0);
  g_assert_true (f->whole->done);
  g_assert_nonnull (f->whole->error);
  g_assert_true (republish (f));
  second = take (f);
  g_assert_cmpuint (second->len, ==, 2);
}

/* A broker without the feature gets no values; a later broker with it gets all. */
static void
test_without_the_feature (RepublishFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  published (f, "health.a", "a", DEYE_BUS_RETAIN_LAST);
  next_connection (f, 2, 0, 0);
  g_assert_false (republish (f));
  deye_bus_session_release (f->session, 1000000);
  g_assert_false (publish (f, "health.a", "b", DEYE_BUS_RETAIN_LAST, NULL));
  next_connection (f, 3, WIRE_FEATURE_RETAIN, 0);
  g_assert_true (republish (f));
  frames = take (f);
  g_assert_cmpuint (frames->len, ==, 1);
  assert_value (frames, 0, "health.a", "a");
}

/* Values are sent as far as the credit allows, and the others when credit returns. */
static void
test_credit (RepublishFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.n%u", i);

      published (f, topic, "x", DEYE_BUS_RETAIN_LAST);
    }
  next_connection (f, 2, WIRE_FEATURE_RETAIN, 2);
  g_assert_true (republish (f));
  first = take (f);
  g_assert_cmpuint (first->len, ==, 2);
  for (guint i = 0; i < 2; i++)
    script_ack (f->in, ((ScriptFrame *) first->pdata[i])->envelope.id, 0, 0);
  feed (f);
  g_assert_false (f->whole->done);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 4, 2 << 20);
  feed (f);
  second = take (f);
  g_assert_cmpuint (second->len, ==, 1);
  script_ack (f->in, assert_value (second, 0, "events.n2", "x")->id, 0, 0);
  feed (f);
  g_assert_true (f->whole->done);
}

/* A refused value is reported and forgotten; a value for which no receiver had room is kept and not reported. */
static void
test_refused (RepublishFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;

  published (f, "health.a", "a", DEYE_BUS_RETAIN_LAST);
  published (f, "health.b", "b", DEYE_BUS_RETAIN_LAST);
  next_connection (f, 2, WIRE_FEATURE_RETAIN, 0);
  g_assert_true (republish (f));
  first = take (f);
  g_assert_cmpuint (first->len, ==, 2);
  script_error (f->in, assert_value (first, 0, "health.a", "a")->id, WIRE_STATUS_LIMIT);
  script_ack (f->in, assert_value (first, 1, "health.b", "b")->id, 1, 0);
  feed (f);
  g_assert_true (f->whole->done);
  g_assert_no_error (f->whole->error);
  g_assert_cmpuint (count_refused (f), ==, 1);
  next_connection (f, 3, WIRE_FEATURE_RETAIN, 0);
  g_assert_true (republish (f));
  second = take (f);
  g_assert_cmpuint (second->len, ==, 1);
  assert_value (second, 0, "health.b", "b");
}

/* The broker refused the program's publish, for which no call waits: the value is forgotten. */
static void
test_never_retained (RepublishFixture *f, gconstpointer data)
{
  script_error (f->in, published (f, "health.a", "a", DEYE_BUS_RETAIN_LAST), WIRE_STATUS_DENIED);
  feed (f);
  g_assert_cmpuint (count_refused (f), ==, 1);
  next_connection (f, 2, WIRE_FEATURE_RETAIN, 0);
  g_assert_false (republish (f));
}

/* A value is kept when receivers dropped it after they blocked for too long. */
static void
test_dropped_after_a_block (RepublishFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) pending = deye_bus_pending_new (DEYE_BUS_PENDING_ACK, FAR_US);

  g_assert_true (publish (f, "health.a", "a", DEYE_BUS_RETAIN_LAST, pending));
  script_block_over (f->in, pending->id, 1);
  feed (f);
  g_assert_cmpuint (count_refused (f), ==, 1);
  next_connection (f, 2, WIRE_FEATURE_RETAIN, 0);
  g_assert_true (republish (f));
}

/* A publish that waits for credit becomes a kept value when it is sent, so it is not kept if the connection ends before. */
static void
test_waits_for_credit (RepublishFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) sent = NULL;
  g_autoptr (GPtrArray) first = NULL;

  next_connection (f, 1, WIRE_FEATURE_RETAIN, 1);
  g_assert_false (republish (f));
  deye_bus_session_release (f->session, 1000000);
  published (f, "events.a", "1", DEYE_BUS_RETAIN_LAST);
  g_assert_true (publish (f, "events.a", "2", DEYE_BUS_RETAIN_LAST, NULL));
  g_assert_true (publish (f, "events.a", "3", DEYE_BUS_RETAIN_LAST, NULL));
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 2, 2 << 20);
  feed (f);
  sent = take (f);
  g_assert_cmpuint (sent->len, ==, 1);
  next_connection (f, 2, WIRE_FEATURE_RETAIN, 0);
  g_assert_true (republish (f));
  first = take (f);
  g_assert_cmpuint (first->len, ==, 1);
  assert_value (first, 0, "events.a", "2");
}

/* Values beyond the bounds are reported to the application, once. */
static void
test_forgotten (RepublishFixture *f, gconstpointer data)
{
  for (guint i = 0; i < DEYE_BUS_RETAINED_MAX_VALUES / 2; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.n%u", i);

      published (f, topic, "x", DEYE_BUS_RETAIN_LAST);
    }
  next_connection (f, 1, WIRE_FEATURE_RETAIN, DEYE_BUS_RETAINED_MAX_VALUES);
  g_assert_false (republish (f));
  deye_bus_session_release (f->session, 1000000);
  for (guint i = 0; i <= DEYE_BUS_RETAINED_MAX_VALUES / 2; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.m%u", i);

      published (f, topic, "x", DEYE_BUS_RETAIN_LAST);
    }
  next_connection (f, 2, WIRE_FEATURE_RETAIN, 1);
  g_assert_true (republish (f));
  g_assert_cmpuint (count_refused (f), ==, 1);
  next_connection (f, 3, WIRE_FEATURE_RETAIN, 1);
  g_assert_true (republish (f));
  g_assert_cmpuint (count_refused (f), ==, 0);
}

/* An ERROR with the number of the republish itself, which the broker never got, has no effect. */
static void
test_answered (RepublishFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  published (f, "health.a", "a", DEYE_BUS_RETAIN_LAST);
  next_connection (f, 2, WIRE_FEATURE_RETAIN, 0);
  g_assert_true (republish (f));
  frames = take (f);
  script_error (f->in, f->whole->id, WIRE_STATUS_LIMIT);
  feed (f);
  g_assert_false (f->whole->done);
  script_ack (f->in, assert_value (frames, 0, "health.a", "a")->id, 0, 0);
  feed (f);
  g_assert_true (f->whole->done);
  g_assert_no_error (f->whole->error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define REPUBLISH_TEST(name, function)                                                                                 \
  g_test_add ("/client/republish/" name, RepublishFixture, NULL, set_up, function, tear_down)
  REPUBLISH_TEST ("M16-new-epoch", test_new_epoch);
  REPUBLISH_TEST ("M16-same-epoch", test_same_epoch);
  REPUBLISH_TEST ("M16-interrupted", test_interrupted);
  REPUBLISH_TEST ("without-the-feature", test_without_the_feature);
  REPUBLISH_TEST ("credit", test_credit);
  REPUBLISH_TEST ("refused", test_refused);
  REPUBLISH_TEST ("never-retained", test_never_retained);
  REPUBLISH_TEST ("dropped-after-a-block", test_dropped_after_a_block);
  REPUBLISH_TEST ("waits-for-credit", test_waits_for_credit);
  REPUBLISH_TEST ("forgotten", test_forgotten);
  REPUBLISH_TEST ("answered", test_answered);
  return g_test_run ();
}

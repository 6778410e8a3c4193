/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/peer-fixture.h"

/* One connection: its states, its charges, the frames that it is sent, and its end. */

static void
test_charges (Peers *f, gconstpointer data)
{
  BusPeer *first = peers_connect (f, 1000, FALSE);
  BusPeer *second = peers_connect (f, 1000, FALSE);

  g_assert_true (first->account == second->account);
  g_assert_cmpuint (first->ledger.usage.charged, ==, BUS_PEER_COST);
  g_assert_cmpuint (first->account->usage.charged, ==, 2 * BUS_PEER_COST);
  g_assert_cmpuint (f->core->quota.memory, ==, 2 * BUS_PEER_COST);
  g_assert_cmpuint (f->core->strangers.length, ==, 2);
  peers_disconnect (f, first);
  g_assert_cmpuint (second->account->usage.charged, ==, BUS_PEER_COST);
  g_assert_cmpuint (f->core->strangers.length, ==, 1);
  g_assert_cmpuint (f->core->peers.length, ==, 1);
}

/* A connection has a timer until it sends HELLO. */
static void
test_hello_timer (Peers *f, gconstpointer data)
{
  BusPeer *silent = peers_connect (f, 1000, FALSE);
  gint64 due_us = f->core->now_us + (gint64) f->core->limits.hello_timeout_us;
  BusPeer *ready = peers_ready (f, "one", 1000);
  BusDeadline *due;

  g_assert_cmpint (bus_deadline_set_next_us (&f->core->deadlines), ==, due_us);
  g_assert_null (bus_deadline_set_pop_due (&f->core->deadlines, due_us - 1));
  due = bus_deadline_set_pop_due (&f->core->deadlines, due_us);
  g_assert_true (due == &silent->timer.deadline);
  g_assert_cmpint (silent->timer.kind, ==, BUS_TIMER_HELLO);
  g_assert_false (bus_deadline_is_armed (&ready->timer.deadline));
  g_assert_cmpint (bus_deadline_set_next_us (&f->core->deadlines), ==, G_MAXINT64);
}

static void
test_states (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_connect (f, 1000, FALSE);

  g_assert_false (bus_peer_is_ready (peer));
  g_assert_cmpuint (f->core->strangers.length, ==, 1);
  g_assert_true (bus_peer_on (peer, BUS_PEER_ON_DEFER));
  g_assert_cmpuint (f->core->strangers.length, ==, 0);
  g_assert_false (bus_peer_is_ready (peer));
  g_assert_true (bus_peer_on (peer, BUS_PEER_ON_ACCEPT));
  g_assert_true (bus_peer_is_ready (peer));
  g_assert_cmpuint (f->core->strangers.length, ==, 0);
  g_assert_true (bus_peer_on (peer, BUS_PEER_ON_CLOSE));
  g_assert_cmpuint (f->core->strangers.length, ==, 0);
  g_assert_cmpuint (f->core->ignored, ==, 0);
  bus_peer_close (peer, WIRE_STATUS_OK, NULL); /* no effect, because the peer is already closing */
  g_assert_cmpuint (f->core->ignored, ==, 1);
  g_assert_cmpuint (f->core->unflushed.length, ==, 0);
  g_queue_push_tail_link (&f->core->unflushed,
                          &bus_peer_need_extra (peer)->unflushed_link); /* peers_disconnect() takes it out */
  bus_flow_end (&peer->flow);
  bus_deadline_disarm (&f->core->deadlines, &peer->timer.deadline);
}

typedef struct
{
  BusPeerState state;
  BusPeerEvent event;
} Impossible;

static const Impossible impossible[] = {
  { BUS_PEER_READY, BUS_PEER_ON_ACCEPT },   { BUS_PEER_READY, BUS_PEER_ON_DEFER },
  { BUS_PEER_HELLO, BUS_PEER_ON_TAKEOVER }, { BUS_PEER_CLOSING, BUS_PEER_ON_ACCEPT },
  { BUS_PEER_CLOSING, BUS_PEER_ON_DEFER },
};

static void
test_impossible_transitions_assert (Peers *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (impossible); i++)
    {
      g_autofree char *path = g_strdup_printf ("/core/peer/impossible-transitions-assert/subprocess/%u", i);

      g_test_trap_subprocess (path, 0, 0);
      g_test_trap_assert_failed ();
    }
}

static void
test_impossible_event (gconstpointer data)
{
  const Impossible *row = &impossible[GPOINTER_TO_UINT (data)];
  BusCore core = { 0 };
  BusPeer peer = { .core = &core, .state = row->state };

  bus_peer_on (&peer, row->event);
}

/* A peer is listed as writable once, and only when it has bytes. */
static void
test_listed_as_writable_once (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_connect (f, 1000, FALSE);

  bus_peer_touch (peer);
  g_assert_cmpuint (f->core->writable.length, ==, 0);
  bus_peer_error (peer, 5, WIRE_STATUS_DENIED, "no");
  bus_peer_error (peer, 6, WIRE_STATUS_DENIED, "no");
  bus_peer_touch (peer);
  g_assert_cmpuint (f->core->writable.length, ==, 1);
  g_assert_true (f->core->writable.head->data == peer);
  peers_assert_sent (peer, "ERROR answers=5 status=DENIED\nERROR answers=6 status=DENIED\n");
}

static void
test_errors (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_ready (f, "one", 1000);
  const BusExcess excess = { BUS_LIMIT_queue_hard_bytes, 10, 11 };

  bus_peer_error_limit (peer, 1, BUS_LIMIT_max_subscriptions, 1025);
  bus_peer_error_ceiling (peer, 2, BUS_LIMIT_max_subscriptions, 70000);
  bus_peer_error_excess (peer, 3, WIRE_STATUS_WOULD_BLOCK, "full", &excess);
  bus_peer_error_excess (peer, 4, WIRE_STATUS_WOULD_BLOCK, "full", NULL);
  peers_assert_sent (peer, "ERROR answers=1 status=LIMIT setting=max_subscriptions value=1025 limit=1024\n"
                           "ERROR answers=2 status=LIMIT setting=max_subscriptions value=70000 limit=65536\n"
                           "ERROR answers=3 status=WOULD_BLOCK setting=queue_hard_bytes value=11 limit=10\n"
                           "ERROR answers=4 status=WOULD_BLOCK\n");
}

/* A denied operation is answered, counted and logged; an allowed one is not. */
static void
test_denied_is_answered_counted_and_logged (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_ready (f, "one", 1000);

  g_assert_true (bus_peer_may (peer, 7, BUS_OP_PUBLISH, wire_span_str ("events.process.new")));
  g_assert_cmpuint (f->core->denied, ==, 0);
  peers_assert_sent (peer, "");
  g_assert_false (bus_peer_may (peer, 8, BUS_OP_PUBLISH, wire_span_str ("system.drop")));
  g_assert_cmpuint (f->core->denied, ==, 1);
  peers_assert_sent (peer, "ERROR answers=8 status=DENIED\n");
  peers_assert_note (f, BUS_NOTE_DENIED, WIRE_STATUS_DENIED);
}

static BusNote
take_note (Peers *f)
{
  BusNote note;

  g_assert_true (bus_note_take (&f->core->notes, &note, NULL));
  return note;
}

/* The log record of a refusal, and the answer to the peer, contain all facts that explain the refusal. */
static void
test_denied_note (Peers *f, gconstpointer data)
{
  static const struct
  {
    BusRight operation;
    const char *topic;
    const char *name;
    const char *rule;
    const char *needs;
  } rows[] = {
    { BUS_OP_PUBLISH, "system.drop", "publish", "system-broker-only", "no peer may" },
    { BUS_OP_PUBLISH, "events.network.dns", "publish", "events-own-domain", "collectors with the domain" },
    { BUS_OP_PUBLISH, "results.netmond", "publish", "results-own-type", "collectors of the type in" },
    { BUS_OP_REQUEST, "tasks.procmond", "request", "tasks", "the agent and tools" },
    { BUS_OP_SUBSCRIBE, "system.#", "subscribe", "system-broker-only", "the agent and tools" },
    { BUS_OP_SUBSCRIBE, "control.shutdown.two", "subscribe", "shutdown-one", "the agent, tools and the collector" },
    { BUS_OP_SERVE, "control.collector.two", "serve", "collector-one", "the peer with the id" },
    { BUS_OP_SERVE, "control.shutdown.two", "serve", "shutdown-one", "the collector with the id" },
    { BUS_OP_BLOCK, "events.#", "block", "block-needs-right", "for tasks and results" },
    { BUS_OP_PUBLISH, "events", "publish", "no-rule", "daemoneye-eventbus(7)" },
    { BUS_OP_SERVE, "events.+", "serve", "not-a-topic", "subscription" },
  };
  BusPeer *peer = peers_ready (f, "one", 1000);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *start = g_strdup_printf ("denied by rule %s: ", rows[i].rule);
      g_autoptr (GPtrArray) frames = NULL;
      const PeerFrame *frame;
      BusNote note;

      f->core->now_us += G_TIME_SPAN_SECOND;
      g_assert_false (bus_peer_may (peer, i + 1, rows[i].operation, wire_span_str (rows[i].topic)));
      note = take_note (f);
      g_assert_cmpint (note.kind, ==, BUS_NOTE_DENIED);
      g_assert_cmpstr (note.id, ==, "one");
      g_assert_cmpstr (note.operation, ==, rows[i].name);
      g_assert_cmpstr (note.topic, ==, rows[i].topic);
      g_assert_cmpstr (note.rule, ==, rows[i].rule);
      g_assert_cmpuint (note.suppressed, ==, 0);
      g_assert_true (g_str_has_prefix (note.detail, start));
      g_assert_nonnull (strstr (note.detail, rows[i].needs));

      frames = peers_take (peer);
      frame = g_ptr_array_index (frames, 0);
      g_assert_true (wire_span_equal (frame->envelope.detail, wire_span_str (note.detail)));
    }
}

/* The log records of a peer are capped, independent of those of another; a later record contains the suppressed number. */
static void
test_note_cap (Peers *f, gconstpointer data)
{
  const WireSpan topic = wire_span_str ("system.drop");
  BusPeer *noisy = peers_ready (f, "noisy", 1000);
  BusPeer *quiet = peers_ready (f, "quiet", 1000);
  BusNote note;

  for (guint i = 1; i <= 1000; i++)
    bus_peer_may (noisy, i, BUS_OP_PUBLISH, topic);
  bus_peer_may (quiet, 1, BUS_OP_PUBLISH, topic);
  for (guint i = 0; i < BUS_NOTES_PER_PEER; i++)
    g_assert_cmpstr (take_note (f).id, ==, "noisy");
  g_assert_cmpstr (take_note (f).id, ==, "quiet");
  g_assert_false (bus_note_take (&f->core->notes, &note, NULL));

  f->core->now_us += G_TIME_SPAN_SECOND - 1;
  bus_peer_may (noisy, 2000, BUS_OP_PUBLISH, topic);
  g_assert_false (bus_note_take (&f->core->notes, &note, NULL));
  f->core->now_us += 1;
  bus_peer_may (noisy, 2001, BUS_OP_PUBLISH, topic);
  g_assert_cmpuint (take_note (f).suppressed, ==, 1001 - BUS_NOTES_PER_PEER);
  bus_peer_may (noisy, 2002, BUS_OP_PUBLISH, topic);
  g_assert_cmpuint (take_note (f).suppressed, ==, 0);
}

/* The last record of a peer contains the number of records that were suppressed since the one before. */
static void
test_note_cap_at_end (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_ready (f, "noisy", 1000);
  BusNote note;

  for (guint i = 1; i <= 100; i++)
    bus_peer_may (peer, i, BUS_OP_PUBLISH, wire_span_str ("system.drop"));
  for (guint i = 0; i < BUS_NOTES_PER_PEER; i++)
    take_note (f);
  bus_peer_close (peer, WIRE_STATUS_OK, "said goodbye");
  note = take_note (f);
  g_assert_cmpint (note.kind, ==, BUS_NOTE_GONE);
  g_assert_cmpuint (note.suppressed, ==, 100 - BUS_NOTES_PER_PEER);
}

/* The same when the broker ends, which otherwise writes no records of peers. */
static void
test_note_cap_at_shutdown (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_ready (f, "noisy", 1000);
  BusNote note;

  for (guint i = 0; i <= BUS_NOTES_PER_PEER; i++)
    bus_peer_may (peer, i + 1, BUS_OP_PUBLISH, wire_span_str ("system.drop"));
  for (guint i = 0; i < BUS_NOTES_PER_PEER; i++)
    take_note (f);
  bus_peer_close (peer, WIRE_STATUS_SHUTTING_DOWN, NULL);
  note = take_note (f);
  g_assert_cmpint (note.kind, ==, BUS_NOTE_GONE);
  g_assert_cmpuint (note.suppressed, ==, 1);
}

/* The cap applies to an account, so a peer that reconnects repeatedly is capped; other accounts are not. */
static void
test_note_cap_of_account (Peers *f, gconstpointer data)
{
  BusNote note;
  guint n = 0;

  for (guint i = 0; i < BUS_NOTES_PER_ACCOUNT + 50; i++)
    peers_disconnect (f, peers_connect (f, 1000, FALSE));
  while (bus_note_take (&f->core->notes, &note, NULL))
    n++;
  g_assert_cmpuint (n, ==, BUS_NOTES_PER_ACCOUNT);
  peers_disconnect (f, peers_connect (f, 1001, FALSE));
  g_assert_cmpuint (take_note (f).account, ==, 1001);
  f->core->now_us += G_TIME_SPAN_SECOND;
  peers_disconnect (f, peers_connect (f, 1000, FALSE));
  g_assert_cmpuint (take_note (f).suppressed, ==, 50);
}

/* Each way to end a connection leaves one record; the end of the broker itself leaves none. */
static void
test_close_note (Peers *f, gconstpointer data)
{
  static const struct
  {
    WireStatus status;
    gboolean is_ready;
    BusNoteKind kind;
  } rows[] = {
    { WIRE_STATUS_OK, TRUE, BUS_NOTE_GONE },
    { WIRE_STATUS_ABSENT, TRUE, BUS_NOTE_GONE },
    { WIRE_STATUS_ABSENT, FALSE, BUS_NOTE_GONE },
    { WIRE_STATUS_SLOW_CONSUMER, TRUE, BUS_NOTE_CLOSED },
    { WIRE_STATUS_UNSUPPORTED, TRUE, BUS_NOTE_CLOSED },
    { WIRE_STATUS_NO_MEMORY, TRUE, BUS_NOTE_CLOSED },
    { WIRE_STATUS_HELLO_TIMEOUT, FALSE, BUS_NOTE_REFUSED },
  };
  BusNote note;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      BusPeer *peer = rows[i].is_ready ? peers_ready (f, "one", 1000) : peers_connect (f, 1000, FALSE);

      bus_peer_close (peer, rows[i].status, "why");
      g_assert_false (bus_deadline_is_armed (&peer->timer.deadline));
      bus_peer_close (peer, WIRE_STATUS_TIMEOUT, "a second time");
      peers_assert_note (f, rows[i].kind, rows[i].status);
      peers_disconnect (f, peer);
      g_assert_false (bus_note_take (&f->core->notes, &note, NULL));
    }
  bus_peer_close (peers_ready (f, "one", 1000), WIRE_STATUS_SHUTTING_DOWN, NULL);
  g_assert_false (bus_note_take (&f->core->notes, &note, NULL));
}

/* Answers that explain the end precede GOODBYE, and no frame follows it. */
static void
test_close (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_ready (f, "one", 1000);
  BusSubscription *subscription = peers_subscribe (f, peer, 1, BUS_OVERFLOW_DROP_OLDEST, 10);

  peers_offer (f, NULL, subscription, 2, 10);
  bus_peer_error (peer, 5, WIRE_STATUS_BAD_MESSAGE, "bad");
  bus_peer_close (peer, WIRE_STATUS_BAD_MESSAGE, "bad");
  bus_peer_error (peer, 6, WIRE_STATUS_DENIED, "later");
  bus_peer_close (peer, WIRE_STATUS_TIMEOUT, "a second time");
  peers_offer (f, NULL, subscription, 1, 10);
  g_assert_cmpint (peer->close_status, ==, WIRE_STATUS_BAD_MESSAGE);
  g_assert_cmpstr (bus_peer_extra (peer)->close_detail, ==, "bad");
  g_assert_cmpuint (f->core->unflushed.length, ==, 1);
  g_assert_cmpuint (f->core->closing.length, ==, 1);
  peers_assert_sent (peer, "ERROR answers=5 status=BAD_MESSAGE\nGOODBYE status=BAD_MESSAGE\n");
}

/* A peer that reads too slowly gets GOODBYE instead of its unread control frames. */
static void
test_close_slow (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_ready (f, "one", 1000);

  bus_peer_error (peer, 5, WIRE_STATUS_DENIED, "no");
  bus_peer_close (peer, WIRE_STATUS_SLOW_CONSUMER, NULL);
  peers_assert_sent (peer, "GOODBYE status=SLOW_CONSUMER\n");
  g_assert_cmpstr (bus_peer_extra (peer)->close_detail, ==, wire_status_text (WIRE_STATUS_SLOW_CONSUMER));
}

/* A detail that is too long is cut between characters. */
static void
test_close_detail (Peers *f, gconstpointer data)
{
  g_autoptr (GString) detail = g_string_new ("x");
  BusPeer *peer = peers_connect (f, 1000, FALSE);

  while (detail->len < 300)
    g_string_append (detail, "\xc3\xa9");
  bus_peer_close (peer, WIRE_STATUS_DENIED, detail->str);
  g_assert_true (g_utf8_validate (bus_peer_extra (peer)->close_detail, -1, NULL));
  g_assert_cmpuint (strlen (bus_peer_extra (peer)->close_detail), ==, sizeof peer->extra->close_detail - 1);
  peers_assert_sent (peer, "GOODBYE status=DENIED\n");
}

/* A peer that does not read its answers is closed when they exceed control_queue_bytes. */
static void
test_full_control_queue (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_ready (f, "one", 1000);
  guint n = 0;

  while (bus_peer_is_ready (peer))
    {
      g_assert_cmpuint (++n, <, 1000000);
      g_assert_cmpuint (bus_outq_lane_bytes (&peer->flow.outq, WIRE_LANE_CONTROL), <,
                        f->core->limits.control_queue_bytes + 1000);
      bus_peer_error (peer, n, WIRE_STATUS_DENIED, "no");
    }
  g_assert_cmpuint (n * 200, >, f->core->limits.control_queue_bytes / 10);
  g_assert_cmpint (peer->close_status, ==, WIRE_STATUS_SLOW_CONSUMER);
  peers_assert_sent (peer, "GOODBYE status=SLOW_CONSUMER\n");
}

/* CREDIT is sent once for each class that has credit to announce. */
static void
test_credit (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_ready (f, "one", 1000);
  guint64 window = f->core->limits.publish_window_messages;
  g_autofree char *expected = NULL;

  for (guint i = 0; i < window / 4; i++)
    {
      g_assert_true (bus_credit_take (&peer->ledger, WIRE_CLASS_MAY_DROP, 1, f->core->now_us));
      bus_credit_return (&peer->ledger, WIRE_CLASS_MAY_DROP, 1, 1);
    }
  bus_peer_send_credit (f->core);
  expected = g_strdup_printf ("CREDIT class=%s messages=%" G_GUINT64_FORMAT " bytes=%" G_GUINT64_FORMAT "\n",
                              wire_class_name (WIRE_CLASS_MAY_DROP), window + window / 4,
                              f->core->limits.publish_window_may_drop_bytes + window / 4);
  peers_assert_sent (peer, expected);
  bus_peer_send_credit (f->core);
  peers_assert_sent (peer, "");
  g_assert_cmpuint (f->core->creditors.due.length, ==, 0);
}

/* The counters of the flow stay in the broker's sums when the peer is freed. */
static void
test_counters_survive_the_peer (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_ready (f, "one", 1000);
  BusSubscription *subscription = peers_subscribe (f, peer, 1, BUS_OVERFLOW_DROP_NEWEST, 2);

  subscription->bounds.messages = 1;
  peers_offer (f, NULL, subscription, 5, 10);
  peers_disconnect (f, peer);
  g_assert_cmpuint (f->core->delivered_by_gone, ==, 2);
  g_assert_cmpuint (f->core->missed_by_gone, ==, 2);
}

static void
test_may_see (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  BusPeer *two = peers_ready (f, "two", 1000);
  BusPeer *agent = peers_agent (f);
  BusPeer *silent = peers_connect (f, 1000, FALSE);

  g_assert_true (bus_peer_may_see (one, one));
  g_assert_false (bus_peer_may_see (one, two));
  g_assert_true (bus_peer_may_see (agent, two));
  g_assert_false (bus_peer_may_see (agent, silent));
  bus_peer_close (two, WIRE_STATUS_OK, NULL);
  g_assert_false (bus_peer_may_see (agent, two));
}

#define ADD(path, function) g_test_add (path, Peers, NULL, peers_setup, function, peers_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/peer/I01-charges", test_charges);
  ADD ("/core/peer/F08-hello-timer", test_hello_timer);
  ADD ("/core/peer/states", test_states);
  ADD ("/core/peer/impossible-transitions-assert", test_impossible_transitions_assert);
  for (guint i = 0; i < G_N_ELEMENTS (impossible); i++)
    {
      g_autofree char *path = g_strdup_printf ("/core/peer/impossible-transitions-assert/subprocess/%u", i);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_impossible_event);
    }
  ADD ("/core/peer/listed-as-writable-once", test_listed_as_writable_once);
  ADD ("/core/peer/errors", test_errors);
  ADD ("/core/peer/A08-denied-is-answered-counted-and-logged", test_denied_is_answered_counted_and_logged);
  ADD ("/core/peer/A15-denied-note", test_denied_note);
  ADD ("/core/peer/W04-note-cap", test_note_cap);
  ADD ("/core/peer/W04-note-cap-at-end", test_note_cap_at_end);
  ADD ("/core/peer/W04-note-cap-at-shutdown", test_note_cap_at_shutdown);
  ADD ("/core/peer/W04-note-cap-of-account", test_note_cap_of_account);
  ADD ("/core/peer/close-note", test_close_note);
  ADD ("/core/peer/O08-close", test_close);
  ADD ("/core/peer/close-slow", test_close_slow);
  ADD ("/core/peer/P05-close-detail", test_close_detail);
  ADD ("/core/peer/R04-full-control-queue", test_full_control_queue);
  ADD ("/core/peer/M08-credit", test_credit);
  ADD ("/core/peer/counters-survive-the-peer", test_counters_survive_the_peer);
  ADD ("/core/peer/A11-may-see", test_may_see);
  return g_test_run ();
}

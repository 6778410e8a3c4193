/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-shed.h"

#include "peer/peer-fixture.h"

/* Shedding: the queue that drops messages, their number, and the result when no queue has messages left. */

#define MESSAGE  10000u  /* bytes of a payload */
#define SHED_MIN 262144u /* bytes that a queue drops at a time, at least */

/* Adds a reader that has stopped: its messages wait, because the first one uses the whole window. */
static BusSubscription *
add_slow (Peers *f, const char *id, guint32 account, BusOverflow policy, guint n)
{
  BusSubscription *subscription = peers_subscribe (f, peers_ready (f, id, account), 1, policy, 1);

  peers_offer (f, NULL, subscription, n + 1, MESSAGE);
  g_assert_cmpuint (subscription->fifo->messages, ==, n);
  return subscription;
}

/* Adds a peer with encoded bytes, which cannot be dropped any more. */
static BusPeer *
add_encoded (Peers *f, const char *id, guint32 account, gsize bytes)
{
  g_autofree guint8 *body = g_malloc0 (bytes);
  BusPeer *peer = peers_ready (f, id, account);

  g_assert_true (bus_outq_put (&peer->flow.outq, WIRE_LANE_DATA, WIRE_KIND_PING, 0, NULL, wire_span (body, bytes)));
  return peer;
}

static void
test_room_enough (Peers *f, gconstpointer data)
{
  BusSubscription *slow = add_slow (f, "slow", 1000, BUS_OVERFLOW_DROP_OLDEST, 20);
  guint64 rest = f->core->quota.cap - f->core->quota.memory;

  g_assert_true (bus_shed_reserve (f->core, rest, f->core->now_us)); /* up to the cap, nothing is dropped */
  g_assert_cmpuint (slow->extra->missed, ==, 0);
  g_assert_true (bus_shed_reserve (f->core, rest + 1, f->core->now_us));
  g_assert_cmpuint (slow->extra->missed, >, 0);
}

/* Only the largest queue drops messages, at least 256 KiB at a time. */
static void
test_drops_from_the_largest_queue (Peers *f, gconstpointer data)
{
  BusSubscription *small = add_slow (f, "small", 1000, BUS_OVERFLOW_DROP_OLDEST, 20);
  BusSubscription *large = add_slow (f, "large", 1001, BUS_OVERFLOW_DROP_OLDEST, 80);
  gsize before = large->owner->flow.waiting_bytes;
  gsize given;

  g_assert_true (bus_shed_largest (f->core, BUS_ALL_ACCOUNTS) == large->owner);
  g_assert_true (bus_shed_reserve (f->core, f->core->quota.cap - f->core->quota.memory + 1, f->core->now_us));
  given = before - large->owner->flow.waiting_bytes;
  g_assert_cmpuint (small->extra->missed, ==, 0);
  g_assert_cmpuint (large->extra->missed, >, 0);
  g_assert_cmpuint (given, >=, SHED_MIN);
  g_assert_cmpuint (given, <, SHED_MIN + 2 * MESSAGE);
  g_assert_cmpuint (f->core->unflushed.length, ==, 0);
}

/* A queue drops messages while it is the largest, so two equal queues share the needed bytes. */
static void
test_shared (Peers *f, gconstpointer data)
{
  BusSubscription *one = add_slow (f, "one", 1000, BUS_OVERFLOW_DROP_OLDEST, 100);
  BusSubscription *two = add_slow (f, "two", 1001, BUS_OVERFLOW_DROP_OLDEST, 100);

  for (guint i = 0; i < 4; i++)
    g_assert_true (bus_shed_reserve (f->core, f->core->quota.cap - f->core->quota.memory + 1, f->core->now_us));
  g_assert_cmpuint (one->extra->missed, >, 40);
  g_assert_cmpuint (two->extra->missed, >, 40);
  g_assert_cmpuint (MAX (one->extra->missed, two->extra->missed) - MIN (one->extra->missed, two->extra->missed), <=,
                    SHED_MIN / MESSAGE + 2);
}

/* At the limit of an account, only messages of its own peers are dropped. */
static void
test_account (Peers *f, gconstpointer data)
{
  BusSubscription *own = add_slow (f, "own", 1000, BUS_OVERFLOW_DROP_OLDEST, 40);
  BusSubscription *other = add_slow (f, "other", 1001, BUS_OVERFLOW_DROP_OLDEST, 200);
  BusAccount *account = own->owner->account;
  guint64 rest = f->core->limits.uid_bytes - account->usage.charged;

  g_assert_true (bus_shed_largest (f->core, 1000) == own->owner);
  g_assert_true (bus_shed_reserve_account (account, rest, f->core->now_us));
  g_assert_cmpuint (own->extra->missed, ==, 0);
  g_assert_true (bus_shed_reserve_account (account, rest + 1, f->core->now_us));
  g_assert_cmpuint (own->extra->missed, >, 0);
  g_assert_cmpuint (other->extra->missed, ==, 0);
}

static void
test_largest (Peers *f, gconstpointer data)
{
  BusSubscription *first;
  BusSubscription *second;

  g_assert_null (bus_shed_largest (f->core, BUS_ALL_ACCOUNTS));
  add_encoded (f, "encoded", 1000, 500000); /* none of these bytes can be dropped */
  g_assert_null (bus_shed_largest (f->core, BUS_ALL_ACCOUNTS));
  first = add_slow (f, "first", 1000, BUS_OVERFLOW_DROP_OLDEST, 10);
  second = add_slow (f, "second", 1001, BUS_OVERFLOW_DROP_OLDEST, 11);
  g_assert_true (bus_shed_largest (f->core, BUS_ALL_ACCOUNTS) == second->owner);
  g_assert_true (bus_shed_largest (f->core, 1000) == first->owner);
  g_assert_null (bus_shed_largest (f->core, 1002));
  bus_peer_close (second->owner, WIRE_STATUS_OK, NULL); /* its memory is freed at the end of the input call */
  g_assert_true (bus_shed_largest (f->core, BUS_ALL_ACCOUNTS) == first->owner);
}

/* When nothing can be dropped, the peer with the most encoded bytes is closed: one at a time, with a reason. */
static void
test_closes_the_largest (Peers *f, gconstpointer data)
{
  BusPeer *less = add_encoded (f, "less", 1000, 300000);
  BusPeer *most = add_encoded (f, "most", 1001, 400000);
  guint64 too_much = f->core->quota.cap;

  g_assert_false (bus_shed_reserve (f->core, too_much, f->core->now_us));
  g_assert_cmpint (most->state, ==, BUS_PEER_CLOSING);
  g_assert_cmpint (most->close_status, ==, WIRE_STATUS_SLOW_CONSUMER);
  peers_assert_note (f, BUS_NOTE_CLOSED, WIRE_STATUS_SLOW_CONSUMER);
  g_assert_false (bus_shed_reserve (f->core, too_much, f->core->now_us)); /* one peer is already closing */
  g_assert_true (bus_peer_is_ready (less));
  peers_disconnect (f, most);
  g_assert_false (bus_shed_reserve (f->core, too_much, f->core->now_us));
  g_assert_false (bus_peer_is_ready (less));
}

/* The same for an account. If a request can be refused instead, no peer is closed. */
static void
test_closes_the_largest_of_an_account (Peers *f, gconstpointer data)
{
  BusPeer *most = add_encoded (f, "most", 1000, 400000);
  BusPeer *other = add_encoded (f, "other", 1001, 500000);
  guint64 too_much = f->core->limits.uid_bytes;

  g_assert_false (bus_shed_fit_account (most->account, too_much, f->core->now_us));
  g_assert_true (bus_peer_is_ready (most));
  g_assert_false (bus_shed_reserve_account (most->account, too_much, f->core->now_us));
  g_assert_false (bus_peer_is_ready (most));
  g_assert_true (bus_peer_is_ready (other));
}

/* A peer with less than 256 KiB of encoded bytes is not closed. */
static void
test_spares_small_ones (Peers *f, gconstpointer data)
{
  BusPeer *peer = add_encoded (f, "one", 1000, 200000);

  g_assert_false (bus_shed_reserve (f->core, f->core->quota.cap, f->core->now_us));
  g_assert_true (bus_peer_is_ready (peer));
}

/* No peer is disconnected while messages of a queue can be dropped, with any policy. */
static void
test_drops_before_it_closes (Peers *f, gconstpointer data)
{
  BusPeer *encoded = add_encoded (f, "encoded", 1000, 900000);
  BusSubscription *slow = add_slow (f, "slow", 1001, BUS_OVERFLOW_DROP_NEWEST, 30);

  g_assert_true (bus_shed_reserve (f->core, f->core->quota.cap - f->core->quota.memory + 1, f->core->now_us));
  g_assert_cmpuint (slow->extra->missed, >, 0);
  g_assert_true (bus_peer_is_ready (encoded));
  g_assert_true (bus_peer_is_ready (slow->owner));
}

/* --- levels --- */

/* The timer of a level is armed once when the level is exceeded, and not before the next report is allowed. */
static void
test_soft_level (Peers *f, gconstpointer data)
{
  guint64 soft = f->core->quota.cap / 100 * f->core->limits.quota_soft_percent;
  gint64 now_us = f->core->now_us;

  g_assert_true (bus_shed_reserve (f->core, soft - 1, now_us));
  g_assert_false (f->core->is_soft);
  g_assert_true (bus_shed_reserve (f->core, soft, now_us));
  g_assert_true (f->core->is_soft);
  g_assert_cmpint (bus_deadline_set_next_us (&f->core->deadlines), ==, now_us);
  bus_deadline_disarm (&f->core->deadlines, &f->core->soft_timer.deadline);
  g_assert_true (bus_shed_reserve (f->core, soft, now_us)); /* still above it */
  g_assert_false (bus_deadline_is_armed (&f->core->soft_timer.deadline));
  g_assert_true (bus_shed_reserve (f->core, 0, now_us));
  g_assert_false (f->core->is_soft);

  f->core->soft_next_us = now_us + 500;
  g_assert_true (bus_shed_reserve (f->core, soft, now_us));
  g_assert_cmpint (bus_deadline_set_next_us (&f->core->deadlines), ==, now_us + 500);
}

static void
test_soft_level_of_an_account (Peers *f, gconstpointer data)
{
  BusAccount *account = peers_ready (f, "one", 1000)->account;
  guint64 soft = f->core->limits.uid_bytes / 100 * f->core->limits.quota_soft_percent;
  guint64 held = account->usage.charged;

  g_assert_true (bus_shed_reserve_account (account, soft - held - 1, f->core->now_us));
  g_assert_false (account->is_soft);
  g_assert_true (bus_shed_reserve_account (account, soft - held, f->core->now_us));
  g_assert_true (account->is_soft);
  g_assert_true (bus_deadline_is_armed (&account->report_timer.deadline));
  g_assert_false (f->core->is_soft);
}

/* --- readers --- */

/* Gives the peer's reader the beginning of a frame, with @n bytes of its body. */
static void
begin_frame (BusPeer *peer, guint32 body_len, gsize n)
{
  g_autofree guint8 *bytes = g_malloc0 (WIRE_FRAME_HEADER_LEN + n);
  WireSpan input = wire_span (bytes, WIRE_FRAME_HEADER_LEN + n);
  WireFrame frame;

  wire_frame_put_header (bytes, WIRE_KIND_PUBLISH, 0, body_len);
  g_assert_cmpint (wire_frame_reader_next (bus_peer_begin_input (peer), &input, &frame), ==, WIRE_FRAME_MORE);
  peer->input->frame_since_us = peer->core->now_us;
}

/* The bytes that a reader holds are charged to its peer and to the broker's memory, and refunded in full. */
static void
test_reader (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_ready (f, "one", 1000);
  guint64 charged = peer->ledger.usage.charged;
  guint64 memory = f->core->quota.memory;
  gsize held;

  begin_frame (peer, 100000, 20000);
  held = bus_peer_frame_held (peer);
  g_assert_cmpuint (held, >=, 20000);
  bus_shed_settle (peer, f->core->now_us);
  bus_shed_settle (peer, f->core->now_us);
  g_assert_cmpuint (peer->ledger.usage.charged, ==, charged + held);
  g_assert_cmpuint (f->core->quota.memory, ==, memory + held);
  wire_frame_reader_clear (&peer->input->reader);
  wire_frame_reader_init (&peer->input->reader, 200000);
  bus_shed_settle (peer, f->core->now_us);
  g_assert_cmpuint (peer->ledger.usage.charged, ==, charged);
  g_assert_cmpuint (f->core->quota.memory, ==, memory);
  begin_frame (peer, 100000, 20000);
  bus_shed_settle (peer, f->core->now_us); /* teardown: freeing the peer refunds it */
}

/* If a frame begins while the broker is full, the largest queue drops messages for it, or its connection is closed. */
static void
test_reader_in_a_full_broker (Peers *f, gconstpointer data)
{
  BusSubscription *slow = add_slow (f, "slow", 1001, BUS_OVERFLOW_DROP_OLDEST, 30);
  BusPeer *peer = peers_ready (f, "one", 1000);
  guint64 rest = f->core->quota.cap - f->core->quota.memory;

  g_assert_true (bus_quota_hold (&f->core->quota, rest));
  begin_frame (peer, 100000, 20000);
  bus_shed_settle (peer, f->core->now_us);
  g_assert_true (bus_peer_is_ready (peer));
  g_assert_cmpuint (slow->extra->missed, >, 0);
  g_assert_cmpuint (f->core->quota.memory, <=, f->core->quota.cap);

  peers_disconnect (f, slow->owner);
  peers_disconnect (f, peer);
  peer = peers_ready (f, "two", 1000);
  bus_quota_release (&f->core->quota, rest);
  rest = f->core->quota.cap - f->core->quota.memory;
  g_assert_true (bus_quota_hold (&f->core->quota, rest));
  begin_frame (peer, 100000, 20000);
  bus_shed_settle (peer, f->core->now_us);
  g_assert_cmpint (peer->state, ==, BUS_PEER_CLOSING);
  g_assert_cmpint (peer->close_status, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpuint (bus_peer_frame_charged (peer), ==, 0);
  g_assert_cmpuint (bus_peer_frame_held (peer), ==, 0);
  bus_quota_release (&f->core->quota, rest);
}

/* A stalled frame is freed before any message is dropped, at the limit of an account and at that of the broker. */
static void
test_stalled_frame_is_freed_first (Peers *f, gconstpointer data)
{
  BusSubscription *slow = add_slow (f, "slow", 1000, BUS_OVERFLOW_DROP_OLDEST, 30);
  BusPeer *stalled = peers_ready (f, "stalled", 1000);
  BusPeer *other = peers_ready (f, "other", 1001);
  BusAccount *account = slow->owner->account;

  begin_frame (stalled, 500000, 499000);
  begin_frame (other, 600000, 599000);
  bus_shed_settle (stalled, f->core->now_us);
  bus_shed_settle (other, f->core->now_us);
  f->core->now_us += G_TIME_SPAN_SECOND;
  g_assert_true (
      bus_shed_reserve_account (account, f->core->limits.uid_bytes - account->usage.charged, f->core->now_us));
  g_assert_true (bus_peer_is_ready (stalled));
  g_assert_true (
      bus_shed_reserve_account (account, f->core->limits.uid_bytes - account->usage.charged + 1, f->core->now_us));
  g_assert_false (bus_peer_is_ready (stalled));
  g_assert_true (bus_peer_is_ready (other));
  g_assert_true (bus_shed_reserve (f->core, f->core->quota.cap - f->core->quota.memory + 1, f->core->now_us));
  g_assert_false (bus_peer_is_ready (other));
  g_assert_cmpuint (slow->extra->missed, ==, 0);
}

/* A frame that makes progress is not freed; the queues drop messages instead. */
static void
test_spares_a_frame_that_is_sent (Peers *f, gconstpointer data)
{
  BusSubscription *slow = add_slow (f, "slow", 1000, BUS_OVERFLOW_DROP_OLDEST, 30);
  BusPeer *sends = peers_ready (f, "sends", 1000);
  BusAccount *account = slow->owner->account;

  begin_frame (sends, 500000, 499000);
  bus_shed_settle (sends, f->core->now_us);
  g_assert_true (
      bus_shed_reserve_account (account, f->core->limits.uid_bytes - account->usage.charged + 1, f->core->now_us));
  g_assert_true (bus_peer_is_ready (sends));
  g_assert_cmpuint (slow->extra->missed, >, 0);
}

#define ADD(path, function) g_test_add (path, Peers, NULL, peers_setup, function, peers_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/shed/I02-room-enough", test_room_enough);
  ADD ("/core/shed/B06-drops-from-the-largest-queue", test_drops_from_the_largest_queue);
  ADD ("/core/shed/shared", test_shared);
  ADD ("/core/shed/account", test_account);
  ADD ("/core/shed/largest", test_largest);
  ADD ("/core/shed/R04-closes-the-largest", test_closes_the_largest);
  ADD ("/core/shed/R04-closes-the-largest-of-an-account", test_closes_the_largest_of_an_account);
  ADD ("/core/shed/spares-small-ones", test_spares_small_ones);
  ADD ("/core/shed/drops-before-it-closes", test_drops_before_it_closes);
  ADD ("/core/shed/soft-level", test_soft_level);
  ADD ("/core/shed/soft-level-of-an-account", test_soft_level_of_an_account);
  ADD ("/core/shed/I01-reader", test_reader);
  ADD ("/core/shed/R04-stalled-frame-is-freed-first", test_stalled_frame_is_freed_first);
  ADD ("/core/shed/F07-spares-a-frame-that-is-sent", test_spares_a_frame_that_is_sent);
  ADD ("/core/shed/R10-reader-in-a-full-broker", test_reader_in_a_full_broker);
  return g_test_run ();
}

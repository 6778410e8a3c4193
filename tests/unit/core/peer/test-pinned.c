/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-pinned.h"

#include "peer/bus-shed.h"
#include "peer/peer-fixture.h"

/* Pinned bytes: unfinished frames and unread answers, the peers that hold them, and the peer that is disconnected for them. */

#define LIMIT 1000000u /* a quarter of it is 250,000 */

/* Gives the peer the beginning of a frame that holds exactly @n bytes. */
static void
pin_frame (Peers *f, BusPeer *peer, gsize n)
{
  g_autofree guint8 *bytes = g_malloc0 (n);
  WireSpan input = wire_span (bytes, n - 1);
  WireFrame frame;

  wire_frame_put_header (bytes, WIRE_KIND_PUBLISH, 0, (guint32) (n - WIRE_FRAME_HEADER_LEN));
  g_assert_cmpint (wire_frame_reader_next (bus_peer_begin_input (peer), &input, &frame), ==, WIRE_FRAME_MORE);
  peer->input->frame_since_us = f->core->now_us;
  bus_shed_settle (peer, f->core->now_us);
  g_assert_cmpuint (bus_peer_frame_charged (peer), ==, n);
}

static BusPeer *
add_frame (Peers *f, const char *id, guint32 account, gsize n)
{
  BusPeer *peer = peers_ready (f, id, account);

  pin_frame (f, peer, n);
  return peer;
}

static BusPeer *
add_answers (Peers *f, const char *id, guint32 account, gsize n)
{
  g_autofree guint8 *body = g_malloc0 (n);
  BusPeer *peer = peers_ready (f, id, account);

  g_assert_true (bus_outq_put (&peer->flow.outq, WIRE_LANE_CONTROL, WIRE_KIND_PONG, 0, NULL, wire_span (body, n)));
  return peer;
}

static BusPeer *
holder (Peers *f, guint32 account)
{
  return bus_pinned_holder (f->core, account, LIMIT, f->core->now_us);
}

static void
test_bytes (Peers *f, gconstpointer data)
{
  BusPeer *nothing = peers_ready (f, "nothing", 1000);
  BusPeer *frame = add_frame (f, "frame", 1000, 50000);
  BusPeer *answers = add_answers (f, "answers", 1000, 40000);

  g_assert_cmpuint (bus_pinned_bytes (nothing), ==, 0);
  g_assert_cmpuint (bus_pinned_bytes (frame), ==, 50000);
  g_assert_cmpuint (bus_pinned_bytes (answers), ==, 40000 + WIRE_FRAME_HEADER_LEN);
  pin_frame (f, answers, 30000);
  g_assert_cmpuint (bus_pinned_bytes (answers), ==, 70000 + WIRE_FRAME_HEADER_LEN);
}

/* Frames that still make progress may pin up to a quarter of the limit in total. Above that, bus_pinned_holder() returns the peer
 * that pins most. */
static void
test_share (Peers *f, gconstpointer data)
{
  BusPeer *larger;

  g_assert_null (holder (f, BUS_ALL_ACCOUNTS));
  add_frame (f, "small", 1000, 50000);
  larger = add_frame (f, "larger", 1000, 120000);
  g_assert_null (holder (f, BUS_ALL_ACCOUNTS));
  add_answers (f, "answers", 1000, 79000);
  g_assert_null (holder (f, BUS_ALL_ACCOUNTS));
  add_answers (f, "more", 1000, 10000);
  g_assert_true (holder (f, BUS_ALL_ACCOUNTS) == larger);
}

/* The peer of a stalled frame is found however few bytes are pinned in total, and before larger frames that make progress. */
static void
test_stalled (Peers *f, gconstpointer data)
{
  BusPeer *stalled = add_frame (f, "stalled", 1000, 20000);
  BusPeer *fresh;

  f->core->now_us += BUS_PINNED_STALLED_US - 1;
  g_assert_null (holder (f, BUS_ALL_ACCOUNTS));
  fresh = add_frame (f, "fresh", 1000, 400000);
  g_assert_true (holder (f, BUS_ALL_ACCOUNTS) == fresh);
  f->core->now_us++;
  g_assert_true (holder (f, BUS_ALL_ACCOUNTS) == stalled);
  bus_peer_close (stalled, WIRE_STATUS_OK, NULL);
  g_assert_true (holder (f, BUS_ALL_ACCOUNTS) == fresh);
  bus_peer_close (fresh, WIRE_STATUS_OK, NULL);
  g_assert_null (holder (f, BUS_ALL_ACCOUNTS));
}

/* A peer that pins only few bytes is not disconnected. */
static void
test_small_ones (Peers *f, gconstpointer data)
{
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *id = g_strdup_printf ("p%u", i);

      add_frame (f, id, 1000, BUS_PINNED_MIN - 1);
    }
  f->core->now_us += BUS_PINNED_STALLED_US;
  g_assert_null (holder (f, BUS_ALL_ACCOUNTS));
}

/* For the limit of an account only its peers count. For the limit of the broker, the account that pins the most comes first. */
static void
test_accounts (Peers *f, gconstpointer data)
{
  BusPeer *alone = add_frame (f, "alone", 1000, 200000);
  BusPeer *many = NULL;

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("p%u", i);

      many = add_frame (f, id, 1001, i == 2 ? 90000 : 80000);
    }
  g_assert_null (holder (f, 1000));
  g_assert_true (holder (f, 1001) == NULL); /* 250,000: exactly the share */
  g_assert_true (holder (f, BUS_ALL_ACCOUNTS) == many);
  pin_frame (f, add_answers (f, "other", 1000, 30000), 30000);
  g_assert_true (holder (f, 1000) == alone);
  g_assert_true (holder (f, BUS_ALL_ACCOUNTS) == alone);
  g_assert_null (holder (f, 1002));
}

/* --- disconnecting --- */

static void
test_disconnect_frame (Peers *f, gconstpointer data)
{
  guint64 memory = f->core->quota.memory;
  BusPeer *peer = add_frame (f, "one", 1000, 300000);
  guint64 charged = peer->ledger.usage.charged;
  g_autoptr (GPtrArray) sent = NULL;
  const PeerFrame *error;

  bus_pinned_disconnect (peer, BUS_LIMIT_uid_bytes, 60000000);
  g_assert_cmpuint (bus_peer_frame_held (peer), ==, 0);
  g_assert_cmpuint (bus_peer_frame_charged (peer), ==, 0);
  g_assert_cmpuint (peer->ledger.usage.charged, <, charged - 299000);
  g_assert_cmpuint (f->core->quota.memory, <, memory + 20000);
  g_assert_cmpint (peer->close_status, ==, WIRE_STATUS_LIMIT);
  g_assert_nonnull (
      strstr (bus_peer_extra (peer)->close_detail, "uid-bytes is reached, and an unfinished frame holds 300000 bytes"));
  peers_assert_note (f, BUS_NOTE_CLOSED, WIRE_STATUS_LIMIT);
  sent = peers_take (peer);
  g_assert_cmpuint (sent->len, ==, 2);
  error = g_ptr_array_index (sent, 0);
  g_assert_cmpint (error->kind, ==, WIRE_KIND_ERROR);
  g_assert_cmpint (error->envelope.status, ==, WIRE_STATUS_LIMIT);
  g_assert_true (wire_span_equal (error->envelope.setting, WIRE_SPAN_LITERAL ("uid_bytes")));
  g_assert_cmpuint (error->envelope.limit, ==, f->core->limits.uid_bytes);
  g_assert_cmpuint (error->envelope.value, ==, 60000000);
}

/* The same while the broker has no room for an answer: freeing the frame makes room. */
static void
test_disconnect_when_full (Peers *f, gconstpointer data)
{
  BusPeer *peer = add_frame (f, "one", 1000, 300000);
  BusQuota *quota = &f->core->quota;
  guint64 rest = quota->cap + quota->cap / BUS_QUOTA_RESERVE - quota->memory;

  g_assert_true (bus_quota_hold_reserve (quota, rest));
  bus_pinned_disconnect (peer, BUS_LIMIT_broker_bytes, quota->memory);
  peers_assert_sent (peer, "ERROR status=LIMIT setting=broker_bytes value=69206016 limit=67108864\n"
                           "GOODBYE status=LIMIT\n");
  bus_quota_release (quota, rest);
}

/* The unread answers of the peer are dropped; otherwise they would use memory until the connection has ended. */
static void
test_disconnect_answers (Peers *f, gconstpointer data)
{
  BusPeer *peer = add_answers (f, "one", 1000, 300000);

  bus_pinned_disconnect (peer, BUS_LIMIT_broker_bytes, 60000000);
  g_assert_cmpuint (bus_outq_bytes (&peer->flow.outq), <, 1000);
  peers_assert_note (f, BUS_NOTE_CLOSED, WIRE_STATUS_SLOW_CONSUMER);
  peers_assert_sent (peer, "GOODBYE status=SLOW_CONSUMER\n");
}

#define ADD(path, function) g_test_add (path, Peers, NULL, peers_setup, function, peers_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/pinned/I01-bytes", test_bytes);
  ADD ("/core/pinned/R04-share", test_share);
  ADD ("/core/pinned/F07-stalled", test_stalled);
  ADD ("/core/pinned/small-ones", test_small_ones);
  ADD ("/core/pinned/R04-accounts", test_accounts);
  ADD ("/core/pinned/R04-disconnect-frame", test_disconnect_frame);
  ADD ("/core/pinned/R10-disconnect-when-full", test_disconnect_when_full);
  ADD ("/core/pinned/R04-disconnect-answers", test_disconnect_answers);
  return g_test_run ();
}

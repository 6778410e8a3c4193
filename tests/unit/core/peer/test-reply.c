/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-reply.h"

#include "peer/peer-fixture.h"
#include "control.pb-c.h"

/* Answers of the broker: one final REPLY, from the broker, to the id that was asked with. Linked with --wrap, so that
 * allocations can fail. */

static guint failures; /* of the next allocations */

gpointer __real_g_try_malloc (gsize n);
gpointer __wrap_g_try_malloc (gsize n);

gpointer
__wrap_g_try_malloc (gsize n)
{
  if (failures == 0)
    return __real_g_try_malloc (n);
  failures--;
  return NULL;
}

static void
test_reply (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_ready (f, "one", 1000);
  g_autoptr (GPtrArray) frames = NULL;
  const PeerFrame *frame;

  bus_reply (peer, 77, "some.Type", wire_span_str ("answer"));
  g_assert_cmpuint (f->core->writable.length, ==, 1);
  frames = peers_take (peer);
  g_assert_cmpuint (frames->len, ==, 1);
  frame = g_ptr_array_index (frames, 0);
  g_assert_cmpuint (frame->kind, ==, WIRE_KIND_REPLY);
  g_assert_cmpuint (frame->flags, ==, WIRE_FLAG_FINAL);
  g_assert_cmpuint (frame->envelope.answers, ==, 77);
  g_assert_true (wire_span_equal (frame->envelope.sender, wire_span_str ("bus")));
  g_assert_true (wire_span_equal (frame->envelope.type_name, wire_span_str ("some.Type")));
  g_assert_true (wire_span_equal (frame->envelope.payload, wire_span_str ("answer")));
}

static void
test_message (Peers *f, gconstpointer data)
{
  Daemoneye__Eventbus__V1__PingReply reply = DAEMONEYE__EVENTBUS__V1__PING_REPLY__INIT;
  BusPeer *peer = peers_ready (f, "one", 1000);
  g_autoptr (GPtrArray) frames = NULL;
  const PeerFrame *frame;
  Daemoneye__Eventbus__V1__PingReply *read;

  reply.epoch = 5;
  reply.uptime_us = 600;
  bus_reply_message (peer, 3, &reply.base);
  frames = peers_take (peer);
  g_assert_cmpuint (frames->len, ==, 1);
  frame = g_ptr_array_index (frames, 0);
  g_assert_cmpuint (frame->envelope.answers, ==, 3);
  g_assert_true (wire_span_equal (frame->envelope.type_name,
                                  wire_span_str (daemoneye__eventbus__v1__ping_reply__descriptor.name)));
  read = daemoneye__eventbus__v1__ping_reply__unpack (NULL, frame->envelope.payload.len, frame->envelope.payload.data);
  g_assert_nonnull (read);
  g_assert_cmpuint (read->epoch, ==, 5);
  g_assert_cmpuint (read->uptime_us, ==, 600);
  daemoneye__eventbus__v1__ping_reply__free_unpacked (read, NULL);
}

/* An empty message is a valid answer. */
static void
test_empty_message (Peers *f, gconstpointer data)
{
  Daemoneye__Eventbus__V1__PingReply reply = DAEMONEYE__EVENTBUS__V1__PING_REPLY__INIT;
  BusPeer *peer = peers_ready (f, "one", 1000);

  bus_reply_message (peer, 4, &reply.base);
  peers_assert_sent (peer, "REPLY final answers=4 sender=bus\n");
}

/* A peer that is being closed is not answered any more. */
static void
test_closing (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_ready (f, "one", 1000);

  bus_peer_close (peer, WIRE_STATUS_OK, NULL);
  bus_reply (peer, 1, "some.Type", wire_span_str ("answer"));
  peers_assert_sent (peer, "GOODBYE status=OK\n");
}

/* When messages use all memory that the broker may hold, answers are sent from the reserve. */
static void
test_full_broker (Peers *f, gconstpointer data)
{
  BusPeer *peer = peers_ready (f, "one", 1000);
  guint64 rest = f->core->quota.cap - f->core->quota.memory;

  g_assert_true (bus_quota_hold (&f->core->quota, rest));
  bus_reply (peer, 1, "some.Type", wire_span_str ("answer"));
  peers_assert_sent (peer, "REPLY final answers=1 sender=bus payload=6\n");
  bus_quota_release (&f->core->quota, rest);
}

/* If there is no memory for a reply, the call ends with an ERROR. If further replies follow, only the result is FALSE. */
static void
test_no_memory (Peers *f, gconstpointer data)
{
  Daemoneye__Eventbus__V1__PingReply reply = DAEMONEYE__EVENTBUS__V1__PING_REPLY__INIT;
  BusPeer *peer = peers_ready (f, "one", 1000);

  failures = 1;
  g_assert_false (bus_reply_part (peer, 4, &reply.base));
  peers_assert_sent (peer, "");
  g_assert_true (bus_reply_part (peer, 4, &reply.base));
  peers_assert_sent (peer, "REPLY answers=4 sender=bus\n");
  failures = 1;
  bus_reply_message (peer, 5, &reply.base);
  peers_assert_sent (peer, "ERROR answers=5 status=NO_MEMORY\n");
}

#define ADD(path, function) g_test_add (path, Peers, NULL, peers_setup, function, peers_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/reply/reply", test_reply);
  ADD ("/core/reply/message", test_message);
  ADD ("/core/reply/empty-message", test_empty_message);
  ADD ("/core/reply/closing", test_closing);
  ADD ("/core/reply/R10-no-memory", test_no_memory);
  ADD ("/core/reply/R10-full-broker", test_full_broker);
  return g_test_run ();
}

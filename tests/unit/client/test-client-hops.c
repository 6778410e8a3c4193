/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-hop-private.h"

/* The hops of a message: read from an envelope, completed at delivery, and sent with an answer. */

typedef struct
{
  WireEnvelope envelope;
  guint8 hops[64];
  guint8 before[DEYE_BUS_HOPS_BEFORE_MAX];
} Given;

static void
give (Given *given, const guint64 *hops, gsize n_hops, const guint64 *before, gsize n_before)
{
  wire_envelope_init (&given->envelope);
  given->envelope.hops = wire_span (given->hops, wire_envelope_pack_u64 (hops, n_hops, given->hops));
  given->envelope.hops_before = wire_span (given->before, wire_envelope_pack_u64 (before, n_before, given->before));
}

static void
test_none (void)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.want_hops = 1;
  g_assert_null (deye_bus_hops_new (&envelope));
  deye_bus_hops_note_delivered (NULL);
}

static void
test_publish (void)
{
  const guint64 hops[] = { 1000, 20, 300 };
  const guint64 before[] = { 900 };
  g_autofree DeyeBusHops *read = NULL;
  Given given;

  give (&given, hops, 3, before, 1);
  read = deye_bus_hops_new (&given.envelope);
  for (guint i = 0; i < DEYE_BUS_HOP_PUBLISHED; i++)
    g_assert_cmpint (read->at_us[i], ==, -1);
  g_assert_cmpint (read->at_us[DEYE_BUS_HOP_PUBLISHED], ==, 900);
  g_assert_cmpint (read->at_us[DEYE_BUS_HOP_ACCEPTED], ==, 1000);
  g_assert_cmpint (read->at_us[DEYE_BUS_HOP_QUEUED], ==, 1020);
  g_assert_cmpint (read->at_us[DEYE_BUS_HOP_WRITTEN], ==, 1320);
  g_assert_cmpint (read->at_us[DEYE_BUS_HOP_DELIVERED], ==, -1);
  deye_bus_hops_note_delivered (read);
  g_assert_cmpint (read->at_us[DEYE_BUS_HOP_DELIVERED], >=, 1320);
  read->at_us[DEYE_BUS_HOP_DELIVERED] = 1400;
  deye_bus_hops_note_delivered (read); /* delivered to a second subscription */
  g_assert_cmpint (read->at_us[DEYE_BUS_HOP_DELIVERED], ==, 1400);
}

/* The requester reads the stamps that the responder sends with its answer. */
static void
test_answer (void)
{
  const guint64 to_responder[] = { 1000, 20, 300 };
  const guint64 sent[] = { 900 };
  const guint64 to_requester[] = { G_MAXINT64 / 2, 1, 2 };
  g_autofree DeyeBusHops *request = NULL;
  g_autofree DeyeBusHops *reply = NULL;
  gint64 now_us = g_get_monotonic_time ();
  Given given;

  give (&given, to_responder, 3, sent, 1);
  request = deye_bus_hops_new (&given.envelope);
  request->at_us[DEYE_BUS_HOP_DELIVERED] = 1500;
  give (&given, to_requester, 3, NULL, 0);
  given.envelope.hops_before = wire_span (given.before, deye_bus_hops_write (request, given.before));
  reply = deye_bus_hops_new (&given.envelope);
  g_assert_cmpint (reply->at_us[DEYE_BUS_HOP_REQUEST_PUBLISHED], ==, 900);
  g_assert_cmpint (reply->at_us[DEYE_BUS_HOP_REQUEST_ACCEPTED], ==, 1000);
  g_assert_cmpint (reply->at_us[DEYE_BUS_HOP_REQUEST_QUEUED], ==, 1020);
  g_assert_cmpint (reply->at_us[DEYE_BUS_HOP_REQUEST_WRITTEN], ==, 1320);
  g_assert_cmpint (reply->at_us[DEYE_BUS_HOP_REQUEST_DELIVERED], ==, 1500);
  g_assert_cmpint (reply->at_us[DEYE_BUS_HOP_PUBLISHED], >=, now_us);
  g_assert_cmpint (reply->at_us[DEYE_BUS_HOP_ACCEPTED], ==, G_MAXINT64 / 2);
}

/* An older requester did not send the time of its call. */
static void
test_answer_without_the_call (void)
{
  const guint64 to_responder[] = { 1000, 20, 300 };
  const guint64 to_requester[] = { G_MAXINT64 / 2, 1, 2 };
  g_autofree DeyeBusHops *request = NULL;
  g_autofree DeyeBusHops *reply = NULL;
  Given given;

  give (&given, to_responder, 3, NULL, 0);
  request = deye_bus_hops_new (&given.envelope);
  deye_bus_hops_note_delivered (request);
  give (&given, to_requester, 3, NULL, 0);
  given.envelope.hops_before = wire_span (given.before, deye_bus_hops_write (request, given.before));
  reply = deye_bus_hops_new (&given.envelope);
  g_assert_cmpint (reply->at_us[DEYE_BUS_HOP_REQUEST_PUBLISHED], ==, -1);
  g_assert_cmpint (reply->at_us[DEYE_BUS_HOP_REQUEST_ACCEPTED], ==, 1000);
  g_assert_cmpint (reply->at_us[DEYE_BUS_HOP_REQUEST_DELIVERED], ==, request->at_us[DEYE_BUS_HOP_DELIVERED]);
}

/* The broker reads its clock once in a turn, so a slightly later call has the same time. Another clock is left out. */
static void
test_clocks (void)
{
  const guint64 hops[] = { 5000000, 0, 0 };
  const guint64 later[] = { 5000040 };
  const guint64 other[] = { 6000001 };
  Given given;
  g_autofree DeyeBusHops *same_turn = NULL;
  g_autofree DeyeBusHops *other_clock = NULL;

  give (&given, hops, 3, later, 1);
  same_turn = deye_bus_hops_new (&given.envelope);
  g_assert_cmpint (same_turn->at_us[DEYE_BUS_HOP_PUBLISHED], ==, 5000000);
  give (&given, hops, 3, other, 1);
  other_clock = deye_bus_hops_new (&given.envelope);
  g_assert_cmpint (other_clock->at_us[DEYE_BUS_HOP_PUBLISHED], ==, -1);
}

/* A hostile peer sends arbitrary numbers. */
static void
test_hostile (void)
{
  const guint64 hops[] = { G_MAXUINT64, G_MAXUINT64, G_MAXUINT64, 1, 2 };
  const guint64 before[] = { G_MAXUINT64, G_MAXUINT64, 1, 1, 1, 1 };
  const guint64 too_many[] = { 1, 1, 1, 1, 1, 1, 1 };
  Given given;
  g_autofree DeyeBusHops *large = NULL;
  g_autofree DeyeBusHops *many = NULL;

  give (&given, hops, 5, before, 6);
  large = deye_bus_hops_new (&given.envelope);
  for (guint i = 0; i < DEYE_BUS_HOP_DELIVERED; i++)
    g_assert_cmpint (large->at_us[i], ==, G_MAXINT64);
  deye_bus_hops_note_delivered (large);
  g_assert_cmpint (large->at_us[DEYE_BUS_HOP_DELIVERED], ==, -1);
  give (&given, (const guint64[]){ 7, 0, 0 }, 3, NULL, 0);
  wire_envelope_pack_u64 (too_many, 7, given.before);
  given.envelope.hops_before = wire_span (given.before, 7);
  many = deye_bus_hops_new (&given.envelope);
  g_assert_cmpint (many->at_us[DEYE_BUS_HOP_PUBLISHED], ==, -1);
  g_assert_cmpint (many->at_us[DEYE_BUS_HOP_ACCEPTED], ==, 7);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/hops/none", test_none);
  g_test_add_func ("/client/hops/publish", test_publish);
  g_test_add_func ("/client/hops/answer", test_answer);
  g_test_add_func ("/client/hops/answer-without-the-call", test_answer_without_the_call);
  g_test_add_func ("/client/hops/clocks", test_clocks);
  g_test_add_func ("/client/hops/hostile", test_hostile);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-later.h"

#include "route/route-fixture.h"
#include "control.pb-c.h"

/* Calls that are answered later: their replies, every way in which they end, and their charges. */

typedef struct
{
  BusLater later;
  guint number;
} Record;

static guint n_ended;
static guint last_ended;

static void
on_ended (BusLater *later)
{
  n_ended++;
  last_ended = ((Record *) later)->number;
}

static const BusLaterKind kind = { .size = sizeof (Record), .overdue = "nothing came", .ended = on_ended };

typedef struct
{
  Peers peers;
  BusPeer *asker;
} Fixture;

static void
setup (Fixture *f, gconstpointer limits)
{
  routes_setup (&f->peers, limits);
  f->asker = peers_ready (&f->peers, "asker", 1000);
  n_ended = last_ended = 0;
}

static void
teardown (Fixture *f, gconstpointer data)
{
  bus_later_forget_peer (f->asker);
  routes_teardown (&f->peers, NULL);
}

static Record *
begin (Fixture *f, guint64 id, guint64 deadline_us, guint number)
{
  const BusCall call = {
    .peer = f->asker, .core = f->peers.core, .id = id, .deadline_us = deadline_us, .now_us = f->peers.core->now_us
  };
  Record *record = bus_later_new (&call, &kind);

  if (record != NULL)
    record->number = number;
  return record;
}

static void
test_answers (Fixture *f, gconstpointer data)
{
  Daemoneye__Eventbus__V1__PingReply reply = DAEMONEYE__EVENTBUS__V1__PING_REPLY__INIT;
  guint64 charged = f->asker->ledger.usage.charged;
  Record *record = begin (f, 7, 0, 1);
  g_autoptr (GPtrArray) frames = NULL;

  g_assert_cmpuint (record->later.id, ==, 7);
  g_assert_cmpuint (f->asker->ledger.usage.charged, ==, charged + sizeof (Record));
  g_assert_false (bus_deadline_is_armed (&record->later.timer.deadline));
  bus_later_continue (&record->later, &reply.base);
  bus_later_continue (&record->later, &reply.base);
  g_assert_cmpuint (n_ended, ==, 0);
  g_assert_true (bus_later_is_pending (f->asker, 7));
  bus_later_finish (&record->later, &reply.base);
  g_assert_cmpuint (n_ended, ==, 1);
  g_assert_false (bus_later_is_pending (f->asker, 7));
  frames = peers_take (f->asker);
  g_assert_cmpuint (f->asker->ledger.usage.charged, ==, charged);
  g_assert_cmpuint (frames->len, ==, 3);
  for (guint i = 0; i < frames->len; i++)
    {
      const PeerFrame *frame = g_ptr_array_index (frames, i);

      g_assert_cmpuint (frame->kind, ==, WIRE_KIND_REPLY);
      g_assert_cmpuint (frame->flags, ==, i < 2 ? 0 : WIRE_FLAG_FINAL);
      g_assert_cmpuint (frame->envelope.answers, ==, 7);
    }
}

static void
assert_error (Fixture *f, guint64 id, WireStatus status, const char *detail)
{
  g_autoptr (GPtrArray) frames = peers_take (f->asker);
  const PeerFrame *frame;

  g_assert_cmpuint (frames->len, ==, 1);
  frame = g_ptr_array_index (frames, 0);
  g_assert_cmpuint (frame->kind, ==, WIRE_KIND_ERROR);
  g_assert_cmpuint (frame->envelope.answers, ==, id);
  g_assert_cmpstr (wire_status_name (frame->envelope.status), ==, wire_status_name (status));
  if (detail != NULL)
    g_assert_true (wire_span_equal (frame->envelope.detail, wire_span_str (detail)));
}

static void
test_deadline (Fixture *f, gconstpointer data)
{
  Record *record = begin (f, 7, 500, 1);

  g_assert_cmpint (record->later.timer.deadline.due_us, ==, f->peers.core->now_us + 500);
  g_assert_cmpuint (record->later.timer.kind, ==, BUS_TIMER_LATER);
  g_assert_null (bus_deadline_set_pop_due (&f->peers.core->deadlines, f->peers.core->now_us + 499));
  g_assert_true (bus_deadline_set_pop_due (&f->peers.core->deadlines, f->peers.core->now_us + 500)
                 == &record->later.timer.deadline);
  bus_later_due (&record->later);
  g_assert_cmpuint (n_ended, ==, 1);
  assert_error (f, 7, WIRE_STATUS_TIMEOUT, "nothing came");

  /* A deadline that the clock never reaches arms no timer. */
  record = begin (f, 8, G_MAXUINT64, 2);
  g_assert_false (bus_deadline_is_armed (&record->later.timer.deadline));
}

static void
test_fail (Fixture *f, gconstpointer data)
{
  bus_later_fail (&begin (f, 9, 100, 1)->later, WIRE_STATUS_DENIED, "no");
  g_assert_cmpuint (n_ended, ==, 1);
  assert_error (f, 9, WIRE_STATUS_DENIED, "no");
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  BusPeer *other = peers_ready (&f->peers, "other", 1000);

  begin (f, 7, 100, 1);
  begin (f, 8, 0, 2);
  g_assert_false (bus_later_cancel (f->asker, 6));
  g_assert_false (bus_later_cancel (other, 7));
  g_assert_true (bus_later_cancel (f->asker, 8));
  g_assert_cmpuint (last_ended, ==, 2);
  g_assert_false (bus_later_cancel (f->asker, 8));
  g_assert_cmpuint (n_ended, ==, 1);
  peers_assert_sent (f->asker, "");
  g_assert_true (bus_later_cancel (f->asker, 7));
}

static void
test_disconnect (Fixture *f, gconstpointer data)
{
  begin (f, 7, 100, 1);
  begin (f, 8, 0, 2);
  bus_later_forget_peer (f->asker);
  g_assert_cmpuint (n_ended, ==, 2);
  g_assert_cmpuint (f->peers.core->n_later, ==, 0);
}

/* Requests to peers and waiting calls are counted together and use the same ids. */
static void
test_bounded (Fixture *f, gconstpointer data)
{
  const BusRequester requester = { BUS_REQUESTER_PEER, f->asker, 1, NULL, NULL, NULL };
  BusPeer *server = peers_ready (&f->peers, "server", 1000);
  BusRequest *request = bus_request_new (f->peers.core, BUS_PENDING_REPLY, &requester, server, wire_span_str ("health"),
                                         f->peers.core->now_us + 1000);

  g_assert_null (begin (f, 1, 0, 1));
  assert_error (f, 1, WIRE_STATUS_DUPLICATE_ID, NULL);
  g_assert_nonnull (begin (f, 2, 0, 1));
  g_assert_null (begin (f, 2, 0, 1));
  assert_error (f, 2, WIRE_STATUS_DUPLICATE_ID, NULL);
  g_assert_nonnull (begin (f, 3, 0, 1));
  g_assert_cmpuint (bus_peer_pending (f->asker), ==, 3);
  g_assert_null (begin (f, 4, 0, 1));
  assert_error (f, 4, WIRE_STATUS_LIMIT, NULL);
  bus_request_withdraw (f->peers.core, request);
  g_assert_nonnull (begin (f, 4, 0, 1));
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  BusLimits limits;

  g_test_init (&argc, &argv, NULL);
  bus_limits_init (&limits);
  limits.max_pending_requests = 3;
  ADD ("/core/later/answers", test_answers);
  ADD ("/core/later/R11-deadline", test_deadline);
  ADD ("/core/later/fail", test_fail);
  ADD ("/core/later/cancel", test_cancel);
  ADD ("/core/later/K02-disconnect", test_disconnect);
  g_test_add ("/core/later/R06-bounded", Fixture, &limits, setup, test_bounded, teardown);
  return g_test_run ();
}

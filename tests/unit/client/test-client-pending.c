/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-pending-table.h"
#include "wire-block.h"

#include "deye-bus-error.h"

#include <gio/gio.h>

/* The table of pending calls alone: no session, no clock. */

#define START_US G_GINT64_CONSTANT (1000000)

typedef struct
{
  DeyeBusEvents events;
  DeyeBusPending *hello;
  DeyeBusPendingTable table;
} PendingFixture;

static void
clear_done_event (DeyeBusEvent *event)
{
  g_assert_cmpint (event->kind, ==, DEYE_BUS_EVENT_DONE);
  g_clear_pointer (&event->subject, deye_bus_pending_unref);
}

static void
set_up (PendingFixture *f, gconstpointer data)
{
  deye_bus_events_init (&f->events, clear_done_event);
  f->hello = deye_bus_pending_new (DEYE_BUS_PENDING_HELLO, START_US + 500);
  deye_bus_pending_table_init (&f->table, &f->events, f->hello);
}

static void
tear_down (PendingFixture *f, gconstpointer data)
{
  deye_bus_pending_table_clear (&f->table);
  deye_bus_events_clear (&f->events);
  /* Neither the table nor the events hold a reference to a call. */
  g_assert_cmpuint (f->hello->refs, ==, 1);
  deye_bus_pending_unref (f->hello);
}

static DeyeBusPending *
add_call (PendingFixture *f, guint64 id, DeyeBusPendingKind kind, gint64 deadline_us)
{
  DeyeBusPending *pending = deye_bus_pending_new (kind, deadline_us);

  deye_bus_pending_table_add (&f->table, pending, id);
  return pending;
}

static void
never_called (DeyeBusPending *pending)
{
  g_assert_not_reached ();
}

static void
test_find_sent_only (PendingFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) call = add_call (f, 2, DEYE_BUS_PENDING_REPLY, START_US);

  g_assert_null (deye_bus_pending_table_find (&f->table, 2));
  call->sent = TRUE;
  g_assert_true (deye_bus_pending_table_find (&f->table, 2) == call);
  g_assert_null (deye_bus_pending_table_find (&f->table, 4));
  deye_bus_pending_table_finish (&f->table, call, NULL);
  g_assert_true (call->done);
  g_assert_no_error (call->error);
  g_assert_null (deye_bus_pending_table_find (&f->table, 2));
  g_assert_cmpuint (call->refs, ==, 1);
}

static void
test_event_for_callback_only (PendingFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) polled = add_call (f, 2, DEYE_BUS_PENDING_REPLY, START_US);
  g_autoptr (DeyeBusPending) finished = add_call (f, 4, DEYE_BUS_PENDING_REPLY, START_US);
  DeyeBusEvent event;

  finished->complete = never_called;
  deye_bus_pending_table_finish (&f->table, polled, NULL);
  g_assert_cmpuint (f->events.count, ==, 0);
  deye_bus_pending_table_finish (&f->table, finished, NULL);
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_DONE);
  g_assert_true (event.subject == finished);
  clear_done_event (&event);
}

static void
test_hello (PendingFixture *f, gconstpointer data)
{
  g_assert_true (f->table.hello == f->hello);
  deye_bus_pending_table_finish (&f->table, f->hello, NULL);
  g_assert_null (f->table.hello);
  g_assert_true (f->hello->done);
}

static void
test_overdue (PendingFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) early = add_call (f, 2, DEYE_BUS_PENDING_REPLY, START_US + 100);
  g_autoptr (DeyeBusPending) late = add_call (f, 4, DEYE_BUS_PENDING_REPLY, START_US + 900);
  g_autoptr (GPtrArray) none = NULL;
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) hello = NULL;

  g_assert_cmpint (f->table.next_us, ==, START_US + 100);
  none = deye_bus_pending_table_list_overdue (&f->table, START_US + 99);
  g_assert_cmpuint (none->len, ==, 0);
  first = deye_bus_pending_table_list_overdue (&f->table, START_US + 100);
  g_assert_cmpuint (first->len, ==, 1);
  g_assert_true (first->pdata[0] == early);
  g_assert_cmpint (f->table.next_us, ==, START_US + 500);
  deye_bus_pending_table_finish (&f->table, early, deye_bus_pending_error_overdue (early));
  g_assert_error (early->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  hello = deye_bus_pending_table_list_overdue (&f->table, START_US + 500);
  g_assert_cmpuint (hello->len, ==, 1);
  g_assert_true (hello->pdata[0] == f->hello);
  g_assert_cmpint (f->table.next_us, ==, START_US + 900);
  g_assert_false (late->done);
}

static void
test_overdue_errors (PendingFixture *f, gconstpointer data)
{
  static const struct
  {
    DeyeBusPendingKind kind;
    gboolean sent;
    DeyeBusError code;
  } rows[] = { { DEYE_BUS_PENDING_HELLO, FALSE, DEYE_BUS_ERROR_TIMEOUT },
               { DEYE_BUS_PENDING_SENT, FALSE, DEYE_BUS_ERROR_WOULD_BLOCK },
               { DEYE_BUS_PENDING_ACK, TRUE, DEYE_BUS_ERROR_UNKNOWN },
               { DEYE_BUS_PENDING_REPLY, TRUE, DEYE_BUS_ERROR_TIMEOUT },
               { DEYE_BUS_PENDING_DELIVERED, TRUE, DEYE_BUS_ERROR_UNKNOWN } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DeyeBusPending) pending = deye_bus_pending_new (rows[i].kind, 0);
      g_autoptr (GError) error = NULL;

      pending->sent = rows[i].sent;
      error = deye_bus_pending_error_overdue (pending);
      g_assert_error (error, DEYE_BUS_ERROR, (gint) rows[i].code);
    }
}

/* All calls fail in the order of their ids, which is the order of calling. */
static void
test_fail_all (PendingFixture *f, gconstpointer data)
{
  static const guint64 ids[] = { 8, 2, 6, 4 };
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_pending_unref);
  g_autoptr (GError) reason = g_error_new_literal (DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN, "lost");
  DeyeBusEvent event;

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      DeyeBusPending *call = add_call (f, ids[i], DEYE_BUS_PENDING_REPLY, START_US);

      call->complete = never_called;
      call->sent = ids[i] != 6;
      g_ptr_array_add (calls, call);
    }
  deye_bus_pending_table_fail_all (&f->table, reason);
  g_assert_error (f->hello->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
  g_assert_cmpint (f->table.next_us, ==, G_MAXINT64);
  for (guint64 id = 2; id <= 8; id += 2)
    {
      gint code = id == 6 ? DEYE_BUS_ERROR_NOT_CONNECTED : DEYE_BUS_ERROR_UNKNOWN;
      const DeyeBusPending *call;

      g_assert_true (deye_bus_events_pop (&f->events, &event));
      call = event.subject;
      g_assert_cmpuint (call->id, ==, id);
      g_assert_error (call->error, DEYE_BUS_ERROR, code);
      clear_done_event (&event);
    }
  g_assert_false (deye_bus_events_pop (&f->events, &event));
}

/* When the user closes the client, every call ends with CLOSED, also one that was not sent. */
static void
test_fail_all_closed (PendingFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) call = add_call (f, 2, DEYE_BUS_PENDING_REPLY, START_US);
  g_autoptr (GError) reason = g_error_new_literal (DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED, "closed");

  deye_bus_pending_table_fail_all (&f->table, reason);
  g_assert_error (call->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

/* More calls than initial buckets, and two calls in one bucket. */
static void
test_many (PendingFixture *f, gconstpointer data)
{
  const guint n = 1000;
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_pending_unref);

  for (guint i = 0; i < n; i++)
    {
      DeyeBusPending *call = add_call (f, 2 * (guint64) (i < 8 ? 4096 * (i + 1) : i), DEYE_BUS_PENDING_ACK, START_US);

      call->sent = TRUE;
      g_ptr_array_add (calls, call);
    }
  g_assert_cmpuint (f->table.count, ==, n);
  for (guint i = 0; i < n; i += 2)
    {
      DeyeBusPending *call = calls->pdata[i];

      deye_bus_pending_table_finish (&f->table, call, NULL);
      g_assert_cmpuint (call->refs, ==, 1);
      deye_bus_pending_table_forget (&f->table, call); /* it was removed before: no effect */
    }
  g_assert_cmpuint (f->table.count, ==, n / 2);
  for (guint i = 0; i < n; i++)
    {
      DeyeBusPending *call = calls->pdata[i];

      g_assert_true (deye_bus_pending_table_find (&f->table, call->id) == (i % 2 == 1 ? call : NULL));
    }
}

/* The struct of an ended call is reused for the next call, without data of the first one. */
static void
test_pool (void)
{
  DeyeBusPendingPool *pool = deye_bus_pending_pool_new ();
  DeyeBusPending *call = deye_bus_pending_take (pool, DEYE_BUS_PENDING_ACK, START_US);
  const DeyeBusPending *first = call;

  call->sent = call->done = TRUE;
  call->error = g_error_new_literal (DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED, "closed");
  deye_bus_pending_unref (call);
  call = deye_bus_pending_take (pool, DEYE_BUS_PENDING_REPLY, START_US + 1);
  g_assert_true (call == first || !WIRE_BLOCK_KEEPS);
  g_assert_cmpint (call->kind, ==, DEYE_BUS_PENDING_REPLY);
  g_assert_cmpint (call->deadline_us, ==, START_US + 1);
  g_assert_no_error (call->error);
  g_assert_false (call->sent || call->done);
  deye_bus_pending_pool_unref (pool);
  deye_bus_pending_unref (call); /* the last call that used the pool */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define PENDING_TEST(name, function)                                                                                   \
  g_test_add ("/client/pending/" name, PendingFixture, NULL, set_up, function, tear_down)
  PENDING_TEST ("find-sent-only", test_find_sent_only);
  PENDING_TEST ("event-for-callback-only", test_event_for_callback_only);
  PENDING_TEST ("hello", test_hello);
  PENDING_TEST ("overdue", test_overdue);
  PENDING_TEST ("overdue-errors", test_overdue_errors);
  PENDING_TEST ("fail-all", test_fail_all);
  PENDING_TEST ("fail-all-closed", test_fail_all_closed);
  PENDING_TEST ("many", test_many);
  g_test_add_func ("/client/pending/pool", test_pool);
  return g_test_run ();
}

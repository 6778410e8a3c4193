/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-fixture.h"

#include "deye-bus-socket.h"

/*
 * The process of a collector is suspended just before or after it writes STARTED, and the broker gives the task to another
 * collector during this time. Linked with --wrap, so that the broker can send frames at that point, and reads are counted.
 */

#define OUTCOME(kind) DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_##kind

typedef CollectorFixture Fixture;

typedef struct
{
  Fixture *fixture; /* NULL: the next write is not special */
  gboolean is_before;
  guint reads;       /* reads without bytes just before that write */
  guint64 cancelled; /* the route of the CANCEL that the broker sends; 0: none */
  gboolean is_lost;  /* the broker then closes the connection */
} Suspension;

static Suspension suspension;

static void
suspension_end (void)
{
  Fixture *f = g_steal_pointer (&suspension.fixture);

  if (suspension.cancelled != 0)
    {
      collector_script_cancel (f->base.in, suspension.cancelled, WIRE_STATUS_SUPERSEDED);
      client_fixture_send (&f->base);
    }
  if (suspension.is_lost)
    client_fixture_disconnect (&f->base);
}

static guint reads; /* since the last one that returned bytes */

gssize __real_deye_bus_socket_read (DeyeBusSocket socket, guint8 *bytes, gsize len, const char **why);
gssize __wrap_deye_bus_socket_read (DeyeBusSocket socket, guint8 *bytes, gsize len, const char **why);

gssize
__wrap_deye_bus_socket_read (DeyeBusSocket socket, guint8 *bytes, gsize len, const char **why)
{
  gssize got = __real_deye_bus_socket_read (socket, bytes, len, why);

  reads = got > 0 ? 0 : reads + 1;
  return got;
}

gssize __real_deye_bus_socket_write (DeyeBusSocket socket, const WireSpan *spans, guint n_spans);
gssize __wrap_deye_bus_socket_write (DeyeBusSocket socket, const WireSpan *spans, guint n_spans);

gssize
__wrap_deye_bus_socket_write (DeyeBusSocket socket, const WireSpan *spans, guint n_spans)
{
  gssize written;

  if (suspension.fixture != NULL)
    suspension.reads = reads;
  if (suspension.fixture != NULL && suspension.is_before)
    suspension_end ();
  written = __real_deye_bus_socket_write (socket, spans, n_spans);
  if (suspension.fixture != NULL)
    suspension_end ();
  return written;
}

/* The broker offers the task of route 700. The client's next write is STARTED. */
static void
offer (Fixture *f, const Suspension *how)
{
  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", NULL);
  suspension = *how;
  suspension.fixture = f;
  client_fixture_send_and_settle (&f->base);
  g_assert_null (suspension.fixture);
}

/* @data: not NULL: before the write */
static void
test_superseded (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  offer (f, &(const Suspension){ .is_before = data != NULL, .cancelled = 700 });
  frames = collector_receive (f);
  g_assert_cmpuint (f->log.calls, ==, 0);
  g_assert_cmpuint (deye_bus_collector_get_running (f->collector), ==, 0);
  g_assert_cmpuint (frames->len, ==, 2);
  collector_assert_progress (frames->pdata[0], 700, TRUE, 0);
  collector_assert_outcome (frames->pdata[1], 700, OUTCOME (CANCELLED));
}

/* The task of another route is cancelled. */
static void
test_other (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  offer (f, &(const Suspension){ .cancelled = 701 });
  frames = collector_receive (f);
  g_assert_cmpuint (f->log.calls, ==, 1);
  g_assert_cmpuint (frames->len, ==, 1);
  collector_assert_progress (frames->pdata[0], 700, TRUE, 0);
}

/* The collector does not begin a task whose lease has ended with the connection, so it does not claim it either. @data: not NULL:
 * other bytes are in front of the end */
static void
test_lost (Fixture *f, gconstpointer data)
{
  offer (f, &(const Suspension){ .cancelled = data != NULL ? 701 : 0, .is_lost = TRUE });
  g_assert_cmpint (deye_bus_client_get_state (f->base.client), !=, DEYE_BUS_CLIENT_STATE_READY);
  g_assert_cmpuint (f->log.calls, ==, 0);
  g_assert_cmpuint (deye_bus_collector_get_running (f->collector), ==, 0);
}

/* Between the read that gets Execute and the write of STARTED, the client reads once more. */
static void
test_reads (Fixture *f, gconstpointer data)
{
  offer (f, &(const Suspension){ 0 });
  g_assert_cmpuint (f->log.calls, ==, 1);
  g_assert_cmpuint (suspension.reads, ==, 1);
}

#define ADD(path, data, function)                                                                                      \
  g_test_add ("/client/started/" path, Fixture, data, collector_fixture_set_up, function, collector_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("K05-superseded-before-it-is-written", "before", test_superseded);
  ADD ("K05-superseded-after-it-was-written", NULL, test_superseded);
  ADD ("other-task-cancelled", NULL, test_other);
  ADD ("reads", NULL, test_reads);
  ADD ("K09-connection-lost", NULL, test_lost);
  ADD ("K09-connection-lost-behind-bytes", "bytes", test_lost);
  return g_test_run ();
}

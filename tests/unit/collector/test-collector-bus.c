/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-bus.h"

#include "client-fixture.h"

/* The times at which a collector program is ready and ends. There is no broker: the signals of the collector are emitted
 * here. */

typedef struct
{
  CollectorOptions options;
  CollectorBus bus;
  guint joined;
  guint ready;
} Fixture;

static void
count_joined (gpointer data)
{
  ((Fixture *) data)->joined++;
}

static void
count_ready (gpointer data)
{
  ((Fixture *) data)->ready++;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->options = (CollectorOptions){
    .id = (char *) "x-1", .type = (char *) "x", .address = (char *) "/nowhere/bus", .heartbeat_ms = 5000, .ready_fd = -1
  };
  collector_bus_init (&f->bus, &f->options);
  f->bus.data = f;
  f->bus.on_ready = count_ready;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  collector_bus_clear (&f->bus);
}

static void
join (Fixture *f)
{
  g_signal_emit_by_name (f->bus.collector, "registered");
}

/* A program without its own function for this becomes ready once, when it has joined. */
static void
test_ready_at_once (Fixture *f, gconstpointer data)
{
  join (f);
  join (f);
  g_assert_cmpuint (f->ready, ==, 1);
}

static void
test_ready_later (Fixture *f, gconstpointer data)
{
  f->bus.on_joined = count_joined;
  join (f);
  join (f);
  g_assert_cmpuint (f->joined, ==, 2);
  g_assert_cmpuint (f->ready, ==, 0);
  collector_bus_report_ready (&f->bus);
  collector_bus_report_ready (&f->bus);
  g_assert_cmpuint (f->ready, ==, 1);
}

/* A refusal without a connection is ignored. */
static void
test_refused_without_connection (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED, "no tasks");

  g_signal_emit_by_name (f->bus.collector, "refused", error);
  g_assert_cmpuint (f->ready, ==, 0);
}

static void
test_not_while_it_drains (Fixture *f, gconstpointer data)
{
  g_assert_true (deye_bus_collector_drain (f->bus.collector, 0, NULL));
  join (f);
  g_assert_cmpuint (f->ready, ==, 0);
}

static gboolean
fail (gpointer data)
{
  Fixture *f = data;

  collector_bus_fail (&f->bus, g_error_new_literal (DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED, "first"));
  collector_bus_fail (&f->bus, g_error_new_literal (DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT, "second"));
  return G_SOURCE_REMOVE;
}

static void
test_failure (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_idle_add (fail, f);
  g_assert_false (collector_bus_run (&f->bus, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
}

#define ADD(path, function) g_test_add ("/collector/bus/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("ready-at-once", test_ready_at_once);
  ADD ("ready-later", test_ready_later);
  ADD ("refused-without-connection", test_refused_without_connection);
  ADD ("not-while-it-drains", test_not_while_it_drains);
  ADD ("failure", test_failure);
  return g_test_run ();
}

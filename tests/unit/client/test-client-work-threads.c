/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-fixture.h"

/*
 * The last reference to a collector is released in another thread while a third thread reports the progress of a work, and the
 * thread of the context iterates it. The collector's end ends the reports.
 */

#define ROUNDS 200u

typedef CollectorFixture Fixture;

static void
set_flag (gpointer flag)
{
  g_atomic_int_set ((gint *) flag, TRUE);
}

typedef struct
{
  DeyeBusWork *work; /* owned */
  gint begun;
  gint ended;
} Reporter;

static gpointer
report_until_cancelled (gpointer data)
{
  Reporter *self = data;
  g_autoptr (GError) error = NULL;

  for (guint64 i = 1; deye_bus_work_progress (self->work, i, 0, NULL, NULL, &error); i++)
    g_atomic_int_set (&self->begun, TRUE);
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CANCELLED);
  g_assert_cmpint (deye_bus_work_get_cancel_reason (self->work), ==, DEYE_BUS_CANCEL_STOPPED);
  g_clear_object (&self->work); /* without a result: it is abandoned */
  g_atomic_int_set (&self->ended, TRUE);
  return NULL;
}

static gpointer
drop_in_thread (gpointer collector)
{
  g_object_unref (collector);
  return NULL;
}

static void
start_work (Fixture *f)
{
  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", NULL);
  client_fixture_send_and_settle (&f->base);
  g_assert_cmpuint (f->log.calls, ==, 1);
}

/* Iterates until the collector and the thread of its work have ended. */
static void
drop_while_reporting (void)
{
  Fixture f = { 0 };
  Reporter reporter = { 0 };
  GThread *report, *drop;
  gint freed = FALSE;

  collector_fixture_set_up (&f, NULL);
  start_work (&f);
  g_object_set_data_full (G_OBJECT (f.collector), "test-end", &freed, set_flag);
  reporter.work = g_steal_pointer (&f.log.work);
  g_main_context_pop_thread_default (f.base.context);
  report = g_thread_new ("report", report_until_cancelled, &reporter);
  while (!g_atomic_int_get (&reporter.begun))
    g_main_context_iteration (f.base.context, FALSE);
  drop = g_thread_new ("drop", drop_in_thread, g_steal_pointer (&f.collector));
  while (!g_atomic_int_get (&freed) || !g_atomic_int_get (&reporter.ended))
    g_main_context_iteration (f.base.context, FALSE);
  g_thread_join (drop);
  g_thread_join (report);
  g_main_context_push_thread_default (f.base.context);
  collector_fixture_tear_down (&f, NULL);
}

static void
test_collector_dropped (void)
{
  for (guint i = 0; i < ROUNDS; i++)
    drop_while_reporting ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/work-threads/collector-dropped", test_collector_dropped);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-steps.h"

#include "deye-bus-error.h"

#include <string.h>

/* Steps alone: a table of four rows; a letter sets the behaviour of each row. */

typedef struct
{
  DeyeBusSteps steps;
  const char *plan; /* for each row: w: waits, n: not needed, f: fails at once, o: its call may fail */
  GString *log;     /* steps that ran and ended */
} StepsFixture;

static void
set_up (StepsFixture *f, gconstpointer data)
{
  f->log = g_string_new (NULL);
}

static void
tear_down (StepsFixture *f, gconstpointer data)
{
  deye_bus_steps_clear (&f->steps);
  g_string_free (f->log, TRUE);
}

static DeyeBusPending *
run_row (StepsFixture *f, guint row, GError **error)
{
  g_string_append_printf (f->log, "run%u ", row);
  if (f->plan[row] == 'n')
    return NULL;
  if (f->plan[row] != 'f')
    return deye_bus_pending_new (DEYE_BUS_PENDING_REPLY, 0);
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT, "at once");
  return NULL;
}

static void
end_row (StepsFixture *f, guint row, DeyeBusPending *pending)
{
  g_string_append_printf (f->log, "end%u%s ", row, pending->error != NULL ? "!" : "");
  if (f->plan[row] == 'o')
    g_clear_error (&pending->error);
}

#define ROW(n)                                                                                                         \
  static DeyeBusPending *run_row_##n (gpointer owner, GError **error)                                                  \
  {                                                                                                                    \
    return run_row (owner, n, error);                                                                                  \
  }                                                                                                                    \
  static void end_row_##n (gpointer owner, DeyeBusPending *pending)                                                    \
  {                                                                                                                    \
    end_row (owner, n, pending);                                                                                       \
  }
ROW (0)
ROW (1)
ROW (2)

static DeyeBusPending *
run_row_3 (gpointer owner, GError **error)
{
  return run_row (owner, 3, error);
}

static const DeyeBusStep table[] = { { "0", run_row_0, end_row_0 },
                                     { "1", run_row_1, end_row_1 },
                                     { "2", run_row_2, end_row_2 },
                                     { "3", run_row_3, NULL } };

static void
start (StepsFixture *f, const char *plan)
{
  g_assert_cmpuint (strlen (plan), ==, G_N_ELEMENTS (table));
  f->plan = plan;
  deye_bus_steps_init (&f->steps, table, G_N_ELEMENTS (table), f);
}

/* Ends the call of the current step, with success or with an error. */
static void
end_call (StepsFixture *f, gboolean ok)
{
  g_assert_nonnull (f->steps.pending);
  f->steps.pending->done = TRUE;
  if (!ok)
    f->steps.pending->error = g_error_new_literal (DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT, "too late");
}

static void
assert_advance (StepsFixture *f, DeyeBusStepsResult wanted, const char *log)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (deye_bus_steps_advance (&f->steps, &error), ==, wanted);
  g_assert_true ((error != NULL) == (wanted == DEYE_BUS_STEPS_FAILED));
  g_assert_true ((f->steps.pending != NULL) == (wanted == DEYE_BUS_STEPS_WAIT));
  g_assert_cmpstr (f->log->str, ==, log);
  g_string_truncate (f->log, 0);
}

static void
test_in_order (StepsFixture *f, gconstpointer data)
{
  start (f, "wwww");
  assert_advance (f, DEYE_BUS_STEPS_WAIT, "run0 ");
  end_call (f, TRUE);
  assert_advance (f, DEYE_BUS_STEPS_WAIT, "end0 run1 ");
  end_call (f, TRUE);
  assert_advance (f, DEYE_BUS_STEPS_WAIT, "end1 run2 ");
  end_call (f, TRUE);
  assert_advance (f, DEYE_BUS_STEPS_WAIT, "end2 run3 ");
  end_call (f, TRUE);
  assert_advance (f, DEYE_BUS_STEPS_DONE, "");
  assert_advance (f, DEYE_BUS_STEPS_DONE, "");
}

static void
test_not_needed (StepsFixture *f, gconstpointer data)
{
  start (f, "nwnn");
  assert_advance (f, DEYE_BUS_STEPS_WAIT, "run0 run1 ");
  end_call (f, TRUE);
  assert_advance (f, DEYE_BUS_STEPS_DONE, "end1 run2 run3 ");
}

static void
test_fails_at_once (StepsFixture *f, gconstpointer data)
{
  start (f, "wfww");
  assert_advance (f, DEYE_BUS_STEPS_WAIT, "run0 ");
  end_call (f, TRUE);
  assert_advance (f, DEYE_BUS_STEPS_FAILED, "end0 run1 ");
  /* No step runs after a failure. */
  assert_advance (f, DEYE_BUS_STEPS_DONE, "");
}

static void
test_call_fails (StepsFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  start (f, "wwww");
  assert_advance (f, DEYE_BUS_STEPS_WAIT, "run0 ");
  end_call (f, FALSE);
  g_assert_cmpint (deye_bus_steps_advance (&f->steps, &error), ==, DEYE_BUS_STEPS_FAILED);
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  g_assert_cmpstr (f->log->str, ==, "end0! ");
}

/* The last row has no end function, so an error of its call fails the step. */
static void
test_call_fails_without_end (StepsFixture *f, gconstpointer data)
{
  start (f, "nnnw");
  assert_advance (f, DEYE_BUS_STEPS_WAIT, "run0 run1 run2 run3 ");
  end_call (f, FALSE);
  assert_advance (f, DEYE_BUS_STEPS_FAILED, "");
}

static void
test_optional (StepsFixture *f, gconstpointer data)
{
  start (f, "onwn");
  assert_advance (f, DEYE_BUS_STEPS_WAIT, "run0 ");
  end_call (f, FALSE);
  assert_advance (f, DEYE_BUS_STEPS_WAIT, "end0! run1 run2 ");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define STEPS_TEST(name, function) g_test_add ("/client/steps/" name, StepsFixture, NULL, set_up, function, tear_down)
  STEPS_TEST ("in-order", test_in_order);
  STEPS_TEST ("not-needed", test_not_needed);
  STEPS_TEST ("fails-at-once", test_fails_at_once);
  STEPS_TEST ("call-fails", test_call_fails);
  STEPS_TEST ("call-fails-without-end", test_call_fails_without_end);
  STEPS_TEST ("optional", test_optional);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-task-state.h"

/*
 * The table of the states of a task. Each cell is a separate test. The rows of the design are repeated here and give the expected
 * entries of their cells.
 */

#define BIT(state) (1u << BUS_TASK_##state)
#define LIVE       (BIT (QUEUED) | BIT (DELAYED) | BIT (OFFERED) | BIT (RUNNING) | BIT (CANCELLING))
#define FINAL      (BIT (SUCCEEDED) | BIT (FAILED) | BIT (TIMED_OUT) | BIT (CANCELLED))
#define TERMINAL   (FINAL | BIT (QUARANTINED))
#define ALL        (LIVE | TERMINAL)

typedef struct
{
  const char *path;
  guint from; /* bits of states */
  BusTaskEvent event;
  guint to;
} Row;

/* clang-format off */
#define ROW(path, from, event, to) { "/core/work/task-state/row/" path, from, BUS_TASK_ON_##event, BUS_TASK_##to }

static const Row rows[] = {
  ROW ("offer", BIT (QUEUED), OFFER, OFFERED),
  ROW ("started", BIT (OFFERED), STARTED, RUNNING),
  ROW ("busy", BIT (OFFERED), BUSY, QUEUED),
  ROW ("K08-silent-offer", BIT (OFFERED), SILENT, QUEUED),
  ROW ("K01-eof-while-offered", BIT (OFFERED), EOF, QUEUED),
  ROW ("K14-drain-while-offered", BIT (OFFERED), DRAIN, QUEUED),
  ROW ("offer-deregister", BIT (OFFERED), DEREGISTER, QUEUED),
  ROW ("offer-withdrawn", BIT (OFFERED), WITHDRAWN, QUEUED),
  ROW ("offer-closed", BIT (OFFERED), CLOSED, QUEUED),
  ROW ("final-without-started", BIT (OFFERED), RESULT, SUCCEEDED),
  ROW ("failure-without-started", BIT (OFFERED), FAILURE, FAILED),
  ROW ("retryable-without-started", BIT (OFFERED), RETRYABLE, DELAYED),
  ROW ("progress-without-started", BIT (OFFERED), PROGRESS, RUNNING),
  ROW ("D04-progress", BIT (RUNNING), PROGRESS, RUNNING),
  ROW ("result", BIT (RUNNING), RESULT, SUCCEEDED),
  ROW ("failure", BIT (RUNNING), FAILURE, FAILED),
  ROW ("retryable", BIT (RUNNING), RETRYABLE, DELAYED),
  ROW ("K01-eof", BIT (RUNNING), EOF, QUEUED),
  ROW ("K04-progress-over", BIT (RUNNING), PROGRESS_OVER, QUEUED),
  ROW ("run-over", BIT (RUNNING), RUN_OVER, QUEUED),
  ROW ("K14-drain-over", BIT (RUNNING), DRAIN_OVER, QUEUED),
  ROW ("deregister", BIT (RUNNING), DEREGISTER, QUEUED),
  ROW ("closed", BIT (RUNNING), CLOSED, QUEUED),
  ROW ("stopped-without-cancel", BIT (RUNNING), STOPPED, DELAYED),
  ROW ("withdrawn-runs-on", BIT (RUNNING), WITHDRAWN, IGNORED),
  ROW ("held-runs-on", BIT (RUNNING), HELD, IGNORED),
  ROW ("started-again", BIT (RUNNING) | BIT (CANCELLING), STARTED, IGNORED),
  ROW ("cancel", BIT (QUEUED) | BIT (DELAYED) | BIT (OFFERED), CANCEL, CANCELLED),
  ROW ("cancel-running", BIT (RUNNING), CANCEL, CANCELLING),
  ROW ("cancelling-result", BIT (CANCELLING), RESULT, SUCCEEDED),
  ROW ("cancelling-stopped", BIT (CANCELLING), STOPPED, CANCELLED),
  ROW ("cancelling-failure", BIT (CANCELLING), FAILURE, CANCELLED),
  ROW ("cancelling-retryable", BIT (CANCELLING), RETRYABLE, CANCELLED),
  ROW ("cancelling-eof", BIT (CANCELLING), EOF, CANCELLED),
  ROW ("cancelling-deregister", BIT (CANCELLING), DEREGISTER, CANCELLED),
  ROW ("cancelling-grace-over", BIT (CANCELLING), GRACE_OVER, CANCELLED),
  ROW ("cancelling-deadline", BIT (CANCELLING), DEADLINE, CANCELLED),
  ROW ("cancelling-progress", BIT (CANCELLING), PROGRESS, IGNORED),
  ROW ("cancelling-cancel", BIT (CANCELLING), CANCEL, IGNORED),
  ROW ("cancelling-drain", BIT (CANCELLING), DRAIN, IGNORED),
  ROW ("cancelling-run-over", BIT (CANCELLING), RUN_OVER, NEVER),
  ROW ("cancelling-progress-over", BIT (CANCELLING), PROGRESS_OVER, NEVER),
  ROW ("deadline", LIVE & ~BIT (CANCELLING), DEADLINE, TIMED_OUT),
  ROW ("K06-exhausted", LIVE, EXHAUSTED, QUARANTINED),
  ROW ("K06-given-up", LIVE, GIVEN_UP, FAILED),
  ROW ("K06-poison", LIVE, POISON, QUARANTINED),
  ROW ("due", BIT (DELAYED), DUE, QUEUED),
  ROW ("K03-late-result", BIT (QUEUED), RESULT, SUCCEEDED),
  ROW ("late-started", BIT (QUEUED), STARTED, RUNNING),
  ROW ("late-progress", BIT (QUEUED), PROGRESS, IGNORED),
  ROW ("late-failure", BIT (QUEUED), FAILURE, QUEUED),
  ROW ("late-retryable", BIT (QUEUED), RETRYABLE, QUEUED),
  ROW ("late-stopped", BIT (QUEUED), STOPPED, QUEUED),
  ROW ("claim", BIT (QUEUED), CLAIM, RUNNING),
  ROW ("alone", BIT (QUEUED) | BIT (DELAYED) | BIT (OFFERED), ALONE, CANCELLED),
  ROW ("alone-running", BIT (RUNNING), ALONE, CANCELLING),
  ROW ("quarantine-over", BIT (QUARANTINED), STORE_OVER, FAILED),
  ROW ("terminal-cancel", TERMINAL, CANCEL, IGNORED),
  ROW ("K05-terminal-result", TERMINAL, RESULT, REFUSED),
  ROW ("K05-terminal-started", TERMINAL, STARTED, REFUSED),
  ROW ("K05-terminal-claim", TERMINAL, CLAIM, REFUSED),
  ROW ("K05-stale", ALL, STALE, REFUSED),
  ROW ("release", BIT (QUARANTINED), RELEASE, QUEUED),
  ROW ("drop", BIT (QUARANTINED), DROP, FAILED),
  ROW ("release-others", ALL & ~BIT (QUARANTINED), RELEASE, REFUSED),
  ROW ("submit-quarantined", BIT (QUARANTINED), SUBMIT, REFUSED),
  ROW ("submit-attaches", ALL & ~BIT (QUARANTINED), SUBMIT, IGNORED),
  ROW ("unsafe", BIT (QUEUED), UNSAFE, QUARANTINED),
};
/* clang-format on */

static void
test_row (gconstpointer data)
{
  const Row *row = data;

  for (guint state = BUS_TASK_QUEUED; state < BUS_N_TASK_STATES; state++)
    if (row->from & (1u << state))
      {
        g_test_message ("%s, %s", bus_task_state_name (state), bus_task_event_name (row->event));
        g_assert_cmpuint (bus_task_transition (state, row->event), ==, row->to);
      }
}

/* --- each cell --- */

static gboolean
is_of_quarantine (guint event)
{
  return event == BUS_TASK_ON_RELEASE || event == BUS_TASK_ON_DROP || event == BUS_TASK_ON_STORE_OVER;
}

/* Returns whether a peer can cause the event. Such an event is never a fault of the core (BUS_TASK_NEVER). */
static gboolean
is_by_peer (guint event)
{
  return (event >= BUS_TASK_ON_STARTED && event <= BUS_TASK_ON_STALE) || event == BUS_TASK_ON_SUBMIT
         || event == BUS_TASK_ON_CANCEL || event == BUS_TASK_ON_RELEASE || event == BUS_TASK_ON_DROP;
}

static void
test_cell (gconstpointer data)
{
  guint state = GPOINTER_TO_UINT (data) / BUS_N_TASK_EVENTS;
  guint event = GPOINTER_TO_UINT (data) % BUS_N_TASK_EVENTS;
  guint next = bus_task_transition (state, event);
  gboolean is_live = bus_task_state_is_live (state);

  g_assert_cmpuint (next, >, 0);
  g_assert_cmpuint (next, <=, BUS_TASK_NEVER);
  if (is_by_peer (event))
    g_assert_cmpuint (next, !=, BUS_TASK_NEVER);
  if (!is_live && !is_of_quarantine (event))
    g_assert_cmpuint (next, >=, BUS_TASK_IGNORED);
  if (!is_live && is_of_quarantine (event))
    g_assert_true (next >= BUS_TASK_IGNORED || state == BUS_TASK_QUARANTINED);
  if (next == BUS_TASK_OFFERED)
    g_assert_cmpuint (state, ==, BUS_TASK_QUEUED);
  if (next == BUS_TASK_CANCELLING)
    g_assert_cmpuint (state, ==, BUS_TASK_RUNNING);
  if (next == BUS_TASK_SUCCEEDED)
    g_assert_cmpuint (event, ==, BUS_TASK_ON_RESULT);
}

static void
add_cells (void)
{
  for (guint state = BUS_TASK_QUEUED; state < BUS_N_TASK_STATES; state++)
    for (guint event = 0; event < BUS_N_TASK_EVENTS; event++)
      {
        g_autofree char *path
            = g_strdup_printf ("/core/work/task-state/%s/%s", bus_task_state_name (state), bus_task_event_name (event));

        g_test_add_data_func (path, GUINT_TO_POINTER (state * BUS_N_TASK_EVENTS + event), test_cell);
      }
}

static void
test_names (void)
{
  for (guint state = BUS_TASK_QUEUED; state < BUS_N_TASK_STATES; state++)
    g_assert_cmpstr (bus_task_state_name (state), !=, "unknown");
  for (guint event = 0; event < BUS_N_TASK_EVENTS; event++)
    {
      g_assert_nonnull (bus_task_event_name (event));
      g_assert_nonnull (bus_task_event_cause (event));
    }
}

/* A setting has the spelling of its key in the configuration. */
static void
test_causes (void)
{
  for (guint event = 0; event < BUS_N_TASK_EVENTS; event++)
    g_assert_null (strchr (bus_task_event_cause (event), '_'));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_test_add_data_func (rows[i].path, &rows[i], test_row);
  add_cells ();
  g_test_add_func ("/core/work/task-state/names", test_names);
  g_test_add_func ("/core/work/task-state/M27-settings-as-in-the-configuration", test_causes);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Chaos with real processes: an agent, eight collectors, and two submitters and an asker in this process. Faults of a seeded
 * schedule are injected while tasks and questions to many collectors run. Then all faults end, and the final state is checked.
 *
 * Half of the time the recovery window of the agent is long enough for all clients to connect again; half of the time it is not.
 *
 * TEST_CHAOS_SEED sets another seed, TEST_CHAOS_S the length of both halves together. The seed and each injected fault are
 * printed. The same seed gives the same schedule and the same tasks, not the same run: that depends on the scheduler of the
 * system.
 *
 * At the end every accepted task has ended once, each manifest accounts for every collector that was asked (chaos-questions.h),
 * the audit of the ledger finds no fault (chaos-audit.h), and the agent holds as much as at the beginning: no task, slot, request,
 * queued message, byte or file descriptor, and no other peer is connected.
 */

#include "chaos-audit.h"
#include "chaos-scene.h"
#include "test-dir.h"

#define LENGTH_S   20u
#define QUIET_S    220u /* the watchdog's limit after the faults */
#define MOST_SHOWN 20u

/* Times are shorter than the defaults, so that limits are often exceeded in a short run. A collector still connects again within
 * the recovery window, because it is suspended for 1.5 s at most. */
#define HASTY                                                                                                          \
  "task_progress_us=400000\n"                                                                                          \
  "task_run_limit_us=900000\n"                                                                                         \
  "task_offer_us=400000\n"                                                                                             \
  "task_cancel_us=400000\n"                                                                                            \
  "task_heartbeat_us=300000\n"                                                                                         \
  "task_return_us=300000\n"                                                                                            \
  "task_retry_us=50000\n"                                                                                              \
  "task_max_retry_us=400000\n"                                                                                         \
  "task_hold_us=100000\n"                                                                                              \
  "task_max_hold_us=300000\n"                                                                                          \
  "task_submitter_us=800000\n"                                                                                         \
  "introspect_per_second=1000000\n"
static const BusFixtureOptions hasty = { .agent_program = TRUE, .limits = HASTY };
static const BusFixtureOptions forgetful = { .agent_program = TRUE, .limits = HASTY "task_recovery_us=15000" };

/* Resources that the agent holds when only the controller is connected. */
typedef struct
{
  guint descriptors;
  guint peers;
  guint subscriptions;
  guint groups;
  guint retained;
  guint held;
  guint collectors;
  guint64 queued;
  guint64 charged;
  guint64 memory;
} Holdings;

static guint
number_from (const char *variable, guint otherwise)
{
  const char *text = g_getenv (variable);

  return text != NULL ? (guint) g_ascii_strtoull (text, NULL, 10) : otherwise;
}

/* The descriptors of another process; 0: the system does not show them. */
static guint
count_descriptors (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/fd", (int) pid);
  GDir *dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  if (dir == NULL)
    return 0;
  while (g_dir_read_name (dir) != NULL)
    n++;
  g_dir_close (dir);
  return n;
}

static Holdings
holdings (ChaosScene *scene)
{
  g_auto (BusStatsView) view = bus_fixture_stats (scene->tasks.bus.controller);
  const Daemoneye__Eventbus__V1__BusTotals *totals = view.reply->totals;

  return (Holdings){
    .descriptors = count_descriptors (test_process_pid (scene->tasks.bus.broker)),
    .peers = totals->peers,
    .subscriptions = totals->subscriptions,
    .groups = totals->groups,
    .retained = totals->retained_messages,
    .held = totals->held_messages,
    .collectors = totals->collectors,
    .queued = totals->queued_messages,
    .charged = totals->charged_bytes,
    .memory = totals->memory_bytes,
  };
}

static char *
describe_holdings (const Holdings *h)
{
  return g_strdup_printf ("descriptors %u, peers %u, subscriptions %u, groups %u, retained %u, held %u, collectors %u, "
                          "queued %" G_GUINT64_FORMAT ", charged %" G_GUINT64_FORMAT ", memory %" G_GUINT64_FORMAT,
                          h->descriptors, h->peers, h->subscriptions, h->groups, h->retained, h->held, h->collectors,
                          h->queued, h->charged, h->memory);
}

/* --- the run --- */

static void
run_schedule (ChaosScene *scene, const GArray *schedule, gint64 length_us)
{
  const gint64 begin_us = g_get_monotonic_time ();
  guint next = 0;

  while (g_get_monotonic_time () - begin_us < length_us)
    {
      test_watchdog_note ("a turn after %u faults", next);
      chaos_scene_turn (scene, TRUE);
      while (next < schedule->len
             && g_array_index (schedule, ChaosEvent, next).at_us <= g_get_monotonic_time () - begin_us)
        chaos_scene_put (scene, &g_array_index (schedule, ChaosEvent, next++));
    }
}

static void
wait_ended (ChaosScene *scene)
{
  while (chaos_load_alive (scene->load) + chaos_questions_open (scene->questions) > 0)
    {
      g_autofree char *one = chaos_load_describe (scene->load);

      test_watchdog_note ("the end of %u questions and %u tasks, such as %s", chaos_questions_open (scene->questions),
                          chaos_load_alive (scene->load), one);
      chaos_scene_turn (scene, FALSE);
    }
}

/* --- the final state --- */

static gboolean
collector_is_free (const CollectorRecord *record)
{
  return record != NULL && record->state == DAEMONEYE__EVENTBUS__V1__MEMBER_STATE__MEMBER_READY && record->running == 0
         && record->offered == 0 && record->zombie == 0;
}

/* Waits until each collector is ready and none of its slots is used. */
static void
wait_free (ChaosScene *scene)
{
  for (guint i = 0; i < CHAOS_COLLECTORS;)
    {
      g_autoptr (CollectorRecord) record = task_scene_member (&scene->tasks, scene->collectors[i].id);
      if (collector_is_free (record))
        {
          i++;
          continue;
        }
      if (record != NULL)
        test_watchdog_note ("free slots of %s: state %d, running %u, offered %u, zombie %u; %s", record->id,
                            record->state, record->running, record->offered, record->zombie, record->cause);
      chaos_scene_turn (scene, FALSE);
    }
}

static void
drop_page (ChaosScene *scene)
{
  Daemoneye__Eventbus__V1__TaskListRequest wanted = DAEMONEYE__EVENTBUS__V1__TASK_LIST_REQUEST__INIT;
  Daemoneye__Eventbus__V1__TaskIdsRequest dropped = DAEMONEYE__EVENTBUS__V1__TASK_IDS_REQUEST__INIT;
  Daemoneye__Eventbus__V1__TaskState quarantined = DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_QUARANTINED;
  Daemoneye__Eventbus__V1__TaskListReply *page;
  g_autofree char **ids = NULL;

  wanted.states = &quarantined;
  wanted.n_states = 1;
  page = (Daemoneye__Eventbus__V1__TaskListReply *) task_scene_ask (
      &scene->tasks, "control.bus.task", "List", &wanted.base, &daemoneye__eventbus__v1__task_list_reply__descriptor);
  ids = g_new (char *, page->n_tasks + 1);
  for (gsize i = 0; i < page->n_tasks; i++)
    ids[i] = page->tasks[i]->id;
  dropped.ids = ids;
  dropped.n_ids = page->n_tasks;
  if (page->n_tasks > 0)
    protobuf_c_message_free_unpacked (task_scene_ask (&scene->tasks, "control.bus.task", "Drop", &dropped.base,
                                                      &daemoneye__eventbus__v1__task_ids_reply__descriptor),
                                      NULL);
  daemoneye__eventbus__v1__task_list_reply__free_unpacked (page, NULL);
}

/* Waits until only the outcomes of tasks are left. */
static void
wait_no_tasks (ChaosScene *scene)
{
  for (;;)
    {
      g_auto (BusStatsView) view = bus_fixture_stats (scene->tasks.bus.controller);
      const Daemoneye__Eventbus__V1__BusTotals *totals = view.reply->totals;

      if (totals->live_tasks == 0 && totals->task_bytes == 0 && totals->quarantined_tasks == 0
          && totals->quarantine_bytes == 0)
        return;
      drop_page (scene);
      test_watchdog_note ("no tasks; there are %u live of %" G_GUINT64_FORMAT
                          " bytes, %u quarantined of %" G_GUINT64_FORMAT,
                          totals->live_tasks, (guint64) totals->task_bytes, totals->quarantined_tasks,
                          (guint64) totals->quarantine_bytes);
      chaos_scene_turn (scene, FALSE);
    }
}

/* The agent removes ended connections a little later. */
static void
wait_holdings (ChaosScene *scene, const Holdings *before)
{
  g_autofree char *wanted = describe_holdings (before);

  for (;;)
    {
      const Holdings now = holdings (scene);
      g_autofree char *text = describe_holdings (&now);

      if (g_str_equal (text, wanted))
        return;
      test_watchdog_note ("%s; there are %s", wanted, text);
      bus_fixture_run_briefly (&scene->tasks.bus);
    }
}

static void
report (const ChaosScene *scene, const ChaosAudit *audit)
{
  const ChaosLoad *load = scene->load;
  g_autofree char *questions = chaos_questions_describe (scene->questions);

  for (guint i = 0; i < CHAOS_N_FAULTS; i++)
    g_test_message ("%s: %u times", chaos_fault_name (i), scene->counts[i]);
  g_test_message (
      "tasks: %u succeeded, %u failed, %u timed out, %u cancelled, %u quarantined, %u unknown",
      chaos_load_ended (load, DEYE_BUS_TASK_STATE_SUCCEEDED), chaos_load_ended (load, DEYE_BUS_TASK_STATE_FAILED),
      chaos_load_ended (load, DEYE_BUS_TASK_STATE_TIMED_OUT), chaos_load_ended (load, DEYE_BUS_TASK_STATE_CANCELLED),
      chaos_load_ended (load, DEYE_BUS_TASK_STATE_QUARANTINED), chaos_load_ended (load, DEYE_BUS_TASK_STATE_UNKNOWN));
  g_test_message ("questions: %s", questions);
  g_test_message ("%u runs, %u of them repeated, %u beside another run whose claim was not adopted", audit->runs,
                  audit->repeated, audit->excused);
}

static void
assert_none (const char *what, const GPtrArray *faults)
{
  for (guint i = 0; i < MIN (faults->len, MOST_SHOWN); i++)
    g_test_message ("%s: %s", what, (const char *) faults->pdata[i]);
  g_assert_cmpuint (faults->len, ==, 0);
}

/* @options: const BusFixtureOptions */
static void
test_tasks (gconstpointer options)
{
  const guint32 seed = number_from ("TEST_CHAOS_SEED", 1);
  const gint64 length_us = number_from ("TEST_CHAOS_S", LENGTH_S) * G_TIME_SPAN_SECOND / 2;
  g_autoptr (GArray) schedule = chaos_schedule_new (seed, length_us);
  ChaosScene scene = { 0 };
  ChaosAudit *audit;
  Holdings before;

  g_test_message ("seed %u, %u faults", seed, schedule->len);
  chaos_scene_set_up (&scene, options, seed);
  before = holdings (&scene);
  chaos_scene_start (&scene);
  run_schedule (&scene, schedule, length_us);
  chaos_scene_calm (&scene);
  wait_ended (&scene);
  wait_free (&scene);
  wait_no_tasks (&scene);
  chaos_scene_leave (&scene);
  wait_holdings (&scene, &before);
  audit = chaos_audit_new (scene.ledger_path, options == &hasty);
  report (&scene, audit);
  assert_none ("load", chaos_load_faults (scene.load));
  assert_none ("questions", chaos_questions_faults (scene.questions));
  assert_none ("ledger", audit->faults);
  chaos_audit_free (audit);
  chaos_scene_tear_down (&scene);
}

/* --- the audit itself --- */

#define RUN_A "registered w1.1 7\nbegin w1.1 t 1 harm 7\n"

static const struct
{
  const char *name;
  const char *ledger;
  guint faults;
  guint excused;
} ledgers[] = {
  { "K05-one-after-the-other",
    RUN_A "end w1.1 t 1 retry\nbegin w2.1 t 2 harm 7\nend w2.1 t 2 done\nfinal t 6 w2.1/2/t\n", 0, 0 },
  { "K05-at-the-same-time", RUN_A "begin w2.1 t 2 harm 7\n", 1, 0 },
  { "K02-after-a-death", RUN_A "dead w1.1\nbegin w2.1 t 2 harm 7\nend w1.1 t 1 done\n", 0, 0 },
  { "K09-not-claimed-in-time", RUN_A "agent\nknown t w1 1\nbegin w2.1 t 2 harm 8\nregistered w1.1 8\n", 0, 1 },
  { "K09-claimed", RUN_A "agent\nknown t w1 1\nregistered w1.1 8\nbegin w2.1 t 2 harm 8\n", 1, 0 },
  { "K09-not-known", RUN_A "agent\nknown t w1 1\nknown t - 0\nregistered w1.1 8\nbegin w2.1 t 2 harm 8\n", 0, 1 },
  { "K05-overtaken", "begin w1.1 t 1 scan 7\nbegin w2.1 t 2 scan 7\nend w1.1 t 1 done\nfinal t 6 w1.1/1/t\n", 1, 0 },
  { "K09-overtaken-and-claimed",
    "begin w1.1 t 1 scan 7\nbegin w2.1 t 2 scan 7\nagent\nend w1.1 t 1 done\nfinal t 6 w1.1/1/t\n", 0, 0 },
  { "K03-result-that-no-run-sent", RUN_A "final t 6 w2.1/1/t\n", 1, 0 },
  { "K03-result-of-another-task", RUN_A "end w1.1 t 1 done\nfinal t 6 w1.1/1/u\n", 1, 0 },
  { "K03-result-before-its-end", RUN_A "final t 6 w1.1/1/t\n", 1, 0 },
  { "K03-begun-after-the-result", RUN_A "end w1.1 t 1 done\nfinal t 6 w1.1/1/t\nbegin w2.1 t 2 harm 7\n", 1, 0 },
  { "K09-begun-after-unknown", RUN_A "agent\nend w1.1 t 1 done\nfinal t 12 -\nbegin w2.1 t 2 harm 8\n", 1, 0 },
  { "K14-left-while-it-runs", RUN_A "left w1.1\n", 1, 0 },
  { "K03-ended-twice", RUN_A "end w1.1 t 1 done\nend w1.1 t 1 done\n", 1, 0 },
  { "K01-part-of-a-line", RUN_A "end w1.1\n", 1, 0 },
};

static void
test_audit (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  char *dir = test_dir_new ();
  g_autofree char *path = g_build_filename (dir, "ledger", NULL);
  g_autoptr (GError) error = NULL;
  ChaosAudit *audit;

  g_file_set_contents (path, ledgers[i].ledger, -1, &error);
  g_assert_no_error (error);
  audit = chaos_audit_new (path, TRUE);
  for (guint j = 0; j < audit->faults->len; j++)
    g_test_message ("%s", (const char *) audit->faults->pdata[j]);
  g_assert_cmpuint (audit->faults->len, ==, ledgers[i].faults);
  g_assert_cmpuint (audit->excused, ==, ledgers[i].excused);
  chaos_audit_free (audit);
  test_dir_remove (dir);
}

int
main (int argc, char **argv)
{
  g_autofree char *patience = g_strdup_printf ("%u", number_from ("TEST_CHAOS_S", LENGTH_S) + QUIET_S);

  g_setenv ("TEST_WATCHDOG_S", patience, FALSE);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (ledgers); i++)
    {
      g_autofree char *path = g_strconcat ("/integration/chaos/audit/", ledgers[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_audit);
    }
  g_test_add_data_func ("/integration/chaos/M12-M21-K01-K02-K03-K04-K05-K06-K07-K09-K10-K14-D06-D07-tasks", &hasty,
                        test_tasks);
  g_test_add_data_func (
      "/integration/chaos/M12-M21-K01-K02-K03-K04-K05-K06-K07-K09-K10-K14-D06-D07-tasks-short-recovery", &forgetful,
      test_tasks);
  return g_test_run ();
}

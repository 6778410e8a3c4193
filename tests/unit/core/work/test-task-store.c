/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/peer-fixture.h"
#include "work/bus-task-store.h"

/* The store of all tasks: shelves, bounds and charges. */

#define SEED 5u

typedef struct
{
  BusLimits limits;
  BusDeadlineSet deadlines;
  GHashTable *accounts;
  BusAccount *one;
  BusAccount *two;
  BusTaskStore store;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  const BusCredentials one = { .account = 1001, .account_name = "1001" };
  const BusCredentials two = { .account = 1002, .account_name = "1002" };

  bus_limits_init (&f->limits);
  f->limits.task_queue = 4;
  f->limits.task_queue_per_account = 3;
  f->limits.task_settled_ids = 16;
  f->limits.task_window_us = 1000;
  f->limits.task_quarantine = 2;
  bus_deadline_set_init (&f->deadlines);
  f->accounts = bus_account_table_new ();
  f->one = bus_account_join (f->accounts, NULL, &one);
  f->two = bus_account_join (f->accounts, NULL, &two);
  bus_task_store_init (&f->store, &f->limits, &f->deadlines, f->accounts, SEED);
}

/* Asserts that no charge, timer or account of a task is left. */
static void
teardown (Fixture *f, gconstpointer data)
{
  bus_task_store_clear (&f->store);
  g_assert_cmpuint (f->one->task_bytes, ==, 0);
  g_assert_cmpuint (f->one->live_tasks, ==, 0);
  bus_account_leave (f->accounts, &f->deadlines, f->one);
  bus_account_leave (f->accounts, &f->deadlines, f->two);
  g_assert_cmpuint (g_hash_table_size (f->accounts), ==, 0);
  g_hash_table_unref (f->accounts);
  bus_deadline_set_clear (&f->deadlines);
}

static BusTaskSpec
spec_of (const char *id, gsize len)
{
  static const guint8 bytes[65536];

  return (BusTaskSpec){ .id = wire_span_str (id),
                        .operation = WIRE_SPAN_LITERAL ("scan"),
                        .payload = wire_span (bytes, len),
                        .attempts = 3,
                        .deadline_us = 500 };
}

static BusTask *
add (Fixture *f, BusAccount *account, const char *id, gsize len)
{
  const BusTaskSpec spec = spec_of (id, len);

  return bus_task_store_add (&f->store, account, &spec, 100);
}

static guint
sum_of (const Fixture *f)
{
  guint64 sum = 0;

  for (guint i = 0; i < BUS_N_SHELVES; i++)
    sum += f->store.bytes[i];
  return (guint) sum;
}

/* The same id of two accounts names two tasks. */
static void
test_accounts (Fixture *f, gconstpointer data)
{
  BusTask *first = add (f, f->one, "same", 10);
  BusTask *second = add (f, f->two, "same", 10);

  g_assert_true (bus_task_store_find (&f->store, 1001, WIRE_SPAN_LITERAL ("same")) == first);
  g_assert_true (bus_task_store_find (&f->store, 1002, WIRE_SPAN_LITERAL ("same")) == second);
  g_assert_null (bus_task_store_find (&f->store, 1003, WIRE_SPAN_LITERAL ("same")));
  g_assert_cmpuint (second->sequence, ==, first->sequence + 1);
  g_assert_cmpuint (f->one->task_bytes, ==, first->charged);
  g_assert_cmpuint (sum_of (f), ==, first->charged + second->charged);
}

/* A refusal names the setting of the bound. A task that fits is never refused because of another account's share. */
static void
test_bounds (Fixture *f, gconstpointer data)
{
  const BusTaskSpec spec = spec_of ("next", 10);
  const BusTaskSpec large = spec_of ("large", 65536);
  BusExcess excess;

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);

      g_assert_false (bus_task_store_is_full (&f->store, f->one, &spec, &excess));
      add (f, f->one, id, 10);
    }
  g_assert_true (bus_task_store_is_full (&f->store, f->one, &spec, &excess));
  g_assert_cmpint (excess.limit, ==, BUS_LIMIT_task_queue_per_account);
  g_assert_cmpuint (excess.value, ==, 4);
  g_assert_false (bus_task_store_is_full (&f->store, f->two, &spec, &excess));
  f->limits.task_bytes = f->store.bytes[BUS_SHELF_LIVE] + 60000;
  g_assert_true (bus_task_store_is_full (&f->store, f->two, &large, &excess));
  g_assert_cmpint (excess.limit, ==, BUS_LIMIT_task_bytes);
  add (f, f->two, "fourth", 10);
  g_assert_true (bus_task_store_is_full (&f->store, f->two, &spec, &excess));
  g_assert_cmpint (excess.limit, ==, BUS_LIMIT_task_queue);
}

static void
end (Fixture *f, BusTask *task, BusTaskEvent event, gint64 now_us)
{
  bus_task_on (&f->store.rules, task, event, NULL, now_us);
  bus_task_store_ended (&f->store, task, now_us);
}

/* A result stays in the live budget until it is taken; then it is kept in the window, and afterwards only its id is kept. */
static void
test_window (Fixture *f, gconstpointer data)
{
  const BusTaskAnswer answer = { .kind = BUS_OUTCOME_SUCCEEDED, .payload = spec_of ("", 300).payload };
  BusTask *task = add (f, f->one, "t", 200);

  g_assert_cmpint (bus_deadline_set_next_us (&f->deadlines), ==, 600);
  bus_task_set_result (task, &answer);
  end (f, task, BUS_TASK_ON_RESULT, 200);
  g_assert_cmpint (task->shelf, ==, BUS_SHELF_LIVE);
  g_assert_null (task->payload);
  g_assert_cmpuint (f->store.bytes[BUS_SHELF_LIVE], ==, task->charged);
  g_assert_cmpint (bus_deadline_set_next_us (&f->deadlines), ==, 1200);
  bus_task_store_settle (&f->store, task, 300);
  bus_task_store_settle (&f->store, task, 400); /* no effect */
  g_assert_cmpint (task->shelf, ==, BUS_SHELF_WINDOW);
  g_assert_cmpuint (f->store.bytes[BUS_SHELF_LIVE], ==, 0);
  g_assert_cmpuint (f->store.bytes[BUS_SHELF_WINDOW], >=, 300);
  g_assert_cmpint (bus_deadline_set_next_us (&f->deadlines), ==, 1300);
  g_assert_cmpuint (bus_task_store_settled (&f->store, 1001, WIRE_SPAN_LITERAL ("t")), ==, 0);
  bus_task_store_forget (&f->store, task);
  g_assert_null (bus_task_store_find (&f->store, 1001, WIRE_SPAN_LITERAL ("t")));
  g_assert_cmpuint (bus_task_store_settled (&f->store, 1001, WIRE_SPAN_LITERAL ("t")), ==, BUS_TASK_SUCCEEDED);
  g_assert_cmpuint (bus_task_store_settled (&f->store, 1002, WIRE_SPAN_LITERAL ("t")), ==, 0);
  g_assert_cmpuint (sum_of (f), ==, 0);
}

/* Settling a live task has no effect. */
static void
test_settle_live (Fixture *f, gconstpointer data)
{
  BusTask *task = add (f, f->one, "t", 200);

  bus_task_store_settle (&f->store, task, 300);
  g_assert_cmpint (task->shelf, ==, BUS_SHELF_LIVE);
  g_assert_null (bus_task_store_next_excess (&f->store));
}

/* The oldest task leaves the window first. */
static void
test_window_full (Fixture *f, gconstpointer data)
{
  BusTask *first = add (f, f->one, "a", 10);
  BusTask *second = add (f, f->one, "b", 10);

  end (f, first, BUS_TASK_ON_CANCEL, 200);
  end (f, second, BUS_TASK_ON_CANCEL, 200);
  bus_task_store_settle (&f->store, second, 300);
  bus_task_store_settle (&f->store, first, 300);
  g_assert_null (bus_task_store_next_excess (&f->store));
  f->limits.task_window_bytes = second->charged;
  g_assert_true (bus_task_store_next_excess (&f->store) == second);
  bus_task_store_forget (&f->store, second);
  g_assert_null (bus_task_store_next_excess (&f->store));
}

/* Quarantined tasks leave the live budget, keep their history, and are released with a new deadline. */
static void
test_quarantine (Fixture *f, gconstpointer data)
{
  BusTask *task = add (f, f->one, "t", 200);

  end (f, task, BUS_TASK_ON_POISON, 200);
  g_assert_cmpint (task->shelf, ==, BUS_SHELF_QUARANTINE);
  g_assert_nonnull (task->payload);
  g_assert_nonnull (task->history);
  g_assert_cmpuint (f->one->live_tasks, ==, 0);
  g_assert_cmpuint (bus_task_on (&f->store.rules, task, BUS_TASK_ON_RELEASE, NULL, 300), ==, BUS_TASK_QUEUED);
  bus_task_store_released (&f->store, task, 300);
  g_assert_cmpint (task->shelf, ==, BUS_SHELF_LIVE);
  g_assert_cmpint (task->due_us, ==, 800);
  g_assert_cmpint (bus_deadline_set_next_us (&f->deadlines), ==, 800);
  g_assert_cmpuint (f->one->live_tasks, ==, 1);
}

/* Above the bound of bytes only the hash of a payload is kept; above the bound of tasks the oldest one leaves quarantine. */
static void
test_quarantine_full (Fixture *f, gconstpointer data)
{
  BusTask *tasks[3];

  f->limits.task_quarantine_bytes = 2 * (sizeof (BusTask) + 1000);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);

      tasks[i] = add (f, f->one, id, i == 0 ? 1000 : 60000);
      end (f, tasks[i], BUS_TASK_ON_POISON, 200);
    }
  g_assert_nonnull (tasks[0]->payload);
  g_assert_null (tasks[1]->payload);
  g_assert_true (tasks[1]->payload_dropped);
  g_assert_true (bus_task_store_next_excess (&f->store) == tasks[0]);
  bus_task_on (&f->store.rules, tasks[0], BUS_TASK_ON_STORE_OVER, NULL, 300);
  bus_task_store_ended (&f->store, tasks[0], 300);
  g_assert_cmpint (tasks[0]->shelf, ==, BUS_SHELF_WINDOW);
  g_assert_null (bus_task_store_next_excess (&f->store));
}

/* The oldest ids are forgotten; an id that is settled again is the newest. */
static void
test_settled_ids (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);
      BusTask *task = add (f, f->one, i == 18 ? "t5" : id, 1);

      end (f, task, BUS_TASK_ON_CANCEL, 200);
      bus_task_store_forget (&f->store, task);
    }
  g_assert_cmpuint (f->store.settled.ids.length, ==, 16);
  g_assert_cmpuint (bus_task_store_settled (&f->store, 1001, WIRE_SPAN_LITERAL ("t2")), ==, 0);
  g_assert_cmpuint (bus_task_store_settled (&f->store, 1001, WIRE_SPAN_LITERAL ("t5")), ==, BUS_TASK_CANCELLED);
  g_assert_cmpuint (bus_task_store_settled (&f->store, 1001, WIRE_SPAN_LITERAL ("t19")), ==, BUS_TASK_CANCELLED);
}

/* A result that exceeds the bound is kept, and new tasks are refused until there is room. */
static void
test_result_above (Fixture *f, gconstpointer data)
{
  const BusTaskSpec spec = spec_of ("next", 10);
  const BusTaskAnswer answer = { .kind = BUS_OUTCOME_SUCCEEDED, .payload = spec_of ("", 60000).payload };
  BusTask *task = add (f, f->one, "t", 200);
  BusExcess excess;

  f->limits.task_bytes = 30000;
  bus_task_set_result (task, &answer);
  end (f, task, BUS_TASK_ON_RESULT, 200);
  g_assert_nonnull (task->result->payload);
  g_assert_true (bus_task_store_is_full (&f->store, f->one, &spec, &excess));
  bus_task_store_settle (&f->store, task, 300);
  g_assert_false (bus_task_store_is_full (&f->store, f->one, &spec, &excess));
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/work/task-store/accounts", test_accounts);
  ADD ("/core/work/task-store/K08-bounds", test_bounds);
  ADD ("/core/work/task-store/S18-window", test_window);
  ADD ("/core/work/task-store/settle-live", test_settle_live);
  ADD ("/core/work/task-store/window-full", test_window_full);
  ADD ("/core/work/task-store/K06-quarantine", test_quarantine);
  ADD ("/core/work/task-store/K06-quarantine-full", test_quarantine_full);
  ADD ("/core/work/task-store/settled-ids", test_settled_ids);
  ADD ("/core/work/task-store/result-above", test_result_above);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-task.h"

/* The record of a task alone: its texts, state, history, results and size. */

#define SEED 77u

typedef struct
{
  BusDeadlineSet deadlines;
  BusTaskRules rules;
  BusAccount account;
} Fixture;

static void
fixture_init (Fixture *f)
{
  memset (f, 0, sizeof *f);
  bus_deadline_set_init (&f->deadlines);
  f->rules.deadlines = &f->deadlines;
  f->account.number = 0x01020304;
}

static void
fixture_clear (Fixture *f)
{
  bus_deadline_set_clear (&f->deadlines);
}

static BusTaskSpec
spec_of (const char *id)
{
  return (BusTaskSpec){ .id = wire_span_str (id),
                        .operation = WIRE_SPAN_LITERAL ("scan"),
                        .type = WIRE_SPAN_LITERAL ("procmond"),
                        .target = WIRE_SPAN_LITERAL ("procmond-1"),
                        .payload = WIRE_SPAN_LITERAL ("payload"),
                        .payload_type = WIRE_SPAN_LITERAL ("a.Payload"),
                        .priority = 5,
                        .attempts = 3,
                        .deadline_us = 1000 };
}

static void
test_texts (void)
{
  static const WireSpan tags[] = { WIRE_SPAN_LITERAL ("os=linux"), WIRE_SPAN_LITERAL ("gpu=1") };
  Fixture f;
  BusTaskSpec spec = spec_of ("task-1");
  BusTask *task;
  guint8 bytes[BUS_TASK_KEY_MAX];
  BusKey key;

  fixture_init (&f);
  spec.tags = tags;
  spec.n_tags = 2;
  task = bus_task_new (&f.account, &spec, SEED, 50);
  key = bus_task_key (SEED, f.account.number, spec.id, bytes);
  g_assert_true (bus_key_equal (&key, &task->key));
  g_assert_true (wire_span_equal (bus_task_id (task), spec.id));
  g_assert_true (wire_span_equal (task->operation.text, spec.operation));
  g_assert_true (wire_span_equal (task->type, spec.type));
  g_assert_true (wire_span_equal (task->target, spec.target));
  g_assert_true (wire_span_equal (task->payload_type, spec.payload_type));
  g_assert_cmpuint (task->tags->len, ==, 2);
  g_assert_cmpint (task->due_us, ==, 1050);
  g_assert_cmpuint (task->state, ==, BUS_TASK_QUEUED);
  key = bus_task_key (SEED, f.account.number + 1, spec.id, bytes);
  g_assert_false (bus_key_equal (&key, &task->key));
  bus_task_free (task);
  fixture_clear (&f);
}

static void
test_delayed (void)
{
  Fixture f;
  BusTaskSpec spec = spec_of ("later");
  BusTask *task;

  fixture_init (&f);
  spec.not_before_us = 10;
  task = bus_task_new (&f.account, &spec, SEED, 0);
  g_assert_cmpuint (task->state, ==, BUS_TASK_DELAYED);
  g_assert_cmpuint (task->wait_reason, ==, BUS_WAIT_NOT_BEFORE);
  bus_task_free (task);
  fixture_clear (&f);
}

/* Leaving a state stops its timers; a terminal state stops the deadline as well. */
static void
test_timers (void)
{
  Fixture f;
  const BusTaskSpec spec = spec_of ("t");
  BusTask *task;

  fixture_init (&f);
  task = bus_task_new (&f.account, &spec, SEED, 0);
  bus_deadline_arm (&f.deadlines, &task->deadline_timer.deadline, 100);
  bus_deadline_arm (&f.deadlines, &task->timer.deadline, 10);
  g_assert_cmpuint (bus_task_on (&f.rules, task, BUS_TASK_ON_OFFER, NULL, 1), ==, BUS_TASK_OFFERED);
  g_assert_false (bus_deadline_is_armed (&task->timer.deadline));
  g_assert_cmpuint (bus_task_on (&f.rules, task, BUS_TASK_ON_STARTED, NULL, 2), ==, BUS_TASK_RUNNING);
  bus_deadline_arm (&f.deadlines, &task->timer.deadline, 10);
  bus_deadline_arm (&f.deadlines, &task->run_timer.deadline, 20);
  g_assert_cmpuint (bus_task_on (&f.rules, task, BUS_TASK_ON_PROGRESS, NULL, 3), ==, BUS_TASK_RUNNING);
  g_assert_true (bus_deadline_is_armed (&task->timer.deadline));
  g_assert_true (bus_deadline_is_armed (&task->run_timer.deadline));
  g_assert_cmpuint (bus_task_on (&f.rules, task, BUS_TASK_ON_CANCEL, NULL, 4), ==, BUS_TASK_CANCELLING);
  g_assert_false (bus_deadline_is_armed (&task->timer.deadline));
  g_assert_false (bus_deadline_is_armed (&task->run_timer.deadline));
  g_assert_true (bus_deadline_is_armed (&task->deadline_timer.deadline));
  g_assert_cmpuint (bus_task_on (&f.rules, task, BUS_TASK_ON_RESULT, NULL, 5), ==, BUS_TASK_SUCCEEDED);
  g_assert_cmpint (bus_deadline_set_next_us (&f.deadlines), ==, G_MAXINT64);
  bus_task_free (task);
  fixture_clear (&f);
}

/* Each verdict is counted, and only a change of the state adds a step to the history. */
static void
test_counts (void)
{
  Fixture f;
  const BusTaskSpec spec = spec_of ("t");
  BusTask *task;

  fixture_init (&f);
  task = bus_task_new (&f.account, &spec, SEED, 0);
  g_assert_cmpuint (bus_task_on (&f.rules, task, BUS_TASK_ON_STALE, NULL, 1), ==, BUS_TASK_REFUSED);
  g_assert_cmpuint (bus_task_on (&f.rules, task, BUS_TASK_ON_PROGRESS, NULL, 1), ==, BUS_TASK_IGNORED);
  g_assert_cmpuint (bus_task_on (&f.rules, task, BUS_TASK_ON_FAILURE, NULL, 1), ==, BUS_TASK_QUEUED);
  g_assert_null (task->history);
  g_assert_cmpuint (f.rules.refused, ==, 1);
  g_assert_cmpuint (f.rules.ignored, ==, 1);
  g_assert_cmpuint (f.rules.reached[BUS_TASK_QUEUED][BUS_TASK_ON_STALE], ==, 1);
  bus_task_on (&f.rules, task, BUS_TASK_ON_OFFER, NULL, 7);
  g_assert_cmpuint (task->history->len, ==, 1);
  g_assert_cmpint (g_array_index (task->history, BusTaskStep, 0).at_us, ==, 7);
  g_assert_cmpuint (g_array_index (task->history, BusTaskStep, 0).state, ==, BUS_TASK_OFFERED);
  bus_task_free (task);
  fixture_clear (&f);
}

/* The history keeps the newest steps. */
static void
test_history (void)
{
  Fixture f;
  const BusTaskSpec spec = spec_of ("t");
  char *member = g_ref_string_new ("procmond-1");
  BusTask *task;

  fixture_init (&f);
  task = bus_task_new (&f.account, &spec, SEED, 0);
  for (gint64 i = 0; i < 40; i++)
    {
      bus_task_on (&f.rules, task, BUS_TASK_ON_OFFER, member, 2 * i);
      bus_task_on (&f.rules, task, BUS_TASK_ON_BUSY, member, 2 * i + 1);
    }
  g_assert_cmpuint (task->history->len, ==, BUS_TASK_HISTORY_MAX);
  g_assert_cmpint (g_array_index (task->history, BusTaskStep, 15).at_us, ==, 79);
  g_assert_cmpint (g_array_index (task->history, BusTaskStep, 0).at_us, ==, 64);
  bus_task_free (task);
  g_ref_string_release (member);
  fixture_clear (&f);
}

/* Scenario 17: the answer names the fields that differ. */
static void
test_difference (void)
{
  Fixture f;
  const BusTaskSpec spec = spec_of ("t");
  BusTaskSpec other;
  BusTask *task;

  fixture_init (&f);
  task = bus_task_new (&f.account, &spec, SEED, 0);
  g_assert_null (bus_task_difference (task, &spec, SEED));
#define DIFFERS(field, value, name)                                                                                    \
  other = spec;                                                                                                        \
  other.field = value;                                                                                                 \
  g_assert_cmpstr (bus_task_difference (task, &other, SEED), ==, name)
  DIFFERS (operation, WIRE_SPAN_LITERAL ("other"), "operation");
  DIFFERS (type, WIRE_SPAN_LITERAL (""), "type");
  DIFFERS (payload, WIRE_SPAN_LITERAL ("Payload"), "payload");
  DIFFERS (payload_type, WIRE_SPAN_LITERAL ("b"), "payload_type");
  DIFFERS (priority, 6, "priority");
  DIFFERS (target, WIRE_SPAN_LITERAL (""), "target");
  DIFFERS (n_tags, 1, "tags");
  DIFFERS (exclusive, TRUE, "exclusive");
  DIFFERS (run_limit_us, 5, "run_limit_us");
  DIFFERS (cancel_when_alone, TRUE, "on_submitter_gone");
  DIFFERS (attempts, 2, "attempts");
#undef DIFFERS
  bus_task_drop_payloads (task);
  g_assert_null (bus_task_difference (task, &spec, SEED));
  g_assert_true (task->payload_dropped);
  bus_task_free (task);
  fixture_clear (&f);
}

/* The size includes all data of the task. Texts are cut, and details stay until newer details arrive. */
static void
test_size (void)
{
  Fixture f;
  g_autofree char *long_text = g_strnfill (1000, 'x');
  const BusTaskSpec spec = spec_of ("t");
  const BusTaskReport report
      = { .done = 1, .total = 2, .text = wire_span_str (long_text), .details = WIRE_SPAN_LITERAL ("cursor") };
  const BusTaskReport second = { .done = 2, .total = 2 };
  const BusTaskAnswer answer = { .kind = BUS_OUTCOME_SUCCEEDED, .payload = wire_span_str (long_text) };
  BusTask *task;
  gsize before;

  fixture_init (&f);
  task = bus_task_new (&f.account, &spec, SEED, 0);
  before = bus_task_size (task);
  g_assert_cmpuint (before, >=, sizeof (BusTask) + strlen ("payload"));
  bus_task_set_progress (task, &report);
  g_assert_cmpuint (strlen (task->progress->text), ==, BUS_TASK_TEXT_MAX);
  g_assert_cmpuint (bus_task_size (task), >=, before + BUS_TASK_TEXT_MAX + 6);
  bus_task_set_progress (task, &second);
  g_assert_cmpuint (task->progress->done, ==, 2);
  g_assert_cmpuint (g_bytes_get_size (task->progress->details), ==, 6);
  before = bus_task_size (task);
  bus_task_set_result (task, &answer);
  g_assert_cmpuint (bus_task_size (task), >=, before + 1000);
  bus_task_drop_payloads (task);
  g_assert_cmpuint (bus_task_size (task), <, before + 500);
  g_assert_cmpuint (task->result->payload_len, ==, 1000);
  bus_task_free (task);
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/work/task/M11-texts", test_texts);
  g_test_add_func ("/core/work/task/M11-delayed", test_delayed);
  g_test_add_func ("/core/work/task/timers", test_timers);
  g_test_add_func ("/core/work/task/counts", test_counts);
  g_test_add_func ("/core/work/task/K06-history", test_history);
  g_test_add_func ("/core/work/task/S17-difference", test_difference);
  g_test_add_func ("/core/work/task/size", test_size);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "worker-talk.h"

void
worker_do (TestProcess *worker, const char *command, const char *answer)
{
  test_process_send (worker, "%s", command);
  test_process_expect_line (worker, answer);
}

void
worker_numbers (TestProcess *worker, const char *answer, guint64 *numbers, guint n)
{
  g_autofree char *text = test_process_expect (worker, answer);
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  g_test_message ("[%d] %s %s", (int) test_process_pid (worker), answer, text);
  g_assert_cmpuint (g_strv_length (words), ==, n);
  for (guint i = 0; i < n; i++)
    numbers[i] = g_ascii_strtoull (words[i], NULL, 10);
}

void
worker_subscribe (TestProcess *worker, const char *name, const char *rest)
{
  g_autofree char *command = g_strdup_printf ("subscribe %s %s", name, rest);
  g_autofree char *answer = g_strdup_printf ("subscribed %s", name);

  worker_do (worker, command, answer);
}

void
worker_await (TestProcess *worker, const char *name, guint64 total)
{
  g_autofree char *command = g_strdup_printf ("await %s %" G_GUINT64_FORMAT, name, total);
  g_autofree char *answer = g_strdup_printf ("reached %s", name);

  worker_do (worker, command, answer);
}

WorkerGot
worker_report (TestProcess *worker, const char *name)
{
  g_autofree char *answer = g_strdup_printf ("got %s", name);
  guint64 numbers[4];

  test_process_send (worker, "report %s", name);
  worker_numbers (worker, answer, numbers, G_N_ELEMENTS (numbers));
  g_assert_cmpuint (numbers[2], ==, 0);
  g_assert_cmpuint (numbers[3], ==, 0);
  return (WorkerGot){ numbers[0], numbers[1] };
}

static WorkerGot
sum_of (TestProcess **workers, guint n, const char *name)
{
  WorkerGot sum = { 0 };

  for (guint i = 0; i < n; i++)
    {
      WorkerGot one = worker_report (workers[i], name);

      sum.received += one.received;
      sum.missed += one.missed;
    }
  return sum;
}

WorkerGot
worker_await_sum (BusFixture *f, TestProcess **workers, guint n, const char *name, guint64 total)
{
  WorkerGot sum = sum_of (workers, n, name);

  while (sum.received + sum.missed < total)
    {
      test_watchdog_note ("%" G_GUINT64_FORMAT " messages; %" G_GUINT64_FORMAT " were received, %" G_GUINT64_FORMAT
                          " were missed",
                          total, sum.received, sum.missed);
      bus_fixture_run_briefly (f);
      sum = sum_of (workers, n, name);
    }
  test_watchdog_note (NULL);
  g_assert_cmpuint (sum.received + sum.missed, ==, total);
  return sum;
}

WorkerDetail
worker_detail (TestProcess *worker, const char *name)
{
  g_autofree char *answer = g_strdup_printf ("detail %s", name);
  guint64 n[6];

  test_process_send (worker, "detail %s", name);
  worker_numbers (worker, answer, n, G_N_ELEMENTS (n));
  return (WorkerDetail){ n[0], n[1], n[2], n[3], n[4], n[5] };
}

void
worker_publish (TestProcess *worker, const char *topic, guint n, guint size)
{
  test_process_send (worker, "publish %s %u %u", topic, n, size);
  test_process_expect_line (worker, "published");
}

/* SPDX-License-Identifier: Apache-2.0 */

/* The helpers themselves: a fixture that lies would make every test of real processes worthless. */

#include "test-process.h"
#include "test-watchdog.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  GMainContext *context;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  test_watchdog_start (g_test_get_path ());
  f->context = g_main_context_new ();
  g_main_context_push_thread_default (f->context);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_main_context_pop_thread_default (f->context);
  g_main_context_unref (f->context);
  test_watchdog_stop ();
}

static void
test_lines (Fixture *f, gconstpointer data)
{
  const char *argv[] = { "cat", NULL };
  g_autoptr (TestProcess) process = test_process_spawn (argv, -1, NULL);
  g_autofree char *second = NULL;
  g_autofree char *first = NULL;

  test_process_send (process, "a %d", 1);
  test_process_send (process, "b %d", 2);
  second = test_process_expect (process, "b");
  g_assert_cmpstr (second, ==, "2");
  g_assert_true (test_process_has (process, "a"));
  first = test_process_expect (process, "a");
  g_assert_cmpstr (first, ==, "1");
  g_assert_false (test_process_has (process, "a"));
  g_assert_cmpint (test_process_end (process), ==, 0);
  g_assert_true (test_process_has_ended (process));
}

static void
test_status (Fixture *f, gconstpointer data)
{
  const char *argv[] = { "sh", "-c", "echo $GIVEN; read line; exit 7", NULL };
  const char *environment[] = { "GIVEN=a=b", NULL };
  g_autoptr (TestProcess) process = test_process_spawn (argv, -1, environment);

  test_process_expect_line (process, "a=b");
  g_assert_cmpint (test_process_end (process), ==, 7);
}

static void
test_killed (Fixture *f, gconstpointer data)
{
  const char *argv[] = { "cat", NULL };
  g_autoptr (TestProcess) process = test_process_spawn (argv, -1, NULL);

  test_process_signal (process, SIGSTOP);
  test_process_signal (process, SIGKILL);
  g_assert_cmpint (test_process_end (process), ==, -SIGKILL);
}

/* Freed while it runs: it is killed and reaped. */
static void
test_freed (Fixture *f, gconstpointer data)
{
  const char *argv[] = { "cat", NULL };
  TestProcess *process = test_process_spawn (argv, -1, NULL);
  GPid pid = test_process_pid (process);

  test_process_free (process);
  g_assert_cmpint (waitpid (pid, NULL, WNOHANG), ==, -1);
}

static void
test_fd (Fixture *f, gconstpointer data)
{
  const char *argv[] = { "sh", "-c", "echo here >&3", NULL };
  int ends[2];
  char text[16] = { 0 };

  g_assert_cmpint (pipe (ends), ==, 0);
  {
    g_autoptr (TestProcess) process = test_process_spawn (argv, ends[1], NULL);

    g_assert_cmpint (test_process_end (process), ==, 0);
  }
  g_assert_cmpint (read (ends[0], text, sizeof text - 1), ==, 5);
  g_assert_cmpstr (text, ==, "here\n");
  close (ends[0]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/fixture/process/lines", Fixture, NULL, set_up, test_lines, tear_down);
  g_test_add ("/fixture/process/status", Fixture, NULL, set_up, test_status, tear_down);
  g_test_add ("/fixture/process/killed", Fixture, NULL, set_up, test_killed, tear_down);
  g_test_add ("/fixture/process/freed", Fixture, NULL, set_up, test_freed, tear_down);
  g_test_add ("/fixture/process/fd", Fixture, NULL, set_up, test_fd, tear_down);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tests of the test library, because every test of real processes relies on it. They start programs that every POSIX system has.
 */

#include "test-channel.h"
#include "test-dir.h"
#include "test-leaks.h"
#include "test-process.h"
#include "test-watchdog.h"

#include <fcntl.h>
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

  test_process_suspend (process);
  test_process_kill (process);
  g_assert_cmpint (test_process_end (process), ==, TEST_SYSTEM_KILLED);
}

static void
test_asked_to_stop (Fixture *f, gconstpointer data)
{
  const char *argv[] = { "sh", "-c", "trap 'exit 5' INT; echo ready; while :; do read line; done", NULL };
  g_autoptr (TestProcess) stopped = test_process_spawn (argv, -1, NULL);
  g_autoptr (TestProcess) interrupted = test_process_spawn (argv, -1, NULL);

  test_process_expect_line (stopped, "ready");
  test_process_ask_to_stop (stopped);
  g_assert_cmpint (test_process_end (stopped), ==, TEST_SYSTEM_ASKED_TO_STOP);
  test_process_expect_line (interrupted, "ready");
  test_process_interrupt (interrupted);
  g_assert_cmpint (test_process_end (interrupted), ==, 5);
}

/* A suspended process has stopped when the function returns, as /proc shows. */
static void
test_suspended (Fixture *f, gconstpointer data)
{
  const char *argv[] = { "cat", NULL };
  g_autoptr (TestProcess) process = test_process_spawn (argv, -1, NULL);
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) test_process_pid (process));
  g_autofree char *stat = NULL;

  test_process_suspend (process);
  g_assert_true (g_file_get_contents (path, &stat, NULL, NULL));
  g_assert_nonnull (strstr (stat, "(cat) T "));
  test_process_send (process, "still there");
  test_process_resume (process);
  test_process_expect_line (process, "still there");
  g_assert_cmpint (test_process_end (process), ==, 0);
}

/* A process that is freed while it runs is killed and reaped. */
static void
test_freed (Fixture *f, gconstpointer data)
{
  const char *argv[] = { "cat", NULL };
  TestProcess *process = test_process_spawn (argv, -1, NULL);
  GPid pid = test_process_pid (process);

  test_process_free (process);
  g_assert_false (test_system_is_child (pid));
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

static void
test_channel (Fixture *f, gconstpointer data)
{
  gintptr other_end;
  g_autoptr (TestChannel) channel = test_channel_new (&other_end);
  const char *argv[] = { "sh", "-c", "test -S /dev/fd/3 && test ! -e /dev/fd/4", NULL };
  g_autoptr (TestProcess) process = test_process_spawn (argv, other_end, NULL);

  g_assert_nonnull (channel);
  g_assert_cmpint (test_process_end (process), ==, 0);
}

static void
test_dir (Fixture *f, gconstpointer data)
{
  char *dir = test_dir_new ();
  g_autofree char *kept = test_dir_new ();
  g_autofree char *same = g_strdup (dir);
  g_autofree char *deep = g_build_filename (dir, "a", "b", NULL);
  g_autofree char *link = g_build_filename (deep, "link", NULL);

  g_assert_cmpint (g_mkdir_with_parents (deep, 0700), ==, 0);
  g_assert_cmpint (symlink (kept, link), ==, 0);
  test_dir_remove (dir);
  g_assert_false (g_file_test (same, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (kept, G_FILE_TEST_IS_DIR));
  test_dir_remove (g_steal_pointer (&kept));
}

/* Leaks two descriptors in the first round, and @data ones in each later round. */
static void
open_some (guint i, gpointer data)
{
  for (guint n = i == 0 ? 2 : GPOINTER_TO_UINT (data); n > 0; n--)
    g_assert_cmpint (open ("/dev/null", O_RDONLY | O_CLOEXEC), >=, 0);
}

static void
test_leaks (Fixture *f, gconstpointer data)
{
  if (g_test_subprocess ())
    test_leaks_assert_none (3, open_some, GUINT_TO_POINTER (1));
  test_leaks_assert_none (3, open_some, GUINT_TO_POINTER (0));
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*test_system_count_descriptors*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/fixture/process/lines", Fixture, NULL, set_up, test_lines, tear_down);
  g_test_add ("/fixture/process/status", Fixture, NULL, set_up, test_status, tear_down);
  g_test_add ("/fixture/process/killed", Fixture, NULL, set_up, test_killed, tear_down);
  g_test_add ("/fixture/process/asked-to-stop", Fixture, NULL, set_up, test_asked_to_stop, tear_down);
  g_test_add ("/fixture/process/suspended", Fixture, NULL, set_up, test_suspended, tear_down);
  g_test_add ("/fixture/process/freed", Fixture, NULL, set_up, test_freed, tear_down);
  g_test_add ("/fixture/process/fd", Fixture, NULL, set_up, test_fd, tear_down);
  g_test_add ("/fixture/channel", Fixture, NULL, set_up, test_channel, tear_down);
  g_test_add ("/fixture/dir", Fixture, NULL, set_up, test_dir, tear_down);
  g_test_add ("/fixture/leaks", Fixture, NULL, set_up, test_leaks, tear_down);
  return g_test_run ();
}

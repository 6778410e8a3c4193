/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-child.h"
#include "agent-process.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

/*
 * Tests of the agent's child processes: how they start, are asked to end, are suspended, and end with their parent.
 *
 * The children are this program in another mode. A child that is not ended as expected reports this after a while and exits, so
 * a test that fails does not hang.
 */

#define LIFETIME_S  20
#define SIGNAL_TERM 15

static char *own_path;

static gboolean
on_lifetime_over (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

/* A process that is not ended by the test ends itself after its lifetime, so that a failed test leaves no process. */
static void
run_for_lifetime (void)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  g_timeout_add_seconds (LIFETIME_S, on_lifetime_over, loop);
  g_main_loop_run (loop);
}

static int
run_sleeper (void)
{
  printf ("# ready\n");
  fflush (stdout);
  run_for_lifetime ();
  printf ("# still running\n");
  return 0;
}

static int
run_parent (void)
{
  const char *argv[] = { own_path, "--sleeper", NULL };
  g_autoptr (GSubprocess) child = agent_process_start (argv, NULL, NULL);

  run_for_lifetime ();
  return child != NULL ? 0 : 1;
}

/* Deletes its own file, then starts itself again. */
static int
run_deleted (void)
{
  static const char *const options[] = { "--sleeper", NULL };
  AgentChild *child;

  if (g_unlink (own_path) != 0)
    return 2;
  child = agent_child_start_own_program ("sleeper", options, NULL);
  if (child == NULL)
    return 1;
  agent_child_free (child);
  return 0;
}

static GSubprocess *
start_sleeper (void)
{
  const char *argv[] = { own_path, "--sleeper", NULL };
  g_autoptr (GError) error = NULL;
  GSubprocess *child = agent_process_start (argv, NULL, &error);

  g_assert_no_error (error);
  return child;
}

static void
test_ask_to_end (void)
{
  g_autoptr (GSubprocess) child = start_sleeper ();
  g_autoptr (GError) error = NULL;

  agent_process_ask_to_end (child);
  g_assert_true (g_subprocess_wait (child, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_signaled (child));
  g_assert_cmpint (g_subprocess_get_term_sig (child), ==, SIGNAL_TERM);
}

static void
test_not_found (void)
{
  const char *argv[] = { "/nonexistent/program", NULL };
  g_autoptr (GError) error = NULL;

  g_assert_null (agent_process_start (argv, NULL, &error));
  g_assert_nonnull (error);
}

/* The state of a process, as the system shows it; 0: it does not show one. */
static char
process_state (GSubprocess *child)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/stat", g_subprocess_get_identifier (child));
  g_autofree char *text = NULL;
  const char *name_end;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  name_end = strrchr (text, ')');
  return name_end != NULL && name_end[1] == ' ' ? name_end[2] : 0;
}

static void
test_suspend (void)
{
  g_autoptr (GSubprocess) child = start_sleeper ();
  g_autoptr (GError) error = NULL;

  if (process_state (child) == 0)
    {
      g_subprocess_force_exit (child);
      g_test_skip ("needs /proc");
      return;
    }
  g_assert_true (agent_process_suspend (child, &error));
  g_assert_no_error (error);
  g_assert_cmpint (process_state (child), ==, 'T');
  agent_process_resume (child);
  while (process_state (child) == 'T')
    g_thread_yield ();
  agent_process_ask_to_end (child);
  g_assert_true (g_subprocess_wait (child, NULL, NULL));
}

static void
test_suspend_ended (void)
{
  g_autoptr (GSubprocess) child = start_sleeper ();
  g_autoptr (GError) error = NULL;

  g_subprocess_force_exit (child);
  g_assert_true (g_subprocess_wait (child, NULL, NULL));
  g_assert_false (agent_process_suspend (child, &error));
  g_assert_nonnull (error);
}

/* The child inherits the pipe, so the end of the pipe shows that parent and child have ended. */
static void
test_dies_with_parent (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) parent
      = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, own_path, "--parent", NULL);
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (parent));
  g_autofree char *ready = g_data_input_stream_read_line (lines, NULL, NULL, NULL);
  g_autofree char *more = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (ready, ==, "# ready");
#ifdef __linux__
  g_subprocess_force_exit (parent);
  more = g_data_input_stream_read_line (lines, NULL, NULL, NULL);
  g_assert_null (more);
#else
  g_subprocess_force_exit (parent);
  g_test_skip ("needs the parent-death signal");
#endif
}

static void
test_child (void)
{
  const char *argv[] = { own_path, "--sleeper", NULL };
  g_autoptr (GError) error = NULL;
  AgentChild *child = agent_child_start ("sleeper", argv, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (child->name, ==, "sleeper");
  g_assert_cmpuint (child->pid, >, 1);
  agent_child_free (child); /* returns when the child has ended */
}

/* When the log describes a child that has ended at once, the kernel may have reused its pid. */
static void
test_child_that_ends_at_once (void)
{
  const char *argv[] = { "true", NULL };

  for (guint i = 0; i < 100; i++)
    {
      AgentChild *child = agent_child_start ("true", argv, NULL);

      g_assert_cmpuint (child->pid, >, 1);
      agent_child_free (child);
    }
}

/* An update of the package replaces the file of a running agent. */
static void
test_own_program_deleted (void)
{
#ifdef __linux__
  g_autofree char *directory = g_dir_make_tmp ("deye-agent-XXXXXX", NULL);
  g_autofree char *copy = g_build_filename (directory, "copy", NULL);
  g_autoptr (GFile) from = g_file_new_for_path (own_path), to = g_file_new_for_path (copy);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) deleted = NULL;

  g_assert_true (g_file_copy (from, to, G_FILE_COPY_NONE, NULL, NULL, NULL, &error));
  deleted = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error, copy, "--deleted", NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait_check (deleted, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
#else
  g_test_skip ("the system does not provide the running file");
#endif
}

static void
test_find (void)
{
  static const char *const nowhere[] = { "no/such/place", NULL };
  g_autofree char *in_path = agent_child_find ("sh", nowhere);
  g_autofree char *none = agent_child_find ("no-such-program-anywhere", nowhere);

  g_assert_nonnull (in_path);
  g_assert_null (none);
}

int
main (int argc, char **argv)
{
  int status;

  own_path = g_canonicalize_filename (argv[0], NULL);
  if (argc == 2 && strcmp (argv[1], "--sleeper") == 0)
    return run_sleeper ();
  if (argc == 2 && strcmp (argv[1], "--parent") == 0)
    return run_parent ();
  if (argc == 2 && strcmp (argv[1], "--deleted") == 0)
    return run_deleted ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/agent/process/ask-to-end", test_ask_to_end);
  g_test_add_func ("/agent/process/not-found", test_not_found);
  g_test_add_func ("/agent/process/suspend", test_suspend);
  g_test_add_func ("/agent/process/suspend-ended", test_suspend_ended);
  g_test_add_func ("/agent/process/dies-with-parent", test_dies_with_parent);
  g_test_add_func ("/agent/child/name-and-end", test_child);
  g_test_add_func ("/agent/child/ends-at-once", test_child_that_ends_at_once);
  g_test_add_func ("/agent/child/own-program-deleted", test_own_program_deleted);
  g_test_add_func ("/agent/child/find", test_find);
  status = g_test_run ();
  g_free (own_path);
  return status;
}

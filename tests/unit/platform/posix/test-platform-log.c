/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The log of a program, in a subprocess, because it replaces functions of the whole process. */

static void
run (const char *domains)
{
  if (domains != NULL)
    g_setenv ("G_MESSAGES_DEBUG", domains, TRUE);
  else
    g_unsetenv ("G_MESSAGES_DEBUG");
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
}

/* Records and texts of g_printerr() are on standard error in their order, and nothing is on standard output. */
static void
test_order (void)
{
  if (g_test_subprocess ())
    {
      platform_log_start ();
      g_message ("the first");
      g_printerr ("a text\n");
      g_log_structured ("Other", G_LOG_LEVEL_INFO, "MESSAGE", "the %s", "second");
      g_message ("the third");
      platform_log_end ();
      g_printerr ("too late\n");
      g_message ("too late");
      exit (0);
    }
  run ("Other");
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*the first\na text\n*the second\n*the third\n");
  g_test_trap_assert_stdout_unmatched ("*the *");
}

/* Levels below message are left out unless G_MESSAGES_DEBUG names their domain. */
static void
test_levels (void)
{
  if (g_test_subprocess ())
    {
      platform_log_start ();
      g_info ("left out");
      g_debug ("left out");
      g_message ("written");
      platform_log_end ();
      exit (0);
    }
  run (NULL);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*written\n");
  g_test_trap_assert_stderr_unmatched ("*left out*");
}

/* A fatal record is written before the process aborts. */
static void
test_fatal (void)
{
  if (g_test_subprocess ())
    {
      g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_WARNING);
      platform_log_start ();
      g_message ("not fatal");
      g_warning ("fatal");
      exit (0);
    }
  run (NULL);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*not fatal\n*fatal\n");
}

static void
test_error (void)
{
  if (g_test_subprocess ())
    {
      platform_log_start ();
      g_error ("the end");
    }
  run (NULL);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*the end\n");
}

/* The text of an assertion that fails is written as well. GLib does not pass it to the log. */
static void
test_assertion (void)
{
  if (g_test_subprocess ())
    {
      platform_log_start ();
      g_assert_cmpint (1, ==, 2);
    }
  run (NULL);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*ERROR:*assertion failed (1 == 2)*");
}

#define LEFT_OUT "left out"

typedef struct
{
  int input, output;
  GMutex lock; /* with @changed: for @is_left_out */
  GCond changed;
  gboolean is_left_out; /* the number of lost records was copied */
} Copy;

static void
copy_note (Copy *self, GString *seen)
{
  if (strstr (seen->str, LEFT_OUT) == NULL)
    {
      g_string_erase (seen, 0, MAX ((gssize) seen->len - (gssize) strlen (LEFT_OUT), 0));
      return;
    }
  g_mutex_lock (&self->lock);
  self->is_left_out = TRUE;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
}

static gpointer
copy_run (gpointer data)
{
  g_autoptr (GString) seen = g_string_new (NULL);
  Copy *self = data;
  char bytes[4096];
  gssize n;

  while ((n = read (self->input, bytes, sizeof bytes)) > 0)
    {
      g_assert_cmpint (write (self->output, bytes, (gsize) n), ==, n);
      g_string_append_len (seen, bytes, n);
      copy_note (self, seen);
    }
  return NULL;
}

/* Standard error is a pipe that is not read for a while. No thread waits, and the number of lost records is written in their
 * place. The log ends after that: platform_log_end() waits only a second, for which this process may get no CPU. */
static void
test_blocked (void)
{
  if (g_test_subprocess ())
    {
      g_autofree char *text = g_strnfill (1000, 'x');
      Copy copy = { 0 };
      GThread *reader;
      int ends[2];

      g_assert_cmpint (pipe (ends), ==, 0);
      copy.input = ends[0];
      copy.output = dup (STDERR_FILENO);
      g_assert_cmpint (dup2 (ends[1], STDERR_FILENO), ==, STDERR_FILENO);
      close (ends[1]);
      platform_log_start ();
      for (guint i = 0; i < 5000; i++)
        g_message ("%s", text);
      reader = g_thread_new ("test-reader", copy_run, &copy);
      g_mutex_lock (&copy.lock);
      while (!copy.is_left_out)
        g_cond_wait (&copy.changed, &copy.lock);
      g_mutex_unlock (&copy.lock);
      platform_log_end ();
      close (STDERR_FILENO);
      g_thread_join (reader);
      g_clear_pointer (&text, g_free); /* exit() does not leave the scope */
      exit (0);
    }
  run (NULL);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*xxx\n*: * log records were left out: the log is written too slowly\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/platform/log/order", test_order);
  g_test_add_func ("/platform/log/levels", test_levels);
  g_test_add_func ("/platform/log/fatal", test_fatal);
  g_test_add_func ("/platform/log/error", test_error);
  g_test_add_func ("/platform/log/assertion", test_assertion);
  g_test_add_func ("/platform/log/W04-blocked", test_blocked);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "test-watchdog.h"

#include "test-system.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define WATCHDOG_DEFAULT_S 90

static GMutex mutex;
static GCond cond;
static GThread *thread;
static gboolean stopping;
static gint64 due_us;
static char *subject;
static char *doing;
static GPid pids[256];
static guint n_pids;

static void
watchdog_abort (void)
{
  for (guint i = 0; i < n_pids; i++)
    test_system_kill_pid (pids[i]);
  printf ("Bail out! %s: hung while it waited for: %s\n", subject, doing != NULL ? doing : "(nothing noted)");
  fflush (stdout);
  abort ();
}

static gpointer
watch (gpointer data)
{
  g_mutex_lock (&mutex);
  while (!stopping)
    if (!g_cond_wait_until (&cond, &mutex, due_us) && !stopping)
      watchdog_abort ();
  g_mutex_unlock (&mutex);
  return NULL;
}

void
test_watchdog_start (const char *what)
{
  const char *seconds = g_getenv ("TEST_WATCHDOG_S");

  g_assert_null (thread);
  stopping = FALSE;
  subject = g_strdup (what);
  due_us = g_get_monotonic_time ()
           + (seconds != NULL ? g_ascii_strtoll (seconds, NULL, 10) : WATCHDOG_DEFAULT_S) * G_TIME_SPAN_SECOND;
  thread = g_thread_new ("watchdog", watch, NULL);
}

void
test_watchdog_stop (void)
{
  g_mutex_lock (&mutex);
  stopping = TRUE;
  g_cond_signal (&cond);
  g_mutex_unlock (&mutex);
  g_clear_pointer (&thread, g_thread_join);
  g_clear_pointer (&subject, g_free);
  g_clear_pointer (&doing, g_free);
  g_assert_cmpuint (n_pids, ==, 0);
}

void
test_watchdog_note (const char *format, ...)
{
  char *text = NULL;

  if (format != NULL)
    {
      va_list args;

      va_start (args, format);
      text = g_strdup_vprintf (format, args);
      va_end (args);
    }
  g_mutex_lock (&mutex);
  g_free (doing);
  doing = text;
  g_mutex_unlock (&mutex);
}

void
test_watchdog_own (GPid pid)
{
  g_mutex_lock (&mutex);
  g_assert_cmpuint (n_pids, <, G_N_ELEMENTS (pids));
  pids[n_pids++] = pid;
  g_mutex_unlock (&mutex);
}

void
test_watchdog_disown (GPid pid)
{
  g_mutex_lock (&mutex);
  for (guint i = 0; i < n_pids; i++)
    if (pids[i] == pid)
      {
        pids[i] = pids[--n_pids];
        break;
      }
  g_mutex_unlock (&mutex);
}

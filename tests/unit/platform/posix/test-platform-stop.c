/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-stop.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static gboolean
count_request (gpointer data)
{
  ++*(guint *) data;
  return G_SOURCE_CONTINUE;
}

static void
await_requests (GMainContext *context, const guint *seen, guint expected)
{
  while (*seen < expected)
    g_main_context_iteration (context, TRUE);
  g_assert_cmpuint (*seen, ==, expected);
}

static gboolean
has_default_action (int number)
{
  struct sigaction action;

  g_assert_cmpint (sigaction (number, NULL, &action), ==, 0);
  return action.sa_handler == SIG_DFL;
}

/* Each request is dispatched once in the context that the source is attached to; the last source restores the defaults. */
static void
test_source (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) source = platform_stop_source_new ();
  guint seen = 0;

  g_source_set_callback (source, count_request, &seen, NULL);
  g_source_attach (source, context);
  g_assert_false (g_main_context_iteration (context, FALSE));
  raise (SIGTERM);
  await_requests (context, &seen, 1);
  raise (SIGINT);
  await_requests (context, &seen, 2);
  g_assert_false (g_main_context_iteration (context, FALSE));
  g_assert_cmpuint (seen, ==, 2);

  g_source_destroy (source);
  g_clear_pointer (&source, g_source_unref);
  g_assert_true (has_default_action (SIGINT));
  g_assert_true (has_default_action (SIGTERM));
}

static gpointer
keep_asking (gpointer data)
{
  while (!g_atomic_int_get ((gint *) data))
    {
      kill (getpid (), SIGTERM);
      g_thread_yield ();
    }
  return NULL;
}

/* A write to a full pipe ends when a request to stop arrives. */
static void
test_interrupted_write (void)
{
  g_autoptr (GSource) source = platform_stop_source_new ();
  g_autofree char *bytes = g_malloc0 (1 << 20);
  gint is_over = 0;
  sigset_t all, before;
  GThread *thread;
  int ends[2];

  g_assert_cmpint (pipe (ends), ==, 0);
  platform_stop_interrupt_writes ();
  sigfillset (&all);
  pthread_sigmask (SIG_BLOCK, &all, &before); /* the requests are for this thread */
  thread = g_thread_new ("test-ask", keep_asking, &is_over);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  while (write (ends[1], bytes, 1 << 20) >= 0) /* the first write writes a part */
    ;
  g_assert_cmpint (errno, ==, EINTR);
  g_atomic_int_set (&is_over, 1);
  g_thread_join (thread);
  close (ends[0]);
  close (ends[1]);
  g_source_destroy (source);
}

static void
test_default_context (void)
{
  guint seen = 0;
  guint id = platform_stop_add (count_request, &seen);

  raise (SIGINT);
  await_requests (NULL, &seen, 1);
  g_source_remove (id);
  g_assert_true (has_default_action (SIGINT));
  g_assert_true (has_default_action (SIGTERM));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/platform/stop/source", test_source);
  g_test_add_func ("/platform/stop/W04-interrupted-write", test_interrupted_write);
  g_test_add_func ("/platform/stop/default-context", test_default_context);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-stop.h"

#include <signal.h>

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
  g_test_add_func ("/platform/stop/default-context", test_default_context);
  return g_test_run ();
}

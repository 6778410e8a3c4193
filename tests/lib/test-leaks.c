/* SPDX-License-Identifier: Apache-2.0 */
#include "test-leaks.h"

#include "test-system.h"

void
test_leaks_assert_none (guint n_rounds, void (*round) (guint i, gpointer data), gpointer data)
{
  guint descriptors, threads;

  round (0, data);
  descriptors = test_system_count_descriptors ();
  threads = test_system_count_threads ();
  for (guint i = 1; i < n_rounds; i++)
    round (i, data);
  g_assert_cmpuint (test_system_count_descriptors (), ==, descriptors);
  /* The kernel removes a thread from its list shortly after it was joined. */
  while (test_system_count_threads () > threads)
    g_thread_yield ();
}

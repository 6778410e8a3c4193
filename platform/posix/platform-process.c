/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-process.h"

#include <pthread.h>
#include <unistd.h>

guint platform_process_forks;

guint32
platform_process_id (void)
{
  return (guint32) getpid ();
}

static void
process_on_forked (void)
{
  platform_process_forks++;
}

guint
platform_fork_count (void)
{
  static gsize watched;

  if (g_once_init_enter (&watched))
    {
      if (pthread_atfork (NULL, NULL, process_on_forked) != 0)
        g_error ("no memory to watch for fork()");
      g_once_init_leave (&watched, 1);
    }
  return platform_process_forks;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-log.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Needed because another process may have set O_NONBLOCK on the shared file description of standard error. */
static gboolean
log_wait_for_room (void)
{
  struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };

  return poll (&room, 1, -1) > 0 || errno == EINTR;
}

void
platform_log_write_stderr (const char *text, gsize len)
{
  while (len > 0)
    {
      gssize n = write (STDERR_FILENO, text, len);

      if (n >= 0)
        {
          text += n;
          len -= (gsize) n;
        }
      else if (errno == EAGAIN ? !log_wait_for_room () : errno != EINTR)
        return;
    }
}

gboolean
platform_log_stderr_is_journal (void)
{
  return g_log_writer_is_journald (STDERR_FILENO);
}

gboolean
platform_log_stderr_has_color (void)
{
  return g_log_writer_supports_color (STDERR_FILENO);
}

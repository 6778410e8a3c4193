/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-wake.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/eventfd.h>
#endif

#ifdef __linux__
gboolean
deye_bus_wake_open (DeyeBusWake *wake)
{
  wake->reader = wake->writer = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  return wake->reader >= 0;
}
#else
gboolean
deye_bus_wake_open (DeyeBusWake *wake)
{
  gint fds[2];

  wake->reader = wake->writer = -1;
  if (!g_unix_open_pipe (fds, FD_CLOEXEC, NULL))
    return FALSE;
  (void) g_unix_set_fd_nonblocking (fds[0], TRUE, NULL);
  (void) g_unix_set_fd_nonblocking (fds[1], TRUE, NULL);
  wake->reader = fds[0];
  wake->writer = fds[1];
  return TRUE;
}
#endif

void
deye_bus_wake_close (DeyeBusWake *wake)
{
  if (wake->writer >= 0 && wake->writer != wake->reader)
    close (wake->writer);
  if (wake->reader >= 0)
    close (wake->reader);
  wake->reader = wake->writer = -1;
}

/* Writes eight bytes, as an eventfd requires. */
void
deye_bus_wake_set (const DeyeBusWake *wake)
{
  guint64 one = 1;
  gssize written;

  do
    written = write (wake->writer, &one, sizeof one);
  while (written < 0 && errno == EINTR);
}

void
deye_bus_wake_clear (const DeyeBusWake *wake)
{
  guint64 count;
  gssize got;

  do
    got = read (wake->reader, &count, sizeof count);
  while (got < 0 && errno == EINTR);
}

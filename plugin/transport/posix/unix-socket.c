/* SPDX-License-Identifier: Apache-2.0 */
#include "unix-socket.h"

#include <fcntl.h>
#include <sys/socket.h>

#ifdef SOCK_CLOEXEC

int
unix_socket_new (void)
{
  return socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

gboolean
unix_socket_pair (int fds[2])
{
  return socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0;
}

#else

int
unix_socket_new (void)
{
  int fd = socket (AF_UNIX, SOCK_STREAM, 0);

  if (fd >= 0)
    {
      fcntl (fd, F_SETFD, FD_CLOEXEC);
      fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
    }
  return fd;
}

gboolean
unix_socket_pair (int fds[2])
{
  if (socketpair (AF_UNIX, SOCK_STREAM, 0, fds) != 0)
    return FALSE;
  for (guint i = 0; i < 2; i++)
    fcntl (fds[i], F_SETFD, FD_CLOEXEC);
  return TRUE;
}

#endif

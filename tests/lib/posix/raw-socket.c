/* SPDX-License-Identifier: Apache-2.0 */
#include "raw-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct RawSocket
{
  int fd;
};

RawSocket *
raw_socket_connect (const char *address)
{
  RawSocket *self = g_new0 (RawSocket, 1);
  struct sockaddr_un name = { .sun_family = AF_UNIX };

  g_assert_cmpuint (strlen (address), <, sizeof name.sun_path);
  strcpy (name.sun_path, address);
  self->fd = socket (AF_UNIX, SOCK_STREAM, 0);
  g_assert_cmpint (self->fd, >=, 0);
  g_assert_cmpint (fcntl (self->fd, F_SETFD, FD_CLOEXEC), ==, 0);
  if (connect (self->fd, (const struct sockaddr *) &name, sizeof name) != 0)
    g_error ("connect to %s: %s", address, g_strerror (errno));
  return self;
}

RawSocket *
raw_socket_pair (gintptr *theirs)
{
  RawSocket *self = g_new0 (RawSocket, 1);
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
  *theirs = pair[0];
  self->fd = pair[1];
  return self;
}

void
raw_socket_free (RawSocket *self)
{
  close (self->fd);
  g_free (self);
}

gboolean
raw_socket_send (RawSocket *self, const void *bytes, gsize len)
{
  const guint8 *at = bytes;

  while (len > 0)
    {
      ssize_t n = send (self->fd, at, len, MSG_NOSIGNAL);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return FALSE;
      at += n;
      len -= (gsize) n;
    }
  return TRUE;
}

static gsize
receive_with (RawSocket *self, void *bytes, gsize len, int flags)
{
  ssize_t n;

  do
    n = recv (self->fd, bytes, len, flags);
  while (n < 0 && errno == EINTR);
  return n > 0 ? (gsize) n : 0;
}

gsize
raw_socket_receive (RawSocket *self, void *bytes, gsize len)
{
  return receive_with (self, bytes, len, 0);
}

gsize
raw_socket_receive_now (RawSocket *self, void *bytes, gsize len)
{
  return receive_with (self, bytes, len, MSG_DONTWAIT);
}

void
raw_socket_wait (RawSocket *self)
{
  GPollFD fd = { self->fd, G_IO_IN, 0 };

  g_poll (&fd, 1, -1);
}

void
raw_socket_shut (RawSocket *self)
{
  shutdown (self->fd, SHUT_WR);
}

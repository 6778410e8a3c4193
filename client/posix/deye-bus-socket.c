/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-socket.h"

#include "deye-bus-error-private.h"
#include "deye-bus-trust.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define BUFFER_BYTES (512 * 1024)
#define SPANS_MAX    64u

static gboolean
socket_fill_address (const char *path, struct sockaddr_un *address, GError **error)
{
  gsize len = strlen (path);

  if (len == 0 || len >= sizeof address->sun_path)
    {
      g_propagate_error (error,
                         deye_bus_error_new_limit (_ ("The path of the broker's socket is empty or too long: "
                                                      "choose a shorter directory"),
                                                   sizeof address->sun_path - 1, len, "$DAEMONEYE_BROKER_SOCKET"));
      return FALSE;
    }
  memset (address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy (address->sun_path, path, len);
  return TRUE;
}

static gboolean
socket_is_another_file (const char *path)
{
  struct stat info;

  return stat (path, &info) == 0 && !S_ISSOCK (info.st_mode);
}

static void
socket_set_connect_error (int problem, const char *path, GError **error)
{
  if (problem == ENOTSOCK || (problem == ECONNREFUSED && socket_is_another_file (path)))
    g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NO_BROKER,
                 _ ("“%s” is not a socket: check the address, or DAEMONEYE_BROKER_SOCKET"), path);
  else if (problem == ENOENT || problem == ECONNREFUSED)
    g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NO_BROKER,
                 _ ("No broker listens at “%s”: start daemoneye-agent, or set DAEMONEYE_BROKER_SOCKET"), path);
  else if (problem == EACCES || problem == EPERM)
    g_set_error (
        error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED,
        _ ("No access to the broker's socket “%s”: run as its user, or see the broker's setting [socket] group"), path);
  else
    g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NO_BROKER, _ ("Can't connect to “%s”: %s"), path,
                 g_strerror (problem));
}

static gboolean
socket_set_up (int fd, GError **error)
{
  int buffer = BUFFER_BYTES;

  if (!g_unix_set_fd_nonblocking (fd, TRUE, NULL) || fcntl (fd, F_SETFD, FD_CLOEXEC) != 0)
    {
      g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED, _ ("Not a usable file descriptor: %s"),
                   g_strerror (errno));
      return FALSE;
    }
  /* The kernel limits the size; a smaller buffer is only slower. */
  (void) setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
#ifdef SO_NOSIGPIPE
  int on = 1;
  (void) setsockopt (fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  return TRUE;
}

/* A handle has the size of a pointer. Its value is checked, because its low bits alone could be another descriptor of the
 * program. */
static gboolean
socket_is_descriptor (gintptr handle)
{
  return handle >= 0 && handle <= G_MAXINT;
}

DeyeBusSocket
deye_bus_socket_adopt (gintptr handle, GError **error)
{
  if (!socket_is_descriptor (handle))
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                         _ ("This client was constructed with a value that is not a file descriptor"));
  else if (socket_set_up ((int) handle, error))
    return handle;
  else
    close ((int) handle);
  return DEYE_BUS_SOCKET_NONE;
}

static int
socket_new (void)
{
#ifdef SOCK_CLOEXEC
  return socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
#else
  return socket (AF_UNIX, SOCK_STREAM, 0);
#endif
}

static gboolean
socket_connect (int fd, const char *path, const struct sockaddr_un *address, gboolean *again, GError **error)
{
  int problem = 0;

  if (connect (fd, (const struct sockaddr *) address, sizeof *address) != 0)
    problem = errno;
  if (problem == 0)
    return deye_bus_trust_check (fd, path, error);
  if (problem == EAGAIN || problem == EINTR)
    *again = TRUE;
  else
    socket_set_connect_error (problem, path, error);
  return FALSE;
}

DeyeBusSocket
deye_bus_socket_open (const char *address, gboolean *again, GError **error)
{
  struct sockaddr_un socket_address;
  int fd;

  *again = FALSE;
  if (address == NULL)
    {
      socket_set_connect_error (ENOENT, "$XDG_RUNTIME_DIR/daemoneye/eventbus.sock", error);
      return DEYE_BUS_SOCKET_NONE;
    }
  if (!socket_fill_address (address, &socket_address, error))
    return DEYE_BUS_SOCKET_NONE;
  fd = socket_new ();
  if (fd < 0)
    {
      socket_set_connect_error (errno, address, error);
      return DEYE_BUS_SOCKET_NONE;
    }
  if (socket_set_up (fd, error) && socket_connect (fd, address, &socket_address, again, error))
    return fd;
  close (fd);
  return DEYE_BUS_SOCKET_NONE;
}

void
deye_bus_socket_close (DeyeBusSocket *socket)
{
  deye_bus_socket_close_handle (socket);
}

void
deye_bus_socket_close_handle (gintptr *handle)
{
  if (socket_is_descriptor (*handle))
    close ((int) *handle);
  *handle = -1;
}

guint
deye_bus_socket_polls (DeyeBusSocket socket, GIOCondition condition, GPollFD polls[DEYE_BUS_SOCKET_POLLS_MAX])
{
  polls[0].fd = (int) socket;
  polls[0].events = (gushort) condition;
  return 1;
}

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static gssize
socket_write_spans (DeyeBusSocket socket, const WireSpan *spans, guint n_spans)
{
  struct iovec vectors[SPANS_MAX];
  struct msghdr message = { .msg_iov = vectors };
  guint n = MIN (n_spans, SPANS_MAX);

  for (guint i = 0; i < n; i++)
    {
      vectors[i].iov_base = (void *) (gsize) spans[i].data; /* only read from */
      vectors[i].iov_len = spans[i].len;
    }
  message.msg_iovlen = n;
  return sendmsg ((int) socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

gssize
deye_bus_socket_write (DeyeBusSocket socket, const WireSpan *spans, guint n_spans)
{
  gssize written;

  do /* most writes have one span, and need no array */
    written = n_spans == 1 ? send ((int) socket, spans->data, spans->len, MSG_NOSIGNAL | MSG_DONTWAIT)
                           : socket_write_spans (socket, spans, n_spans);
  while (written < 0 && errno == EINTR);
  return written < 0 && errno == EAGAIN ? 0 : written;
}

gssize
deye_bus_socket_read (DeyeBusSocket socket, guint8 *bytes, gsize len, const char **why)
{
  gssize got;

  do
    got = recv ((int) socket, bytes, len, MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  if (got > 0)
    return got;
  if (got < 0 && errno == EAGAIN)
    return 0;
  *why = got == 0 ? "end of stream" : g_strerror (errno);
  return -1;
}

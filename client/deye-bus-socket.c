/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-socket.h"

#include "deye-bus-error-private.h"
#include "wire-span.h"

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

char *
deye_bus_socket_address (const char *address)
{
  const char *named = g_getenv ("DAEMONEYE_BROKER_SOCKET");

  if (address != NULL)
    return g_strdup (address);
  if (named != NULL && *named != '\0')
    return g_strdup (named);
  if (geteuid () == 0)
    return g_strdup ("/run/daemoneye/eventbus.sock");
  return g_build_filename (g_get_user_runtime_dir (), "daemoneye", "eventbus.sock", NULL);
}

static gboolean
fill_address (const char *path, struct sockaddr_un *address, GError **error)
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

/* Whose directory it is decides who may serve in it; one that others can write to says nothing. */
static gboolean
owns_directory (const char *path, uid_t uid)
{
  g_autofree char *directory = g_path_get_dirname (path);
  struct stat info;

  return stat (directory, &info) == 0 && info.st_uid == uid && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static gboolean
uid_of_server (int fd, uid_t *uid)
{
#if defined(__linux__)
  struct ucred who;
  socklen_t len = sizeof who;

  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
    return FALSE;
  *uid = who.uid;
  return TRUE;
#else
  gid_t gid;

  return getpeereid (fd, uid, &gid) == 0;
#endif
}

static gboolean
is_trusted (int fd, const char *path, GError **error)
{
  uid_t uid = 0;

  if (!uid_of_server (fd, &uid))
    {
      g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNTRUSTED, _ ("The system does not tell who serves at “%s”"),
                   path);
      return FALSE;
    }
  if (uid == 0 || uid == geteuid () || owns_directory (path, uid))
    return TRUE;
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNTRUSTED,
               _ ("The server at “%s” runs as user %u, who is neither root, nor you, nor the owner of the directory: "
                  "check the address"),
               path, (guint) uid);
  return FALSE;
}

static void
explain (int problem, const char *path, GError **error)
{
  if (problem == ENOENT || problem == ECONNREFUSED)
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

gboolean
deye_bus_socket_adopt (int fd, GError **error)
{
  int buffer = BUFFER_BYTES;

  if (!g_unix_set_fd_nonblocking (fd, TRUE, error))
    return FALSE;
  if (fcntl (fd, F_SETFD, FD_CLOEXEC) != 0)
    {
      g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED, _ ("Not a usable file descriptor: %s"),
                   g_strerror (errno));
      return FALSE;
    }
  /* The kernel clips it; smaller buffers are only slower. */
  (void) setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
#ifdef SO_NOSIGPIPE
  int on = 1;
  (void) setsockopt (fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  return TRUE;
}

static int
new_socket (void)
{
#ifdef SOCK_CLOEXEC
  return socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
#else
  return socket (AF_UNIX, SOCK_STREAM, 0);
#endif
}

int
deye_bus_socket_open (const char *path, gboolean *again, GError **error)
{
  struct sockaddr_un address;
  int fd, problem = 0;

  *again = FALSE;
  if (!fill_address (path, &address, error))
    return -1;
  fd = new_socket ();
  if (fd < 0)
    {
      explain (errno, path, error);
      return -1;
    }
  if (!deye_bus_socket_adopt (fd, error))
    {
      close (fd);
      return -1;
    }
  if (connect (fd, (const struct sockaddr *) &address, sizeof address) != 0)
    problem = errno;
  if (problem == EAGAIN || problem == EINTR)
    *again = TRUE;
  else if (problem != 0)
    explain (problem, path, error);
  else if (is_trusted (fd, path, error))
    return fd;
  close (fd);
  return -1;
}

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

gssize
deye_bus_socket_write (int fd, const void *spans, guint n_spans)
{
  const WireSpan *from = spans;
  struct iovec vectors[SPANS_MAX];
  struct msghdr message = { .msg_iov = vectors };
  guint n = MIN (n_spans, SPANS_MAX);
  gssize written;

  for (guint i = 0; i < n; i++)
    {
      vectors[i].iov_base = (void *) (gsize) from[i].data; /* only read from */
      vectors[i].iov_len = from[i].len;
    }
  message.msg_iovlen = n;
  do
    written = sendmsg (fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (written < 0 && errno == EINTR);
  return written < 0 && errno == EAGAIN ? 0 : written;
}

gssize
deye_bus_socket_read (int fd, guint8 *bytes, gsize len)
{
  gssize got;

  do
    got = recv (fd, bytes, len, MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  return got;
}

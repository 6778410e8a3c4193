/* SPDX-License-Identifier: Apache-2.0 */
#include "link-io.h"

#include "transport.h"
#include "wire-hot.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEND_BUFFER 524288 /* the kernel may grant less */

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* such systems have SO_NOSIGPIPE instead */
#endif

void
link_io_prepare (LinkHandle handle)
{
  int fd = (int) handle;
  int size = SEND_BUFFER;

  fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
  fcntl (fd, F_SETFD, FD_CLOEXEC);
  setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
#ifdef SO_NOSIGPIPE
  setsockopt (fd, SOL_SOCKET, SO_NOSIGPIPE, &(int){ 1 }, sizeof (int));
#endif
}

WIRE_HOT gssize
link_io_read (LinkHandle handle, guint8 *place, gsize place_len, guint8 *buffer, gsize len)
{
  struct iovec parts[2] = { { place, place_len }, { buffer, len } };
  gssize n;

  do
    n = place_len > 0 ? readv ((int) handle, parts, 2) : recv ((int) handle, buffer, len, 0);
  while (n < 0 && errno == EINTR);
  if (n >= 0)
    return n;
  return errno == EAGAIN ? LINK_IO_WAIT : LINK_IO_BROKEN;
}

/* A message that arrives alone is one span. send() saves the kernel from copying and checking a list of vectors. */
static gssize
link_io_send (int fd, const WireSpan *spans, guint n_spans)
{
  TRANSPORT_UNSET struct iovec parts[TRANSPORT_SPANS_MAX];
  struct msghdr message = { .msg_iov = parts };
  guint count = MIN (n_spans, G_N_ELEMENTS (parts));

  if (n_spans == 1)
    return send (fd, spans->data, spans->len, MSG_NOSIGNAL);
  for (guint i = 0; i < count; i++)
    parts[i] = (struct iovec){ (void *) spans[i].data, spans[i].len };
  message.msg_iovlen = count;
  return sendmsg (fd, &message, MSG_NOSIGNAL);
}

/* ENOBUFS: the kernel lacks buffers at the moment. The connection is not broken. */
WIRE_HOT gssize
link_io_write (LinkHandle handle, const WireSpan *spans, guint n_spans)
{
  gssize n;

  do
    n = link_io_send ((int) handle, spans, n_spans);
  while (n < 0 && errno == EINTR);
  if (n > 0)
    return n;
  return n < 0 && (errno == EAGAIN || errno == ENOBUFS) ? LINK_IO_WAIT : LINK_IO_BROKEN;
}

void
link_io_shutdown (LinkHandle handle)
{
  shutdown ((int) handle, SHUT_WR);
}

void
link_io_abort (LinkHandle handle)
{
  shutdown ((int) handle, SHUT_RDWR);
}

void
link_io_close (LinkHandle handle)
{
  close ((int) handle);
}

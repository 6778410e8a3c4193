/* SPDX-License-Identifier: Apache-2.0 */
#include "link-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEND_BUFFER 524288 /* asked for; the kernel clips it */

static void
prepare_fd (int fd)
{
  int size = SEND_BUFFER;
  int flags = fcntl (fd, F_GETFL);

  fcntl (fd, F_SETFL, flags | O_NONBLOCK);
  fcntl (fd, F_SETFD, FD_CLOEXEC);
  setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/* One attempt: a refusal is short and the socket's buffer is empty. */
static void
refuse (int fd, GBytes *refusal)
{
  gsize len;
  gconstpointer bytes;

  if (refusal == NULL)
    return;
  bytes = g_bytes_get_data (refusal, &len);
  if (send (fd, bytes, len, MSG_NOSIGNAL) >= 0)
    shutdown (fd, SHUT_WR);
}

Link *
link_new (LinkSet *set, int fd, const TransportCreds *creds)
{
  g_autoptr (GBytes) refusal = NULL;
  Link *link = g_new0 (Link, 1);

  prepare_fd (fd);
  link->set = set;
  link->fd = fd;
  link->peer = set->handler.connected (set->user, link, creds, &refusal);
  if (link->peer != NULL && set->poller->add (set->source, link, fd))
    {
      g_hash_table_add (set->links, link);
      return link;
    }
  if (link->peer != NULL)
    set->handler.closed (set->user, link->peer, TRANSPORT_CLOSED_ERROR);
  refuse (fd, refusal);
  close (fd);
  g_free (link);
  return NULL;
}

void
link_destroy (Link *link, TransportClosed why)
{
  LinkSet *set = link->set;

  if (link->is_dead)
    return;
  link->is_dead = TRUE;
  set->poller->remove (set->source, link, link->fd);
  g_hash_table_remove (set->links, link);
  if (link->linger != NULL)
    {
      g_source_destroy (link->linger);
      g_clear_pointer (&link->linger, g_source_unref);
    }
  close (link->fd);
  set->handler.closed (set->user, link->peer, link->is_closing ? TRANSPORT_CLOSED_WANTED : why);
  if (set->dispatching)
    g_ptr_array_add (set->dead, link);
  else
    g_free (link);
}

/* --- reading --- */

static gboolean
is_transient (int error)
{
  return error == EAGAIN || error == EINTR;
}

/* One read: what a large frame still needs goes straight to its place, the rest to the shared buffer. */
static gssize
read_once (Link *link, gsize budget)
{
  LinkSet *set = link->set;
  guint8 *where = NULL;
  gsize place = set->handler.place (set->user, link->peer, &where);
  struct iovec parts[2] = { { where, place }, { set->buffer, MIN (budget, sizeof set->buffer) } };
  gssize n;

  do
    n = place > 0 ? readv (link->fd, parts, 2) : read (link->fd, parts[1].iov_base, parts[1].iov_len);
  while (n < 0 && errno == EINTR);
  if (n <= 0)
    return n;
  if (place > 0)
    set->handler.placed (set->user, link->peer, MIN ((gsize) n, place));
  if ((gsize) n > place)
    set->handler.received (set->user, link->peer, set->buffer, (gsize) n - place);
  return n;
}

/* A closing link only waits for the other side to see the end. */
static gssize
drain_once (Link *link)
{
  return read (link->fd, link->set->buffer, sizeof link->set->buffer);
}

gsize
link_on_readable (Link *link, gsize budget)
{
  gssize n = link->is_closing ? drain_once (link) : read_once (link, budget);

  if (n > 0)
    return (gsize) n;
  if (n < 0 && is_transient (errno))
    return 0;
  if (n == 0 && !link->is_closing)
    link_flush (link); /* half-closed: the other side may still read what it is owed */
  link_destroy (link, n == 0 ? TRANSPORT_CLOSED_EOF : TRANSPORT_CLOSED_ERROR);
  return 0;
}

/* --- writing --- */

static void
watch_writable (Link *link, gboolean wanted)
{
  if (link->is_blocked == wanted)
    return;
  link->is_blocked = wanted;
  link->set->poller->watch_writable (link->set->source, link, link->fd, wanted);
}

/* One gathered write. 1: more may go; 0: nothing to write or no room; -1: broken. */
static int
write_once (Link *link)
{
  LinkSet *set = link->set;
  WireSpan spans[TRANSPORT_SPANS_MAX];
  struct iovec parts[TRANSPORT_SPANS_MAX];
  struct msghdr message = { .msg_iov = parts };
  guint count = set->handler.gather (set->user, link->peer, spans, G_N_ELEMENTS (spans));
  gssize n;

  if (count == 0)
    {
      watch_writable (link, FALSE);
      return 0;
    }
  for (guint i = 0; i < count; i++)
    parts[i] = (struct iovec){ (void *) spans[i].data, spans[i].len };
  message.msg_iovlen = count;
  do
    n = sendmsg (link->fd, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n > 0)
    {
      set->handler.sent (set->user, link->peer, (gsize) n);
      return 1;
    }
  if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
    {
      watch_writable (link, TRUE);
      return 0;
    }
  return -1;
}

static gboolean
pump (Link *link)
{
  int result;

  while ((result = write_once (link)) > 0)
    ;
  return result == 0;
}

static void
finish_closing (Link *link)
{
  if (!link->is_closing || link->is_blocked || link->is_shut)
    return;
  link->is_shut = TRUE;
  shutdown (link->fd, SHUT_WR);
}

void
link_flush (Link *link)
{
  if (link->is_dead || link->is_blocked || link->is_shut)
    return;
  /* A broken pipe shows as readable as well: the reader sees the end and closes. */
  if (pump (link))
    finish_closing (link);
  else
    shutdown (link->fd, SHUT_RDWR);
}

void
link_on_writable (Link *link)
{
  watch_writable (link, FALSE);
  link_flush (link);
}

/* --- closing --- */

static gboolean
linger_ended (gpointer data)
{
  link_destroy (data, TRANSPORT_CLOSED_WANTED);
  return G_SOURCE_REMOVE;
}

void
link_close (Link *link, gint64 linger_us)
{
  if (link->is_dead || link->is_closing)
    return;
  link->is_closing = TRUE;
  link->linger = g_timeout_source_new ((guint) MAX (linger_us / 1000, 1));
  g_source_set_callback (link->linger, linger_ended, link, NULL);
  g_source_attach (link->linger, link->set->context);
  link_flush (link);
}

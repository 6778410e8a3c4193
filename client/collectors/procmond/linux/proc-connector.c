/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-connector.h"

#include "proc-layout.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

G_STATIC_ASSERT (sizeof (struct nlmsghdr) == PROC_LAYOUT_HEADER_BYTES);
G_STATIC_ASSERT (offsetof (struct nlmsghdr, nlmsg_type) == PROC_LAYOUT_HEADER_TYPE);
G_STATIC_ASSERT (NLMSG_DONE == PROC_LAYOUT_TYPE_DONE);
G_STATIC_ASSERT (sizeof (struct cn_msg) == PROC_LAYOUT_CONNECTOR_BYTES);
G_STATIC_ASSERT (offsetof (struct cn_msg, ack) == PROC_LAYOUT_CONNECTOR_ACK);
G_STATIC_ASSERT (offsetof (struct cn_msg, len) == PROC_LAYOUT_CONNECTOR_LEN);
G_STATIC_ASSERT (CN_IDX_PROC == PROC_LAYOUT_INDEX);
G_STATIC_ASSERT (CN_VAL_PROC == PROC_LAYOUT_VALUE);
G_STATIC_ASSERT (PROC_CN_MCAST_LISTEN == PROC_LAYOUT_LISTEN);
G_STATIC_ASSERT (offsetof (struct proc_event, timestamp_ns) == PROC_LAYOUT_EVENT_TIME);
G_STATIC_ASSERT (offsetof (struct proc_event, event_data) == PROC_LAYOUT_EVENT_DATA);
G_STATIC_ASSERT (offsetof (struct fork_proc_event, parent_tgid) == 4);
G_STATIC_ASSERT (offsetof (struct fork_proc_event, child_pid) == 8);
G_STATIC_ASSERT (offsetof (struct fork_proc_event, child_tgid) == 12);
G_STATIC_ASSERT (offsetof (struct exec_proc_event, process_tgid) == 4);
G_STATIC_ASSERT (offsetof (struct comm_proc_event, process_tgid) == 4);
G_STATIC_ASSERT (offsetof (struct exit_proc_event, process_tgid) == 4);
G_STATIC_ASSERT (offsetof (struct exit_proc_event, exit_code) == 8);

struct ProcConnector
{
  int fd;
};

static gboolean
connector_fail (GError **error, const char *what)
{
  int code = errno;

  g_set_error (error, G_IO_ERROR, (gint) g_io_error_from_errno (code), "%s: %s", what, g_strerror (code));
  return FALSE;
}

/* Without CAP_NET_ADMIN the size is limited by net.core.rmem_max. */
static void
connector_set_queue (int fd, gsize queue_bytes)
{
  const int bytes = (int) MIN (queue_bytes, G_MAXINT);

  if (setsockopt (fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
    (void) setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static gboolean
connector_ask (ProcConnector *self, gsize queue_bytes, const guint8 *request, gsize len, GError **error)
{
  const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };

  self->fd = socket (AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
  if (self->fd < 0)
    return connector_fail (error, _ ("the process connector can't be opened"));
  connector_set_queue (self->fd, queue_bytes);
  if (bind (self->fd, (const struct sockaddr *) &address, sizeof address) < 0)
    return connector_fail (error,
                           _ ("the process connector can't be joined (before Linux 6.6 it needs CAP_NET_ADMIN)"));
  if (send (self->fd, request, len, 0) != (ssize_t) len)
    return connector_fail (
        error, _ ("the process connector does not accept requests (it does not exist in a network namespace)"));
  return TRUE;
}

ProcConnector *
proc_connector_open (gsize queue_bytes, const guint8 *request, gsize len, GError **error)
{
  ProcConnector *self = g_new (ProcConnector, 1);

  self->fd = -1;
  if (connector_ask (self, queue_bytes, request, len, error))
    return self;
  proc_connector_close (self);
  return NULL;
}

void
proc_connector_close (ProcConnector *self)
{
  if (self == NULL)
    return;
  if (self->fd >= 0)
    close (self->fd);
  g_free (self);
}

/* GLib dispatches the source when its descriptor is readable. */
static gboolean
connector_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

GSource *
proc_connector_create_source (ProcConnector *self)
{
  static GSourceFuncs functions = { .dispatch = connector_dispatch };
  GSource *source = g_source_new (&functions, sizeof (GSource));

  g_source_add_unix_fd (source, self->fd, G_IO_IN | G_IO_ERR | G_IO_HUP);
  return source;
}

ProcConnectorResult
proc_connector_read (ProcConnector *self, guint8 *bytes, gsize size, gsize *len)
{
  struct sockaddr_nl sender = { 0 };
  socklen_t sender_len = sizeof sender;
  ssize_t got;

  do
    {
      sender_len = sizeof sender;
      got = recvfrom (self->fd, bytes, size, 0, (struct sockaddr *) &sender, &sender_len);
    }
  while ((got < 0 && errno == EINTR) || (got >= 0 && (sender_len != sizeof sender || sender.nl_pid != 0)));
  if (got >= 0)
    {
      *len = (gsize) got;
      return PROC_CONNECTOR_BYTES;
    }
  if (errno == ENOBUFS)
    return PROC_CONNECTOR_OVERRUN;
  return errno == EAGAIN ? PROC_CONNECTOR_EMPTY : PROC_CONNECTOR_BROKEN;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "net-kernel.h"

#include "net-parse.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>

G_DEFINE_QUARK (net - kernel - error - quark, net_kernel_error)

#define ANSWER_BYTES  (32u << 10) /* the kernel sends a list in parts of at most this size */
#define ANSWER_WAIT_S 5           /* limit of the wait; the kernel normally answers at once */
#define NOTICE_BYTES  (4u << 20)  /* for a few thousand notices between two polls */

struct NetKernel
{
  struct mnl_socket *socket;
  guint sequence;
  NetProtocol protocol; /* of the list that was asked for */
};

struct NetNotices
{
  struct mnl_socket *socket;
};

static void
kernel_set_error (GError **error, NetKernelError code, const char *what)
{
  int reason = errno;

  g_set_error (error, NET_KERNEL_ERROR, (gint) code, "%s: %s", what, g_strerror (reason));
}

/* (transfer full); NULL: sets @error. */
static struct mnl_socket *
kernel_open_socket (int flags, GError **error)
{
  struct mnl_socket *socket = mnl_socket_open2 (NETLINK_SOCK_DIAG, flags | SOCK_CLOEXEC);

  if (socket == NULL)
    kernel_set_error (error, NET_KERNEL_ERROR_REFUSED,
                      "the kernel does not list sockets (a netlink socket of sock_diag can't be opened)");
  else if (mnl_socket_bind (socket, 0, MNL_SOCKET_AUTOPID) < 0)
    {
      kernel_set_error (error, NET_KERNEL_ERROR_REFUSED, "a netlink socket of sock_diag can't be bound");
      mnl_socket_close (socket);
      socket = NULL;
    }
  return socket;
}

NetKernel *
net_kernel_open (GError **error)
{
  const struct timeval patience = { .tv_sec = ANSWER_WAIT_S };
  struct mnl_socket *socket = kernel_open_socket (0, error);
  NetKernel *kernel;

  if (socket == NULL)
    return NULL;
  (void) setsockopt (mnl_socket_get_fd (socket), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  kernel = g_new0 (NetKernel, 1);
  kernel->socket = socket;
  return kernel;
}

void
net_kernel_close (NetKernel *kernel)
{
  if (kernel == NULL)
    return;
  mnl_socket_close (kernel->socket);
  g_free (kernel);
}

guint64
net_kernel_namespace (void)
{
  struct stat status;

  return stat ("/proc/self/ns/net", &status) == 0 ? (guint64) status.st_ino : 0;
}

/* --- lists --- */

static void
kernel_ask_inet (struct nlmsghdr *header, int family, NetProtocol protocol, guint states)
{
  struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header (header, sizeof *request);

  request->sdiag_family = (guint8) family;
  request->sdiag_protocol = protocol == NET_TCP ? IPPROTO_TCP : IPPROTO_UDP;
  request->idiag_states = states;
}

static void
kernel_ask_unix (struct nlmsghdr *header, guint states)
{
  struct unix_diag_req *request = mnl_nlmsg_put_extra_header (header, sizeof *request);

  request->sdiag_family = AF_UNIX;
  request->udiag_states = states;
  request->udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN | UDIAG_SHOW_UID;
}

/* Sets an error for errno. A kernel refuses a list with ENOENT (the module is missing), with EOPNOTSUPP and others (it is not
 * built in), or with EPERM or EACCES (a security module or a filter of system calls does not allow it). */
static void
kernel_set_list_error (GError **error)
{
  static const int refusals[] = { ENOENT, EOPNOTSUPP, EPERM, EACCES, EAFNOSUPPORT, EINVAL };
  NetKernelError code = NET_KERNEL_ERROR_FAILED;

  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    if (errno == refusals[i])
      code = NET_KERNEL_ERROR_REFUSED;
  kernel_set_error (error, code, "the kernel does not list the sockets");
}

gboolean
net_kernel_ask (NetKernel *kernel, NetProtocol protocol, NetFamily family, guint states, GError **error)
{
  char buffer[256] = { 0 };
  struct nlmsghdr *header = mnl_nlmsg_put_header (buffer);

  header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  header->nlmsg_seq = ++kernel->sequence;
  kernel->protocol = protocol;
  if (protocol == NET_UNIX)
    kernel_ask_unix (header, states);
  else
    kernel_ask_inet (header, family == NET_IPV4 ? AF_INET : AF_INET6, protocol, states);
  if (mnl_socket_sendto (kernel->socket, header, header->nlmsg_len) >= 0)
    return TRUE;
  kernel_set_list_error (error);
  return FALSE;
}

typedef struct
{
  NetProtocol protocol;
  const NetSink *sink;
} KernelPart;

/* A message that does not describe a socket is skipped. */
static int
kernel_on_message (const struct nlmsghdr *header, void *data)
{
  const KernelPart *part = data;
  const NetSink *sink = part->sink;
  const guint8 *bytes = mnl_nlmsg_get_payload (header);
  gsize len = mnl_nlmsg_get_payload_len (header);
  NetSocket socket;
  gboolean is_socket = part->protocol == NET_UNIX ? net_parse_unix (bytes, len, &socket)
                                                  : net_parse_inet (bytes, len, part->protocol, &socket);

  if (is_socket && sink->wants (&socket, sink->data))
    net_table_add (sink->table, sink->before, &socket);
  else
    net_socket_clear (&socket);
  return MNL_CB_OK;
}

/* TRUE: the message has the sequence number of an earlier list, which was abandoned. */
static gboolean
kernel_is_of_older_list (int result)
{
  return result < 0 && errno == EPROTO;
}

gboolean
net_kernel_take (NetKernel *kernel, const NetSink *sink, gboolean *more, GError **error)
{
  g_autofree char *buffer = g_malloc (ANSWER_BYTES);
  KernelPart part = { kernel->protocol, sink };
  int result;

  do
    {
      gssize len = mnl_socket_recvfrom (kernel->socket, buffer, ANSWER_BYTES);

      result = len < 0 ? -1
                       : mnl_cb_run (buffer, (gsize) len, kernel->sequence, mnl_socket_get_portid (kernel->socket),
                                     kernel_on_message, &part);
    }
  while ((result < 0 && errno == EINTR) || kernel_is_of_older_list (result));
  if (result < 0)
    kernel_set_list_error (error);
  *more = result > MNL_CB_STOP;
  return result >= 0;
}

/* --- notices --- */

static const int notice_groups[]
    = { SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET_UDP_DESTROY, SKNLGRP_INET6_TCP_DESTROY, SKNLGRP_INET6_UDP_DESTROY };

static gboolean
notices_join (struct mnl_socket *socket)
{
  gboolean joined = TRUE;

  for (gsize i = 0; i < G_N_ELEMENTS (notice_groups); i++)
    {
      int group = notice_groups[i];

      joined = joined && mnl_socket_setsockopt (socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0;
    }
  return joined;
}

/* Requests a larger buffer. With CAP_NET_ADMIN the kernel grants it, otherwise at most net.core.rmem_max. */
static void
notices_make_room (struct mnl_socket *socket)
{
  int fd = mnl_socket_get_fd (socket);
  int bytes = NOTICE_BYTES;

  if (setsockopt (fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
    (void) setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

NetNotices *
net_notices_open (GError **error)
{
  struct mnl_socket *socket = kernel_open_socket (SOCK_NONBLOCK, error);
  NetNotices *notices;

  if (socket == NULL)
    return NULL;
  if (!notices_join (socket))
    {
      kernel_set_error (error, NET_KERNEL_ERROR_REFUSED, "the kernel gives no notices of sockets that end");
      mnl_socket_close (socket);
      return NULL;
    }
  notices_make_room (socket);
  notices = g_new0 (NetNotices, 1);
  notices->socket = socket;
  return notices;
}

void
net_notices_close (NetNotices *notices)
{
  if (notices == NULL)
    return;
  mnl_socket_close (notices->socket);
  g_free (notices);
}

static int
notices_on_message (const struct nlmsghdr *header, void *data)
{
  GArray *ended = data;
  NetSocket socket;

  if (!net_parse_inet (mnl_nlmsg_get_payload (header), mnl_nlmsg_get_payload_len (header), NET_PROTOCOL_ANY, &socket))
    return MNL_CB_OK;
  socket.state = NET_STATE_ANY; /* it is closed, and its earlier state is not known */
  socket.receive_queue = socket.send_queue = 0;
  g_array_append_val (ended, socket);
  return MNL_CB_OK;
}

gboolean
net_notices_take (NetNotices *notices, GArray *ended, guint most, gboolean *lost, GError **error)
{
  g_autofree char *buffer = g_malloc (ANSWER_BYTES);

  *lost = FALSE;
  while (ended->len < most)
    {
      gssize len = mnl_socket_recvfrom (notices->socket, buffer, ANSWER_BYTES);

      if (len < 0 && errno == ENOBUFS)
        *lost = TRUE;
      else if (len < 0 && errno == EAGAIN)
        return TRUE;
      else if (len < 0 && errno != EINTR)
        {
          kernel_set_error (error, NET_KERNEL_ERROR_FAILED, "the notices of sockets that end can't be read");
          return FALSE;
        }
      else if (len > 0)
        (void) mnl_cb_run (buffer, (gsize) len, 0, 0, notices_on_message, ended);
    }
  *lost = TRUE;
  return TRUE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "net-parse.h"

#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* --- attributes --- */

typedef void (*ParseTake) (const struct nlattr *attr, gpointer data);

/* Calls @take for each complete attribute. @bytes: with the alignment that the kernel uses. */
static void
parse_attributes (const guint8 *bytes, gsize len, ParseTake take, gpointer data)
{
  const struct nlattr *attr = (gconstpointer) bytes;

  while (mnl_attr_ok (attr, (int) ((const guint8 *) attr <= bytes + len ? bytes + len - (const guint8 *) attr : 0)))
    {
      take (attr, data);
      attr = mnl_attr_next (attr);
    }
}

/* FALSE: the attribute is shorter. */
static gboolean
parse_copy (const struct nlattr *attr, gpointer value, gsize size)
{
  if (mnl_attr_get_payload_len (attr) < size)
    return FALSE;
  memcpy (value, mnl_attr_get_payload (attr), size);
  return TRUE;
}

static guint64
parse_cookie (const guint32 *halves)
{
  return (guint64) halves[1] << 32 | halves[0];
}

/* --- TCP and UDP --- */

static const struct
{
  guint8 kernel;
  NetProtocol ours;
} protocols[] = { { IPPROTO_TCP, NET_TCP }, { IPPROTO_UDP, NET_UDP } };

static void
parse_take_inet (const struct nlattr *attr, gpointer data)
{
  NetSocket *socket = data;
  guint8 number;

  if (mnl_attr_get_type (attr) != INET_DIAG_PROTOCOL || !parse_copy (attr, &number, sizeof number))
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (protocols); i++)
    if (protocols[i].kernel == number && socket->protocol == NET_PROTOCOL_ANY)
      socket->protocol = (guint8) protocols[i].ours;
}

static void
parse_fill_inet (const struct inet_diag_msg *message, NetSocket *socket)
{
  socket->cookie = parse_cookie (message->id.idiag_cookie);
  socket->family = message->idiag_family == AF_INET ? NET_IPV4 : NET_IPV6;
  socket->state = message->idiag_state;
  socket->local_port = ntohs (message->id.idiag_sport);
  socket->peer_port = ntohs (message->id.idiag_dport);
  memcpy (socket->local, message->id.idiag_src, sizeof socket->local);
  memcpy (socket->peer, message->id.idiag_dst, sizeof socket->peer);
  if (socket->family == NET_IPV4) /* the kernel does not always clear the rest */
    {
      memset (socket->local + 4, 0, sizeof socket->local - 4);
      memset (socket->peer + 4, 0, sizeof socket->peer - 4);
    }
  socket->interface = message->id.idiag_if;
  socket->inode = message->idiag_inode;
  socket->uid
      = message->idiag_inode != 0 ? message->idiag_uid : NET_UID_UNKNOWN; /* without a file the kernel reports 0 */
  socket->receive_queue = message->idiag_rqueue;
  socket->send_queue = message->idiag_wqueue;
}

gboolean
net_parse_inet (const guint8 *bytes, gsize len, NetProtocol protocol, NetSocket *socket)
{
  struct inet_diag_msg message;

  *socket = (NetSocket){ .protocol = (guint8) protocol };
  if (len < sizeof message)
    return FALSE;
  memcpy (&message, bytes, sizeof message);
  if (message.idiag_family != AF_INET && message.idiag_family != AF_INET6)
    return FALSE;
  parse_fill_inet (&message, socket);
  parse_attributes (bytes + sizeof message, len - sizeof message, parse_take_inet, socket);
  return socket->protocol != NET_PROTOCOL_ANY && socket->cookie != 0;
}

/* --- Unix sockets --- */

/* An abstract name begins with a NUL, and may contain further NULs. A path may end with a NUL. */
static void
parse_take_name (const struct nlattr *attr, NetSocket *socket)
{
  const char *name = mnl_attr_get_payload (attr);
  gsize len = mnl_attr_get_payload_len (attr);
  gboolean is_abstract = len > 0 && *name == '\0';
  char text[NET_PATH_BYTES] = "@";

  if (is_abstract)
    net_text_escape (name + 1, len - 1, text + 1, sizeof text - 1);
  else
    net_text_escape (name, strnlen (name, len), text, sizeof text);
  g_free (socket->path);
  socket->path = len > 0 ? g_strdup (text) : NULL;
}

static void
parse_take_unix (const struct nlattr *attr, gpointer data)
{
  NetSocket *socket = data;
  struct unix_diag_rqlen queues;

  if (mnl_attr_get_type (attr) == UNIX_DIAG_NAME)
    parse_take_name (attr, socket);
  else if (mnl_attr_get_type (attr) == UNIX_DIAG_PEER)
    parse_copy (attr, &socket->peer_inode, sizeof socket->peer_inode);
  else if (mnl_attr_get_type (attr) == UNIX_DIAG_UID)
    parse_copy (attr, &socket->uid, sizeof socket->uid);
  else if (mnl_attr_get_type (attr) == UNIX_DIAG_RQLEN && parse_copy (attr, &queues, sizeof queues))
    {
      socket->receive_queue = queues.udiag_rqueue;
      socket->send_queue = queues.udiag_wqueue;
    }
}

gboolean
net_parse_unix (const guint8 *bytes, gsize len, NetSocket *socket)
{
  struct unix_diag_msg message;

  *socket = (NetSocket){ .protocol = NET_UNIX, .family = NET_LOCAL, .uid = NET_UID_UNKNOWN };
  if (len < sizeof message)
    return FALSE;
  memcpy (&message, bytes, sizeof message);
  socket->cookie = parse_cookie (message.udiag_cookie);
  if (message.udiag_family != AF_UNIX || socket->cookie == 0)
    return FALSE;
  socket->state = message.udiag_state;
  socket->type = message.udiag_type;
  socket->inode = message.udiag_ino;
  parse_attributes (bytes + sizeof message, len - sizeof message, parse_take_unix, socket);
  return TRUE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net-socket.h"

/*
 * The parser of the kernel's data about one socket: the payload of a netlink message of sock_diag, as bytes.
 *
 * linux/net-parse.c implements it. Tests pass recorded bytes to it. It never reads beyond their end, and skips attributes that it
 * does not know.
 */

/* @bytes: a struct inet_diag_msg and its attributes. @protocol: the protocol of the requested list, NET_TCP or NET_UDP;
 * NET_PROTOCOL_ANY: the message is a notice and names the protocol. @socket: (out): all members are set. FALSE: @bytes are not
 * such a message. */
gboolean net_parse_inet (const guint8 *bytes, gsize len, NetProtocol protocol, NetSocket *socket);

/* Does the same for a struct unix_diag_msg. */
gboolean net_parse_unix (const guint8 *bytes, gsize len, NetSocket *socket);

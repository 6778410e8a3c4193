/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net-socket.h"

/*
 * The parser of what the kernel says about one socket: the payload of a netlink message of sock_diag, as bytes.
 *
 * linux/net-parse.c implements it. It reads recorded bytes as well as those of the kernel, and never beyond their end. It takes
 * what it needs, and skips attributes that it does not know.
 */

/* @bytes: a struct inet_diag_msg and its attributes. @protocol: NET_TCP or NET_UDP, whichever was asked for;
 * NET_PROTOCOL_ANY: the message names it (a notice). @socket: all of it is set. FALSE: this is no such message. */
gboolean net_parse_inet (const guint8 *bytes, gsize len, NetProtocol protocol, NetSocket *socket);

/* The same with a struct unix_diag_msg. */
gboolean net_parse_unix (const guint8 *bytes, gsize len, NetSocket *socket);

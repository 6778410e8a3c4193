/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * One socket of this machine, as netmond reports it, and the processes that have it.
 *
 * The kernel assigns a cookie to each socket, and does not reuse it until the machine is restarted. So the cookie is the identity
 * of a socket, even if another socket uses the same addresses later. This module reads no data from the system: net-parse
 * reads the kernel's data about sockets, and net-owners the processes that have them.
 *
 * Invariant: the names of processes and the paths of sockets are valid UTF-8 with escapes (net_text_escape), and bounded.
 */

typedef enum
{
  NET_PROTOCOL_ANY = 0, /* of a filter: TCP and UDP */
  NET_TCP = 1,
  NET_UDP = 2,
  NET_UNIX = 3,
} NetProtocol;
#define NET_PROTOCOL_LAST NET_UNIX

typedef enum
{
  NET_IPV4 = 1,
  NET_IPV6 = 2,
  NET_LOCAL = 3, /* Unix sockets */
} NetFamily;

/* The numbers of the kernel. */
typedef enum
{
  NET_STATE_ANY = 0, /* of a filter */
  NET_ESTABLISHED = 1,
  NET_SYN_RECEIVED = 3,
  NET_TIME_WAIT = 6,
  NET_UNCONNECTED = 7,
  NET_LISTENING = 10,
  NET_STATE_LAST = 11,
} NetState;

typedef enum
{
  NET_OWNER_UNASKED = 0,
  NET_OWNER_KNOWN = 1,
  NET_OWNER_NONE = 2,
  NET_OWNER_HIDDEN = 3,
  NET_OWNER_NOT_FOUND = 4,
} NetOwnership;

#define NET_OWNERS_MAX  8u   /* of one socket; the others are counted */
#define NET_NAME_BYTES  64u  /* 15 bytes of the kernel, escaped, and a NUL */
#define NET_PATH_BYTES  440u /* 108 bytes of the kernel, escaped, and the prefix of an abstract name */
#define NET_UID_UNKNOWN G_MAXUINT32

typedef struct
{
  guint32 pid;
  guint64 start_time;
  char name[NET_NAME_BYTES];
} NetOwner;

/* The processes that have one socket; immutable once it is in a NetSocket. */
typedef struct NetOwners NetOwners;

NetOwners *net_owners_new (void);
NetOwners *net_owners_ref (NetOwners *owners);
void net_owners_unref (NetOwners *owners);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetOwners, net_owners_unref)
/* Adds a process, unless it was already added. The order is free, but all descriptors that a process has of the socket follow each
 * other: a process for which there is no room is counted again if others were added meanwhile. */
void net_owners_add (NetOwners *owners, const NetOwner *owner);
/* Returns the owners, sorted by pid. @more: (out): number of further owners. */
const NetOwner *net_owners_get (const NetOwners *owners, guint *n, guint *more);

typedef struct
{
  guint64 cookie;
  guint8 protocol; /* NetProtocol */
  guint8 family;   /* NetFamily */
  guint8 state;    /* NetState, or another number of the kernel */
  guint8 type;     /* of a Unix socket: SOCK_* */
  guint16 local_port;
  guint16 peer_port;
  guint8 local[16]; /* in network byte order; IPv4: the first four bytes */
  guint8 peer[16];
  guint32 interface;
  guint32 inode;
  guint32 peer_inode;
  guint32 uid;
  guint32 receive_queue;
  guint32 send_queue;
  guint8 ownership;  /* NetOwnership */
  NetOwners *owners; /* (nullable): set if the ownership is NET_OWNER_KNOWN */
  char *path;        /* (nullable): of a Unix socket */
} NetSocket;

/* Frees the members of the socket, but not @socket. */
void net_socket_clear (NetSocket *socket);
void net_socket_copy (const NetSocket *socket, NetSocket *copy);
void net_socket_set_owners (NetSocket *socket, NetOwnership ownership, NetOwners *owners);

gboolean net_socket_has_peer (const NetSocket *socket);

/* Writes an address of the socket as text; "" if it has none. @text: at least NET_ADDRESS_BYTES. */
#define NET_ADDRESS_BYTES 46u
void net_address_format (NetFamily family, const guint8 *address, char *text);

/* Writes bytes as UTF-8 to @text, which has @size bytes. Bytes that are not printable ASCII or valid UTF-8, and backslashes, are
 * escaped as \xNN. Text that does not fit is cut off. */
void net_text_escape (const char *bytes, gsize len, char *text, gsize size);

/* SPDX-License-Identifier: Apache-2.0 */
#include "net-pack.h"

#include "deye-bus-pack.h"
#include "network.pb-c.h"

typedef Daemoneye__Eventbus__V1__SocketRecord Record;
typedef Daemoneye__Eventbus__V1__SocketOwner Owner;

/* A record and the memory that it refers to. */
typedef struct
{
  Record record;
  Owner owners[NET_OWNERS_MAX];
  Owner *list[NET_OWNERS_MAX];
  char local[NET_ADDRESS_BYTES];
  char peer[NET_ADDRESS_BYTES];
} PackSocket;

static void
pack_fill_owners (PackSocket *packed, const NetOwners *owners)
{
  guint n, more;
  const NetOwner *from = net_owners_get (owners, &n, &more);

  for (guint i = 0; i < n; i++)
    {
      packed->list[i] = &packed->owners[i];
      daemoneye__eventbus__v1__socket_owner__init (packed->list[i]);
      packed->owners[i].pid = from[i].pid;
      packed->owners[i].start_time = from[i].start_time;
      packed->owners[i].name = (char *) from[i].name;
    }
  packed->record.n_owners = n;
  packed->record.owners = packed->list;
  packed->record.more_owners = more;
}

static void
pack_fill_addresses (PackSocket *packed, const NetSocket *from)
{
  Record *record = &packed->record;
  NetFamily family = (NetFamily) from->family;

  net_address_format (family, from->local, packed->local);
  record->local_address = from->path != NULL ? from->path : packed->local;
  record->local_port = from->local_port;
  if (!net_socket_has_peer (from))
    return;
  net_address_format (family, from->peer, packed->peer);
  record->peer_address = packed->peer;
  record->peer_port = from->peer_port;
}

static void
pack_fill (PackSocket *packed, const NetSocket *from)
{
  Record *record = &packed->record;

  daemoneye__eventbus__v1__socket_record__init (record);
  record->cookie = from->cookie;
  record->protocol = (Daemoneye__Eventbus__V1__SocketProtocol) from->protocol;
  record->family = (Daemoneye__Eventbus__V1__SocketFamily) from->family;
  record->state = (Daemoneye__Eventbus__V1__SocketState) from->state;
  record->ownership = (Daemoneye__Eventbus__V1__SocketOwnership) from->ownership;
  record->interface = from->interface;
  record->inode = from->inode;
  record->uid = from->uid;
  record->receive_queue = from->receive_queue;
  record->send_queue = from->send_queue;
  record->unix_type = from->type;
  record->peer_inode = from->peer_inode;
  pack_fill_addresses (packed, from);
  if (from->owners != NULL)
    pack_fill_owners (packed, from->owners);
}

/* @list: of 3 numbers. */
static gsize
pack_list_refused (guint refused, Daemoneye__Eventbus__V1__SocketProtocol *list)
{
  gsize n = 0;

  for (guint protocol = NET_TCP; protocol <= NET_PROTOCOL_LAST; protocol++)
    if ((refused & 1u << protocol) != 0)
      list[n++] = (Daemoneye__Eventbus__V1__SocketProtocol) protocol;
  return n;
}

GBytes *
net_pack_table (const NetTable *table)
{
  guint n = table->sockets->len;
  g_autofree PackSocket *sockets = g_new (PackSocket, n);
  g_autofree Record **list = g_new (Record *, n);
  Daemoneye__Eventbus__V1__SocketProtocol refused[NET_PROTOCOL_LAST];
  Daemoneye__Eventbus__V1__SocketTable message;

  daemoneye__eventbus__v1__socket_table__init (&message);
  for (guint i = 0; i < n; i++)
    {
      pack_fill (&sockets[i], &g_array_index (table->sockets, NetSocket, i));
      list[i] = &sockets[i].record;
    }
  message.n_sockets = n;
  message.sockets = list;
  message.next_cursor = table->next;
  message.beyond_limit = table->beyond;
  message.processes = table->processes;
  message.unreadable_processes = table->unreadable;
  message.hidden_processes = table->hidden;
  message.other_sockets = table->other;
  message.n_refused = pack_list_refused (table->refused, refused);
  message.refused = refused;
  message.network_namespace = table->namespace_inode;
  return deye_bus_pack (&message.base);
}

GBytes *
net_pack_event (const NetEvent *event, gint64 observed_time_us, gint64 poll_interval_us)
{
  Daemoneye__Eventbus__V1__SocketEvent message;
  PackSocket packed;

  daemoneye__eventbus__v1__socket_event__init (&message);
  pack_fill (&packed, &event->socket);
  message.kind = (Daemoneye__Eventbus__V1__SocketEventKind) event->kind;
  message.socket = &packed.record;
  message.observed_time_us = (guint64) observed_time_us;
  message.poll_interval_us = (guint64) poll_interval_us;
  return deye_bus_pack (&message.base);
}

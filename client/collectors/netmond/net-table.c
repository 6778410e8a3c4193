/* SPDX-License-Identifier: Apache-2.0 */
#include "net-table.h"

#include <string.h>

gboolean
net_filter_matches (const NetFilter *filter, const NetSocket *socket)
{
  gboolean right_protocol = filter->protocol == NET_PROTOCOL_ANY || filter->protocol == socket->protocol;

  return right_protocol && (filter->state == NET_STATE_ANY || filter->state == socket->state)
         && (filter->local_port == 0 || filter->local_port == socket->local_port)
         && (filter->shards <= 1 || socket->cookie % filter->shards == filter->shard) && socket->cookie > filter->after
         && (filter->inodes == NULL || g_hash_table_contains (filter->inodes, GUINT_TO_POINTER (socket->inode)));
}

static void
table_clear_socket (gpointer data)
{
  net_socket_clear (data);
}

NetTable *
net_table_new (guint limit, const NetTable *before)
{
  NetTable *table = g_new0 (NetTable, 1);

  table->sockets = g_array_new (FALSE, FALSE, sizeof (NetSocket));
  g_array_set_clear_func (table->sockets, table_clear_socket);
  table->limit = limit;
  table->room = before != NULL ? limit - MIN (limit, before->sockets->len) : limit;
  return table;
}

void
net_table_free (NetTable *table)
{
  if (table == NULL)
    return;
  g_array_unref (table->sockets);
  g_free (table);
}

void
net_table_add (NetTable *table, const NetTable *before, NetSocket *socket)
{
  gboolean is_known = before != NULL && net_table_find (before, socket->cookie) != NULL;

  if ((!is_known && table->room == 0) || table->sockets->len >= table->limit)
    {
      table->beyond++;
      net_socket_clear (socket);
      return;
    }
  if (!is_known)
    table->room--;
  g_array_append_val (table->sockets, *socket);
}

static gint
table_compare (gconstpointer a, gconstpointer b)
{
  const NetSocket *left = a, *right = b;

  return (left->cookie > right->cookie) - (left->cookie < right->cookie);
}

/* g_array_sort() is stable, so the last one of equal cookies was listed last. */
void
net_table_seal (NetTable *table)
{
  guint n = 0;

  g_array_sort (table->sockets, table_compare);
  for (guint i = 0; i < table->sockets->len; i++)
    {
      NetSocket *socket = &g_array_index (table->sockets, NetSocket, i);
      NetSocket moved = *socket;

      if (n > 0 && g_array_index (table->sockets, NetSocket, n - 1).cookie == socket->cookie)
        n--;
      if (n == i)
        {
          n++;
          continue;
        }
      net_socket_clear (&g_array_index (table->sockets, NetSocket, n));
      memset (socket, 0, sizeof *socket);
      g_array_index (table->sockets, NetSocket, n++) = moved;
    }
  g_array_set_size (table->sockets, n);
}

NetSocket *
net_table_find (const NetTable *table, guint64 cookie)
{
  const NetSocket wanted = { .cookie = cookie };
  guint at;

  if (!g_array_binary_search (table->sockets, &wanted, table_compare, &at))
    return NULL;
  return &g_array_index (table->sockets, NetSocket, at);
}

/* --- pages --- */

/* The cost of a record is at least the number of its bytes in an answer. It is higher for small records: a receiver unpacks an
 * answer only if the result needs at most 4 times the bytes of the answer plus 256 KiB of memory (wire-guard.h), and small
 * records need more than 4 times their bytes. With this cost an answer contains so few of them that it can be unpacked. */
#define SOCKET_COST 640u
#define OWNER_COST  132u /* besides its name */

static gsize
table_cost (const NetSocket *socket)
{
  gsize cost = SOCKET_COST + (socket->path != NULL ? strlen (socket->path) : 0);
  const NetOwner *owners;
  guint n, more;

  if (socket->owners == NULL)
    return cost;
  owners = net_owners_get (socket->owners, &n, &more);
  for (guint i = 0; i < n; i++)
    cost += OWNER_COST + strlen (owners[i].name);
  return cost;
}

void
net_table_skip (NetTable *table, guint64 cookie)
{
  guint n = 0;

  while (n < table->sockets->len && g_array_index (table->sockets, NetSocket, n).cookie <= cookie)
    n++;
  if (n > 0)
    g_array_remove_range (table->sockets, 0, n);
}

void
net_table_page (NetTable *table, guint most, gsize room)
{
  guint n = 0;
  gsize cost = 0;

  while (n < table->sockets->len && (most == 0 || n < most))
    {
      cost += table_cost (&g_array_index (table->sockets, NetSocket, n));
      if (cost > room && n > 0)
        break;
      n++;
    }
  if (n == table->sockets->len)
    return;
  table->next = g_array_index (table->sockets, NetSocket, n - 1).cookie;
  g_array_set_size (table->sockets, n);
}

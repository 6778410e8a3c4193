/* SPDX-License-Identifier: Apache-2.0 */
#include "net-watch.h"

#include <string.h>

/* Cookies of sockets that have vanished without a notice, oldest first. */
typedef struct
{
  GHashTable *set; /* of WatchPast.order's elements */
  GQueue order;    /* of guint64 *, owned */
} WatchPast;

struct NetWatch
{
  guint limit;
  NetTable *last;
  GHashTable *missed; /* cookies in the table that the last reading did not list, but the one before did */
  WatchPast past;
};

static guint64 *
watch_new_key (guint64 cookie)
{
  guint64 *box = g_new (guint64, 1);

  *box = cookie;
  return box;
}

NetWatch *
net_watch_new (guint limit)
{
  NetWatch *watch = g_new0 (NetWatch, 1);

  watch->limit = limit;
  watch->missed = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  watch->past.set = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_queue_init (&watch->past.order);
  return watch;
}

void
net_watch_free (NetWatch *watch)
{
  if (watch == NULL)
    return;
  g_clear_pointer (&watch->last, net_table_free);
  g_hash_table_unref (watch->missed);
  g_hash_table_unref (watch->past.set);
  g_queue_clear_full (&watch->past.order, g_free);
  g_free (watch);
}

const NetTable *
net_watch_last (const NetWatch *watch)
{
  return watch->last;
}

gboolean
net_watch_concerns (const NetSocket *socket)
{
  if (socket->protocol == NET_UDP)
    return socket->local_port != 0;
  return socket->protocol == NET_TCP && socket->state != NET_TIME_WAIT && socket->state != NET_SYN_RECEIVED
         && socket->state != NET_UNCONNECTED && socket->state <= NET_STATE_LAST;
}

/* --- sockets that have vanished without a notice --- */

static void
watch_remember (NetWatch *watch, guint64 cookie)
{
  guint64 *box;

  if (g_hash_table_contains (watch->past.set, &cookie))
    return;
  if (watch->past.order.length >= watch->limit)
    {
      guint64 *oldest = g_queue_pop_head (&watch->past.order);

      g_hash_table_remove (watch->past.set, oldest);
      g_free (oldest);
    }
  box = watch_new_key (cookie);
  g_queue_push_tail (&watch->past.order, box);
  g_hash_table_add (watch->past.set, box);
}

/* --- events --- */

static void
watch_add (GArray *events, NetEventKind kind, const NetSocket *socket)
{
  NetEvent event = { .kind = kind };

  net_socket_copy (socket, &event.socket);
  g_array_append_val (events, event);
}

static void
watch_clear_event (gpointer data)
{
  net_socket_clear (&((NetEvent *) data)->socket);
}

/* TRUE: both are the same listener or connection. Otherwise a program has used the socket with this cookie again. */
static gboolean
watch_is_same (const NetSocket *a, const NetSocket *b)
{
  return a->local_port == b->local_port && a->peer_port == b->peer_port
         && memcmp (a->local, b->local, sizeof a->local) == 0 && memcmp (a->peer, b->peer, sizeof a->peer) == 0
         && (a->state == NET_LISTENING) == (b->state == NET_LISTENING);
}

static GHashTable *
watch_index_notices (const GArray *ended)
{
  GHashTable *index = g_hash_table_new (g_int64_hash, g_int64_equal);

  for (guint i = 0; i < ended->len; i++)
    {
      NetSocket *notice = &g_array_index (ended, NetSocket, i);

      g_hash_table_insert (index, &notice->cookie, notice);
    }
  return index;
}

/* Handles a socket of the last table that the new one does not have. @kept: receives the socket if it may still exist. */
static void
watch_miss (NetWatch *watch, const NetSocket *socket, gboolean is_ended, GArray *kept, GArray *events)
{
  gboolean is_second = g_hash_table_remove (watch->missed, &socket->cookie);
  NetSocket copy;

  if (is_ended || is_second)
    {
      watch_add (events, NET_VANISHED, socket);
      if (!is_ended)
        watch_remember (watch, socket->cookie);
      return;
    }
  net_socket_copy (socket, &copy);
  g_array_append_val (kept, copy);
  g_hash_table_add (watch->missed, watch_new_key (socket->cookie));
}

/* Checks each socket of the last table: it has vanished, was used again, or still exists. */
static void
watch_compare_last (NetWatch *watch, const NetTable *now, GHashTable *ended, GArray *kept, GArray *events)
{
  for (guint i = 0; i < watch->last->sockets->len; i++)
    {
      const NetSocket *socket = &g_array_index (watch->last->sockets, NetSocket, i);
      const NetSocket *found = net_table_find (now, socket->cookie);

      if (found == NULL)
        watch_miss (watch, socket, g_hash_table_contains (ended, &socket->cookie), kept, events);
      else
        {
          g_hash_table_remove (watch->missed, &socket->cookie);
          if (!watch_is_same (socket, found))
            watch_add (events, NET_VANISHED, socket);
        }
    }
}

/* Checks each socket of @now: it has appeared, or existed before. A socket that has ended since the kernel listed it vanishes at
 * once. */
static void
watch_compare_now (const NetWatch *watch, const NetTable *now, GHashTable *ended, GArray *events)
{
  for (guint i = 0; i < now->sockets->len; i++)
    {
      const NetSocket *socket = &g_array_index (now->sockets, NetSocket, i);
      const NetSocket *before = net_table_find (watch->last, socket->cookie);

      if (before == NULL || !watch_is_same (before, socket))
        watch_add (events, NET_APPEARED, socket);
      if (g_hash_table_contains (ended, &socket->cookie))
        watch_add (events, NET_VANISHED, socket);
    }
}

/* Removes the sockets that have ended since they were listed, and adds those of @kept. */
static void
watch_keep_sockets (NetTable *now, GHashTable *ended, GArray *kept)
{
  for (guint i = 0; i < now->sockets->len; i++)
    {
      NetSocket *socket = &g_array_index (now->sockets, NetSocket, i);

      if (g_hash_table_contains (ended, &socket->cookie))
        socket->cookie = 0; /* no socket has this cookie */
    }
  g_array_append_vals (now->sockets, kept->data, kept->len);
  net_table_seal (now);
  if (now->sockets->len > 0 && g_array_index (now->sockets, NetSocket, 0).cookie == 0)
    g_array_remove_index (now->sockets, 0);
}

/* A notice does not contain the state of the socket. Only the state distinguishes a TCP listener from a TCP socket that was bound
 * but never listened, so a TCP socket without a peer is not reported. */
static gboolean
watch_should_report (const NetSocket *notice)
{
  return notice->protocol == NET_TCP ? net_socket_has_peer (notice) : notice->local_port != 0;
}

static gboolean
watch_has_seen (const NetWatch *watch, const NetTable *now, guint64 cookie)
{
  return net_table_find (now, cookie) != NULL || net_table_find (watch->last, cookie) != NULL
         || g_hash_table_contains (watch->past.set, &cookie);
}

static void
watch_add_unseen (const NetWatch *watch, const NetTable *now, const GArray *ended, GArray *events)
{
  for (guint i = 0; i < ended->len; i++)
    {
      const NetSocket *notice = &g_array_index (ended, NetSocket, i);

      if (watch_should_report (notice) && !watch_has_seen (watch, now, notice->cookie))
        watch_add (events, NET_ENDED_UNSEEN, notice);
    }
}

GArray *
net_watch_compare (NetWatch *watch, NetTable *now, const GArray *ended)
{
  GArray *events = g_array_new (FALSE, FALSE, sizeof (NetEvent));
  g_autoptr (GArray) kept = g_array_new (FALSE, FALSE, sizeof (NetSocket)); /* its sockets move to @now */
  g_autoptr (GHashTable) index = watch_index_notices (ended);

  g_array_set_clear_func (events, watch_clear_event);
  if (watch->last != NULL)
    {
      watch_add_unseen (watch, now, ended, events);
      watch_compare_last (watch, now, index, kept, events);
      watch_compare_now (watch, now, index, events);
    }
  watch_keep_sockets (now, index, kept);
  g_clear_pointer (&watch->last, net_table_free);
  watch->last = now;
  return events;
}

guint
net_watch_keep_owners (const NetTable *before, NetTable *now)
{
  guint unasked = 0;

  for (guint i = 0; i < now->sockets->len; i++)
    {
      NetSocket *socket = &g_array_index (now->sockets, NetSocket, i);
      const NetSocket *old = before != NULL ? net_table_find (before, socket->cookie) : NULL;

      if (socket->inode == 0)
        {
          /* The process has closed the socket, so it has no owner now; the event names the last known owner. */
          if (old != NULL && old->ownership == NET_OWNER_KNOWN)
            net_socket_set_owners (socket, NET_OWNER_KNOWN, old->owners);
          else
            net_socket_set_owners (socket, NET_OWNER_NONE, NULL);
        }
      else if (old != NULL && old->inode == socket->inode && old->ownership != NET_OWNER_UNASKED)
        net_socket_set_owners (socket, (NetOwnership) old->ownership, old->owners);
      else
        unasked++;
    }
  return unasked;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-pending-table.h"

#include "deye-bus-error-private.h"

#include <glib/gi18n-lib.h>

#define BUCKETS_FIRST 32u

/* --- by id --- */

/* The session assigns ids in sequence, with a distance of two, so they spread evenly over the buckets. */
static DeyeBusPending **
table_bucket (const DeyeBusPendingTable *table, guint64 id)
{
  return &table->buckets[(id >> 1) & (table->n_buckets - 1)];
}

static void
table_link (DeyeBusPendingTable *table, DeyeBusPending *pending)
{
  DeyeBusPending **bucket = table_bucket (table, pending->id);

  pending->next_of_id = *bucket;
  *bucket = pending;
}

static void
table_grow (DeyeBusPendingTable *table)
{
  DeyeBusPending **old = table->buckets;
  const guint n = table->n_buckets;

  table->n_buckets = MAX (BUCKETS_FIRST, 2 * n);
  table->buckets = g_new0 (DeyeBusPending *, table->n_buckets);
  for (guint i = 0; i < n; i++)
    for (DeyeBusPending *pending = old[i], *next; pending != NULL; pending = next)
      {
        next = pending->next_of_id;
        table_link (table, pending);
      }
  g_free (old);
}

/* Releases the table's reference to @pending, if it is in the table. */
static void
table_remove (DeyeBusPendingTable *table, DeyeBusPending *pending)
{
  DeyeBusPending **link = table_bucket (table, pending->id);

  while (*link != NULL && *link != pending)
    link = &(*link)->next_of_id;
  if (*link == NULL)
    return;
  *link = pending->next_of_id;
  pending->next_of_id = NULL;
  table->count--;
  deye_bus_pending_unref (pending);
}

static gint
pending_compare_ids (gconstpointer a, gconstpointer b)
{
  const DeyeBusPending *first = *(DeyeBusPending *const *) a, *second = *(DeyeBusPending *const *) b;

  return first->id < second->id ? -1 : first->id > second->id;
}

GPtrArray *
deye_bus_pending_table_list (const DeyeBusPendingTable *table, DeyeBusPendingFilter filter)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_pending_unref);

  for (guint i = 0; i < table->n_buckets; i++)
    for (DeyeBusPending *pending = table->buckets[i]; pending != NULL; pending = pending->next_of_id)
      if (filter == NULL || filter (pending))
        g_ptr_array_add (list, deye_bus_pending_ref (pending));
  g_ptr_array_sort (list, pending_compare_ids);
  return list;
}

/* --- the table --- */

void
deye_bus_pending_table_init (DeyeBusPendingTable *table, DeyeBusEvents *events, DeyeBusPending *hello)
{
  *table = (DeyeBusPendingTable){ .events = events, .next_us = G_MAXINT64 };
  table_grow (table);
  if (hello != NULL)
    deye_bus_pending_table_reopen (table, hello);
}

void
deye_bus_pending_table_clear (DeyeBusPendingTable *table)
{
  g_clear_pointer (&table->hello, deye_bus_pending_unref);
  for (guint i = 0; i < table->n_buckets; i++)
    while (table->buckets[i] != NULL)
      table_remove (table, table->buckets[i]);
  g_clear_pointer (&table->buckets, g_free);
  table->n_buckets = 0;
}

void
deye_bus_pending_table_add (DeyeBusPendingTable *table, DeyeBusPending *pending, guint64 id)
{
  pending->id = id;
  if (table->count >= table->n_buckets)
    table_grow (table);
  table_link (table, deye_bus_pending_ref (pending));
  table->count++;
  table->next_us = MIN (table->next_us, pending->deadline_us);
}

DeyeBusPending *
deye_bus_pending_table_find (const DeyeBusPendingTable *table, guint64 id)
{
  DeyeBusPending *pending = *table_bucket (table, id);

  while (pending != NULL && pending->id != id)
    pending = pending->next_of_id;
  return pending != NULL && pending->sent ? pending : NULL;
}

/* The subscribe call @pending has ended. If it failed, its channel is about to be removed, but the dispatch that does this may come
 * after the next connection. So the request is dropped: the channel must not be subscribed there. */
static void
pending_end_subscribe (const DeyeBusPending *pending)
{
  DeyeBusChannel *channel = pending->channel;

  if (channel->asking != pending)
    return;
  channel->asking = NULL;
  if (pending->error != NULL)
    g_clear_pointer (&channel->request, g_bytes_unref);
}

void
deye_bus_pending_table_finish (DeyeBusPendingTable *table, DeyeBusPending *pending, GError *error)
{
  g_assert (!pending->done);

  pending->done = TRUE;
  pending->error = error;
  if (pending->subscribes)
    pending_end_subscribe (pending);
  if (pending->stream != NULL)
    {
      deye_bus_stream_end (pending->stream, error != NULL ? g_error_copy (error) : NULL);
      deye_bus_stream_wake (pending->stream, table->events);
    }
  if (pending->complete != NULL)
    deye_bus_events_push (table->events,
                          (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_DONE, .subject = deye_bus_pending_ref (pending) });
  if (pending == table->hello)
    g_clear_pointer (&table->hello, deye_bus_pending_unref);
  else
    table_remove (table, pending);
}

/* A call that was never sent fails with NOT_CONNECTED. The outcome of a sent call is unknown, unless @reason is more specific. */
static GError *
pending_error_disconnected (const DeyeBusPending *pending, const GError *reason)
{
  if (pending->sent || pending->sent_before || pending->kind == DEYE_BUS_PENDING_HELLO
      || g_error_matches (reason, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED))
    return g_error_copy (reason);
  return deye_bus_error_new (DEYE_BUS_ERROR_NOT_CONNECTED, _ ("Not sent, the connection ended: %s"), reason->message);
}

/* Calls that are made again on the next connection: a subscribe call (with the request of its channel), a standing call (with its
 * own request), and a call with a kept frame. */
static gboolean
pending_waits_for_next (const DeyeBusPending *pending)
{
  return pending->kind == DEYE_BUS_PENDING_READY || pending->standing != NULL
         || (pending->subscribes && !pending->channel->cut) || pending->frame != NULL || pending->survives;
}

void
deye_bus_pending_table_reopen (DeyeBusPendingTable *table, DeyeBusPending *hello)
{
  g_assert (table->hello == NULL);

  table->hello = deye_bus_pending_ref (hello);
  table->next_us = MIN (table->next_us, hello->deadline_us);
}

void
deye_bus_pending_table_forget (DeyeBusPendingTable *table, DeyeBusPending *pending)
{
  table_remove (table, pending);
}

static gboolean
pending_is_unsent_standing (const DeyeBusPending *pending)
{
  return pending->standing != NULL && !pending->sent;
}

GPtrArray *
deye_bus_pending_table_list_standing (const DeyeBusPendingTable *table)
{
  return deye_bus_pending_table_list (table, pending_is_unsent_standing);
}

static gboolean
pending_is_kept (const DeyeBusPending *pending)
{
  return pending->frame != NULL;
}

GPtrArray *
deye_bus_pending_table_list_kept (const DeyeBusPendingTable *table)
{
  return deye_bus_pending_table_list (table, pending_is_kept);
}

static void
pending_table_fail (DeyeBusPendingTable *table, const GError *reason, DeyeBusPendingFilter stays)
{
  g_autoptr (GPtrArray) all = deye_bus_pending_table_list (table, NULL);

  table->next_us = G_MAXINT64;
  if (table->hello != NULL)
    deye_bus_pending_table_finish (table, table->hello, pending_error_disconnected (table->hello, reason));
  for (guint i = 0; i < all->len; i++)
    {
      DeyeBusPending *pending = all->pdata[i];

      if (!stays (pending))
        {
          deye_bus_pending_table_finish (table, pending, pending_error_disconnected (pending, reason));
          continue;
        }
      pending->sent_before = pending->sent_before || (pending->sent && pending->frame != NULL);
      pending->sent = FALSE;
      pending->restores = FALSE;
      table->next_us = MIN (table->next_us, pending->deadline_us);
    }
}

static gboolean
pending_never_stays (const DeyeBusPending *pending)
{
  return FALSE;
}

void
deye_bus_pending_table_fail_all (DeyeBusPendingTable *table, const GError *reason)
{
  pending_table_fail (table, reason, pending_never_stays);
}

void
deye_bus_pending_table_suspend (DeyeBusPendingTable *table, const GError *reason)
{
  pending_table_fail (table, reason, pending_waits_for_next);
}

static void
pending_collect_overdue (DeyeBusPendingTable *table, DeyeBusPending *pending, gint64 now_us, GPtrArray *overdue)
{
  if (pending->deadline_us <= now_us)
    g_ptr_array_add (overdue, deye_bus_pending_ref (pending));
  else
    table->next_us = MIN (table->next_us, pending->deadline_us);
}

/* The calls are not sorted by deadline, since that would cost time for each call. Instead next_us is a lower bound: it is not
 * corrected when the call with that deadline ends, and then this search finds nothing, about once per timeout. */
GPtrArray *
deye_bus_pending_table_list_overdue (DeyeBusPendingTable *table, gint64 now_us)
{
  GPtrArray *overdue = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_pending_unref);

  if (now_us < table->next_us)
    return overdue;
  table->next_us = G_MAXINT64;
  if (table->hello != NULL)
    pending_collect_overdue (table, table->hello, now_us, overdue);
  for (guint i = 0; i < table->n_buckets; i++)
    for (DeyeBusPending *pending = table->buckets[i]; pending != NULL; pending = pending->next_of_id)
      pending_collect_overdue (table, pending, now_us, overdue);
  g_ptr_array_sort (overdue, pending_compare_ids);
  return overdue;
}

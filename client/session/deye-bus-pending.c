/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-pending.h"

#include "deye-bus-error-private.h"

#include <glib/gi18n-lib.h>

/* --- one call --- */

DeyeBusPending *
deye_bus_pending_new (DeyeBusPendingKind kind, gint64 deadline_us)
{
  DeyeBusPending *pending = g_new0 (DeyeBusPending, 1);

  pending->refs = 1;
  pending->kind = kind;
  pending->deadline_us = deadline_us;
  return pending;
}

DeyeBusPending *
deye_bus_pending_ref (DeyeBusPending *pending)
{
  pending->refs++;
  return pending;
}

static void
standing_free (DeyeBusStanding *standing)
{
  g_bytes_unref (standing->payload);
  g_free (standing);
}

void
deye_bus_pending_set_standing (DeyeBusPending *pending, const DeyeBusStanding *standing)
{
  g_assert (pending->standing == NULL);

  pending->standing = g_memdup2 (standing, sizeof *standing);
  g_bytes_ref (standing->payload);
}

void
deye_bus_pending_unref (DeyeBusPending *pending)
{
  if (--pending->refs > 0)
    return;
  g_clear_error (&pending->error);
  g_clear_pointer (&pending->reply, deye_bus_message_unref);
  g_clear_pointer (&pending->channel, deye_bus_channel_unref);
  g_clear_pointer (&pending->stream, deye_bus_stream_unref);
  g_clear_pointer (&pending->standing, standing_free);
  g_clear_pointer (&pending->frame, deye_bus_kept_frame_free);
  g_assert (pending->cancelled == NULL);
  g_free (pending);
}

GError *
deye_bus_pending_error_overdue (const DeyeBusPending *pending)
{
  if (pending->kind == DEYE_BUS_PENDING_HELLO)
    return deye_bus_error_new (DEYE_BUS_ERROR_TIMEOUT, "%s", _ ("The broker did not answer the handshake in time"));
  if (pending->standing != NULL)
    return deye_bus_error_new (DEYE_BUS_ERROR_TIMEOUT, "%s", _ ("No answer within the time given"));
  if (!pending->sent && !pending->tried && pending->frame != NULL && pending->waits == NULL)
    return deye_bus_error_new (DEYE_BUS_ERROR_NOT_CONNECTED, "%s",
                               _ ("Not sent: the client was not ready within the timeout"));
  if (!pending->sent && !pending->tried)
    return deye_bus_error_new (DEYE_BUS_ERROR_WOULD_BLOCK, "%s",
                               _ ("No credit from the broker within the timeout: receivers are slow; try again later"));
  if (pending->kind == DEYE_BUS_PENDING_REPLY || pending->kind == DEYE_BUS_PENDING_ANSWERS)
    return deye_bus_error_new (DEYE_BUS_ERROR_TIMEOUT, "%s", _ ("No answer within the time given"));
  return deye_bus_error_new (DEYE_BUS_ERROR_UNKNOWN, "%s",
                             _ ("No report within the timeout: the message may or may not have arrived"));
}

/* --- the table --- */

void
deye_bus_pending_table_init (DeyeBusPendingTable *table, DeyeBusEvents *events, DeyeBusPending *hello)
{
  table->events = events;
  table->next_us = G_MAXINT64;
  if (hello != NULL)
    deye_bus_pending_table_reopen (table, hello);
  table->by_id = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, (GDestroyNotify) deye_bus_pending_unref);
}

void
deye_bus_pending_table_clear (DeyeBusPendingTable *table)
{
  g_clear_pointer (&table->hello, deye_bus_pending_unref);
  g_clear_pointer (&table->by_id, g_hash_table_unref);
}

void
deye_bus_pending_table_add (DeyeBusPendingTable *table, DeyeBusPending *pending, guint64 id)
{
  pending->id = id;
  g_hash_table_insert (table->by_id, &pending->id, deye_bus_pending_ref (pending));
  table->next_us = MIN (table->next_us, pending->deadline_us);
}

DeyeBusPending *
deye_bus_pending_table_find (const DeyeBusPendingTable *table, guint64 id)
{
  DeyeBusPending *pending = g_hash_table_lookup (table->by_id, &id);

  return pending != NULL && pending->sent ? pending : NULL;
}

void
deye_bus_pending_table_finish (DeyeBusPendingTable *table, DeyeBusPending *pending, GError *error)
{
  g_assert (!pending->done);

  pending->done = TRUE;
  pending->error = error;
  if (pending->subscribes && pending->channel->asking == pending)
    pending->channel->asking = NULL;
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
    g_hash_table_remove (table->by_id, &pending->id);
}

static gint
pending_compare_ids (gconstpointer a, gconstpointer b)
{
  const DeyeBusPending *first = a, *second = b;

  return first->id < second->id ? -1 : first->id > second->id;
}

/* A call that was never sent fails as not connected. The outcome of a sent one is unknown, unless @reason says more. */
static GError *
pending_error_disconnected (const DeyeBusPending *pending, const GError *reason)
{
  if (pending->sent || pending->tried || pending->kind == DEYE_BUS_PENDING_HELLO
      || g_error_matches (reason, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED))
    return g_error_copy (reason);
  return deye_bus_error_new (DEYE_BUS_ERROR_NOT_CONNECTED, _ ("Not sent, the connection ended: %s"), reason->message);
}

/* A subscribe is repeated on the next connection, with its channel; a standing call with its request; a kept frame is sent
 * there. */
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
  g_hash_table_remove (table->by_id, &pending->id);
}

GPtrArray *
deye_bus_pending_table_list_standing (const DeyeBusPendingTable *table)
{
  g_autoptr (GList) all = g_list_sort (g_hash_table_get_values (table->by_id), pending_compare_ids);
  GPtrArray *standing = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_pending_unref);

  for (GList *link = all; link != NULL; link = link->next)
    {
      DeyeBusPending *pending = link->data;

      if (pending->standing != NULL && !pending->sent)
        g_ptr_array_add (standing, deye_bus_pending_ref (pending));
    }
  return standing;
}

GPtrArray *
deye_bus_pending_table_list_kept (const DeyeBusPendingTable *table)
{
  g_autoptr (GList) all = g_list_sort (g_hash_table_get_values (table->by_id), pending_compare_ids);
  GPtrArray *kept = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_pending_unref);

  for (GList *link = all; link != NULL; link = link->next)
    if (((DeyeBusPending *) link->data)->frame != NULL)
      g_ptr_array_add (kept, deye_bus_pending_ref (link->data));
  return kept;
}

static void
pending_table_fail (DeyeBusPendingTable *table, const GError *reason, gboolean (*stays) (const DeyeBusPending *pending))
{
  g_autoptr (GList) all = g_list_sort (g_hash_table_get_values (table->by_id), pending_compare_ids);

  table->next_us = G_MAXINT64;
  if (table->hello != NULL)
    deye_bus_pending_table_finish (table, table->hello, pending_error_disconnected (table->hello, reason));
  for (GList *link = all; link != NULL; link = link->next)
    {
      DeyeBusPending *pending = link->data;

      if (!stays (pending))
        {
          deye_bus_pending_table_finish (table, pending, pending_error_disconnected (pending, reason));
          continue;
        }
      pending->tried = pending->tried || (pending->sent && pending->frame != NULL);
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

/* next_us may be too early, when the call with that deadline has ended: then this search finds nothing, about once per
 * timeout. In exchange a call costs no ordered structure. */
GPtrArray *
deye_bus_pending_table_list_overdue (DeyeBusPendingTable *table, gint64 now_us)
{
  GPtrArray *overdue = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_pending_unref);
  GHashTableIter iter;
  gpointer pending;

  if (now_us < table->next_us)
    return overdue;
  table->next_us = G_MAXINT64;
  if (table->hello != NULL)
    pending_collect_overdue (table, table->hello, now_us, overdue);
  g_hash_table_iter_init (&iter, table->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &pending))
    pending_collect_overdue (table, pending, now_us, overdue);
  return overdue;
}

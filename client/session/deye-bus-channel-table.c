/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-channel-table.h"

void
deye_bus_channel_table_init (DeyeBusChannelTable *table, guint64 origin)
{
  *table = (DeyeBusChannelTable){ .origin = origin };
  table->by_id = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) deye_bus_channel_unref);
}

void
deye_bus_channel_table_clear (DeyeBusChannelTable *table)
{
  table->recent = NULL;
  g_clear_pointer (&table->by_id, g_hash_table_unref);
}

void
deye_bus_channel_table_reopen (DeyeBusChannelTable *table, guint64 origin)
{
  table->origin = origin;
}

guint32
deye_bus_channel_table_new_id (DeyeBusChannelTable *table)
{
  return ++table->last_id;
}

void
deye_bus_channel_table_add (DeyeBusChannelTable *table, DeyeBusChannel *channel)
{
  channel->origin = table->origin;
  table->changes++;
  g_hash_table_insert (table->by_id, GUINT_TO_POINTER (channel->id), deye_bus_channel_ref (channel));
}

DeyeBusChannel *
deye_bus_channel_table_find (DeyeBusChannelTable *table, guint32 id)
{
  if (table->recent == NULL || table->recent->id != id)
    table->recent = g_hash_table_lookup (table->by_id, GUINT_TO_POINTER (id));
  return table->recent;
}

void
deye_bus_channel_table_remove (DeyeBusChannelTable *table, DeyeBusChannel *channel, DeyeBusEvents *events)
{
  if (channel->cut)
    return;
  channel->cut = TRUE;
  table->changes++;
  table->recent = NULL;
  deye_bus_channel_wake (channel, events);
  deye_bus_events_push (events,
                        (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_ENDED, .subject = deye_bus_channel_enter (channel) });
  g_hash_table_remove (table->by_id, GUINT_TO_POINTER (channel->id));
}

void
deye_bus_channel_table_remove_all (DeyeBusChannelTable *table, DeyeBusEvents *events)
{
  g_autoptr (GList) all = g_hash_table_get_values (table->by_id);

  for (GList *link = all; link != NULL; link = link->next)
    deye_bus_channel_table_remove (table, link->data, events);
}

void
deye_bus_channel_table_silence (DeyeBusChannelTable *table)
{
  GHashTableIter iter;
  gpointer channel;

  g_hash_table_iter_init (&iter, table->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &channel))
    ((DeyeBusChannel *) channel)->ended = TRUE;
}

static gint
channel_table_compare_ids (gconstpointer a, gconstpointer b)
{
  const DeyeBusChannel *const *first = a, *const *second = b;

  return (*first)->id < (*second)->id ? -1 : (*first)->id > (*second)->id;
}

GPtrArray *
deye_bus_channel_table_list (const DeyeBusChannelTable *table)
{
  GPtrArray *channels = g_ptr_array_sized_new (g_hash_table_size (table->by_id));
  GHashTableIter iter;
  gpointer channel;

  g_hash_table_iter_init (&iter, table->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &channel))
    g_ptr_array_add (channels, channel);
  g_ptr_array_sort (channels, channel_table_compare_ids);
  return channels;
}

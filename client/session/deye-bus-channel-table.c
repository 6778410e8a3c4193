/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-channel-table.h"

#define SIZE_LOG2_MIN 3u

/* The cell that contains the id, or the empty cell into which it would be put. */
static DeyeBusChannelCell *
channel_table_seek (const DeyeBusChannelTable *table, guint32 id)
{
  const guint mask = (1u << table->size_log2) - 1;
  guint at = deye_bus_channel_table_home (table, id);

  while (table->cells[at].channel != NULL && table->cells[at].id != id)
    at = (at + 1) & mask;
  return &table->cells[at];
}

static void
channel_table_resize (DeyeBusChannelTable *table, guint size_log2)
{
  g_autofree DeyeBusChannelCell *old = table->cells;
  const guint n_old = old != NULL ? 1u << table->size_log2 : 0;

  table->cells = g_new0 (DeyeBusChannelCell, (gsize) 1 << size_log2);
  table->size_log2 = size_log2;
  for (guint i = 0; i < n_old; i++)
    if (old[i].channel != NULL)
      *channel_table_seek (table, old[i].id) = old[i];
}

/* Restores the invariant after a cell became empty: moves channels from later cells into it, until no empty cell is between a
 * channel and the cell that the hash of its id points to. */
static void
channel_table_close_hole (DeyeBusChannelTable *table, guint hole)
{
  const guint mask = (1u << table->size_log2) - 1;

  for (guint at = (hole + 1) & mask; table->cells[at].channel != NULL; at = (at + 1) & mask)
    {
      const guint home = deye_bus_channel_table_home (table, table->cells[at].id);

      if (((at - home) & mask) < ((at - hole) & mask))
        continue;
      table->cells[hole] = table->cells[at];
      hole = at;
    }
  table->cells[hole] = (DeyeBusChannelCell){ .channel = NULL };
}

void
deye_bus_channel_table_init (DeyeBusChannelTable *table, guint64 origin)
{
  *table = (DeyeBusChannelTable){ .origin = origin };
  channel_table_resize (table, SIZE_LOG2_MIN);
}

void
deye_bus_channel_table_clear (DeyeBusChannelTable *table)
{
  DeyeBusChannel *channel;
  guint at = 0;

  table->recent = NULL;
  table->n = 0;
  while (table->cells != NULL && (channel = deye_bus_channel_table_next (table, &at)) != NULL)
    deye_bus_channel_unref (channel);
  g_clear_pointer (&table->cells, g_free);
}

void
deye_bus_channel_table_reopen (DeyeBusChannelTable *table, guint64 origin)
{
  table->origin = origin;
}

guint32
deye_bus_channel_table_new_id (DeyeBusChannelTable *table)
{
  do
    table->last_id++;
  while (table->last_id == 0 || channel_table_seek (table, table->last_id)->channel != NULL);
  return table->last_id;
}

void
deye_bus_channel_table_add (DeyeBusChannelTable *table, DeyeBusChannel *channel)
{
  channel->origin = table->origin;
  table->changes++;
  if (++table->n > 1u << (table->size_log2 - 1))
    channel_table_resize (table, table->size_log2 + 1);
  *channel_table_seek (table, channel->id) = (DeyeBusChannelCell){ channel->id, deye_bus_channel_ref (channel) };
}

DeyeBusChannel *
deye_bus_channel_table_find (DeyeBusChannelTable *table, guint32 id)
{
  if (table->recent == NULL || table->recent->id != id)
    table->recent = channel_table_seek (table, id)->channel;
  return table->recent;
}

DeyeBusChannel *
deye_bus_channel_table_next (const DeyeBusChannelTable *table, guint *at)
{
  while (*at < 1u << table->size_log2)
    {
      DeyeBusChannel *channel = table->cells[(*at)++].channel;

      if (channel != NULL)
        return channel;
    }
  return NULL;
}

/* Drops the reference of the table. */
static void
channel_table_take_out (DeyeBusChannelTable *table, DeyeBusChannel *channel)
{
  DeyeBusChannelCell *cell = channel_table_seek (table, channel->id);

  if (cell->channel != channel)
    return;
  channel_table_close_hole (table, (guint) (cell - table->cells));
  table->n--;
  if (table->size_log2 > SIZE_LOG2_MIN && table->n < 1u << (table->size_log2 - 3))
    channel_table_resize (table, table->size_log2 - 1);
  deye_bus_channel_unref (channel);
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
  channel_table_take_out (table, channel);
}

void
deye_bus_channel_table_remove_all (DeyeBusChannelTable *table, DeyeBusEvents *events)
{
  g_autoptr (GPtrArray) all = deye_bus_channel_table_list (table);

  for (guint i = 0; i < all->len; i++)
    deye_bus_channel_table_remove (table, g_ptr_array_index (all, i), events);
}

void
deye_bus_channel_table_drop_events (DeyeBusChannelTable *table)
{
  DeyeBusChannel *channel;
  guint at = 0;

  while ((channel = deye_bus_channel_table_next (table, &at)) != NULL)
    channel->ended = TRUE;
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
  GPtrArray *channels = g_ptr_array_sized_new (table->n);
  DeyeBusChannel *channel;
  guint at = 0;

  while ((channel = deye_bus_channel_table_next (table, &at)) != NULL)
    g_ptr_array_add (channels, channel);
  g_ptr_array_sort (channels, channel_table_compare_ids);
  return channels;
}

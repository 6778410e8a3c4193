/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-channel.h"

/*
 * The channels of one session, by id.
 *
 * A channel enters the table before its subscribe request is sent. It leaves the table when it is unsubscribed or refused, or
 * when the connection ends and no other one follows. The table sends nothing.
 *
 * Each message is for a channel, so the table is a hash table with open addressing, whose cells contain the ids: a look-up reads
 * one cell, and then the channel that was found. The session chooses the ids, so a peer cannot choose ids that collide.
 *
 * Invariant: a channel in the table is not cut; a removed channel has one event ENDED, its last. Between the cell that the hash of
 * an id points to and the cell that contains the id, no cell is empty.
 */

typedef struct
{
  guint32 id;
  DeyeBusChannel *channel; /* a reference; NULL: the cell is empty */
} DeyeBusChannelCell;

/* Treat the fields from cells on as private. */
typedef struct
{
  guint64 origin; /* of the session; copied into each channel */
  guint32 last_id;
  guint64 changes; /* channels that were added or removed so far */
  DeyeBusChannelCell *cells;
  guint size_log2; /* of the number of cells */
  guint n;
  DeyeBusChannel *recent; /* the last one looked up; borrowed */
} DeyeBusChannelTable;

void deye_bus_channel_table_init (DeyeBusChannelTable *table, guint64 origin);
void deye_bus_channel_table_clear (DeyeBusChannelTable *table);
/* Begins the connection @origin. The channels stay in the table; each gets the new origin when it is subscribed again. */
void deye_bus_channel_table_reopen (DeyeBusChannelTable *table, guint64 origin);

/* An id that no channel in the table has; not 0. The counter begins again after 2^32 ids, while old channels may still exist. */
guint32 deye_bus_channel_table_new_id (DeyeBusChannelTable *table);
void deye_bus_channel_table_add (DeyeBusChannelTable *table, DeyeBusChannel *channel);

static inline guint
deye_bus_channel_table_size (const DeyeBusChannelTable *table)
{
  return table->n;
}

/* The index of the cell that the hash of an id points to. Ids are consecutive numbers, which this hash spreads evenly. */
static inline guint
deye_bus_channel_table_home (const DeyeBusChannelTable *table, guint32 id)
{
  return (id * 2654435769u) >> (32 - table->size_log2);
}

/* For prefetching. deye_bus_channel_table_prefetch() loads the cell that the hash of an id points to into the cache.
 * deye_bus_channel_table_guess() returns the channel in that cell: usually the one with this id, but it may be another one, or
 * NULL. */
static inline void
deye_bus_channel_table_prefetch (const DeyeBusChannelTable *table, guint32 id)
{
  __builtin_prefetch (&table->cells[deye_bus_channel_table_home (table, id)]);
}

static inline const DeyeBusChannel *
deye_bus_channel_table_guess (const DeyeBusChannelTable *table, guint32 id)
{
  return table->cells[deye_bus_channel_table_home (table, id)].channel;
}

/* NULL: no such channel, or it was removed. */
DeyeBusChannel *deye_bus_channel_table_find (DeyeBusChannelTable *table, guint32 id);
/* Iterates in no particular order. @at: (inout): the position, at first 0. The table must not change meanwhile. NULL: the end */
DeyeBusChannel *deye_bus_channel_table_next (const DeyeBusChannelTable *table, guint *at);
/* The session delivers no more to @channel, whose event ENDED is appended. Has no effect on a channel that was removed before. */
void deye_bus_channel_table_remove (DeyeBusChannelTable *table, DeyeBusChannel *channel, DeyeBusEvents *events);
void deye_bus_channel_table_remove_all (DeyeBusChannelTable *table, DeyeBusEvents *events);
/* Messages and gaps that are not dispatched yet will not be dispatched. */
void deye_bus_channel_table_drop_events (DeyeBusChannelTable *table);
/* Borrowed DeyeBusChannel, sorted by id. */
GPtrArray *deye_bus_channel_table_list (const DeyeBusChannelTable *table);

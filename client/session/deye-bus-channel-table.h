/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-channel.h"

/*
 * The channels of one session, by id.
 *
 * A channel enters the table before its subscribe request is sent. It leaves the table when it is unsubscribed or refused, or
 * when the connection ends and no other one follows. The table sends nothing.
 *
 * Invariant: a channel in the table is not cut; a removed channel has one event ENDED, its last.
 */

typedef struct
{
  guint64 origin; /* of the session; copied into each channel */
  guint32 last_id;
  guint64 changes; /* channels that were added or removed so far */
  GHashTable *by_id;
  DeyeBusChannel *recent; /* the last one looked up; borrowed */
} DeyeBusChannelTable;

void deye_bus_channel_table_init (DeyeBusChannelTable *table, guint64 origin);
void deye_bus_channel_table_clear (DeyeBusChannelTable *table);
/* Begins the connection @origin. The channels stay in the table; each gets the new origin when it is subscribed again. */
void deye_bus_channel_table_reopen (DeyeBusChannelTable *table, guint64 origin);

guint32 deye_bus_channel_table_new_id (DeyeBusChannelTable *table);
void deye_bus_channel_table_add (DeyeBusChannelTable *table, DeyeBusChannel *channel);
/* NULL: no such channel, or it was removed. */
DeyeBusChannel *deye_bus_channel_table_find (DeyeBusChannelTable *table, guint32 id);
/* The session delivers no more to @channel, whose event ENDED is appended. Has no effect on a channel that was removed before. */
void deye_bus_channel_table_remove (DeyeBusChannelTable *table, DeyeBusChannel *channel, DeyeBusEvents *events);
void deye_bus_channel_table_remove_all (DeyeBusChannelTable *table, DeyeBusEvents *events);
/* Messages and gaps that are not dispatched yet will not be dispatched. */
void deye_bus_channel_table_silence (DeyeBusChannelTable *table);
/* Borrowed DeyeBusChannel, sorted by id. */
GPtrArray *deye_bus_channel_table_list (const DeyeBusChannelTable *table);

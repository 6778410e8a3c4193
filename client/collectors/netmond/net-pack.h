/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net-watch.h"

/* Packs the plain structs of netmond into the protobuf messages of proto/network.proto. Both are bounded: the table by
 * net_table_page(), and an event by the bounds of a socket. */

GBytes *net_pack_table (const NetTable *table);
GBytes *net_pack_event (const NetEvent *event, gint64 observed_time_us, gint64 poll_interval_us);

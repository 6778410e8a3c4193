/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net-watch.h"

/* Packs the plain structs of netmond into the protobuf messages of proto/network.proto. Their sizes are limited:
 * that of a table by net_table_page(), that of an event by the limits of a socket. */

GBytes *net_pack_table (const NetTable *table);
GBytes *net_pack_event (const NetEvent *event, gint64 observed_time_us, gint64 poll_interval_us);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-watch.h"

/* Packs the plain structs of procmond into the protobuf messages of proto/collection.proto. It limits the size of
 * an event; proc-page limits the size of a table. */

GBytes *proc_pack_table (const ProcTable *table);

/* @poll_interval_us: 0: the kernel reported the event. @room: bytes for the event; the texts of its process are cut to fit. */
GBytes *proc_pack_event (const ProcEvent *event, gint64 observed_time_us, gint64 poll_interval_us, gsize room);

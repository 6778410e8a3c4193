/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-watch.h"

/* Packs the plain structs of procmond into the protobuf messages of proto/collection.proto. It does nothing else. */

GBytes *proc_pack_table (const ProcTable *table);
GBytes *proc_pack_event (const ProcEvent *event, gint64 observed_time_us, gint64 poll_interval_us);

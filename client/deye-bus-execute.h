/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-message.h"
#include "wire-span.h"

/*
 * The request Execute, by which the broker gives a task to a collector.
 *
 * Every task needs it, so it is read in place: the spans point into the payload of the message, and nothing is allocated.
 *
 * The run limit of the attempt is not read: the broker applies it, and sends CANCEL with EXPIRED when it is over.
 */

typedef struct
{
  WireSpan task_id;
  WireSpan operation;
  WireSpan payload;
  WireSpan payload_type;
  WireSpan token;
  WireSpan last_details;
  WireSpan claimed;
  guint64 priority; /* this number and those below, except the times, have 32 bits */
  guint64 attempt;
  guint64 remaining_us;
  guint64 progress_us;
  guint64 adopt; /* 0 or 1 */
  guint64 finished;
  guint64 shard;
  guint64 shards;
} DeyeBusExecute;

/* FALSE: the payload of @message is no valid Execute. */
gboolean deye_bus_execute_read (DeyeBusExecute *execute, DeyeBusMessage *message);

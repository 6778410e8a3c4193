/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-task.h"
#include "coordination.pb-c.h"

/*
 * The public record of a task: the message TaskRecord, for pushes, answers and events. It is filled without any allocation: it
 * points to texts of the task and into itself, so it is valid only while the task does not change.
 *
 * To push a large result without a copy, the record is packed with the result at its end. protobuf allows any order of the fields,
 * and the packed size is the same in any order.
 */

typedef struct
{
  Daemoneye__Eventbus__V1__TaskRecord message;
  Daemoneye__Eventbus__V1__Progress progress;
  Daemoneye__Eventbus__V1__Outcome outcome;
  Daemoneye__Eventbus__V1__Extent extent; /* the extent of the outcome */
  GBytes *large;                          /* borrowed: the payload of the outcome, if it is large; else NULL */
  Daemoneye__Eventbus__V1__TaskHistory steps[BUS_TASK_HISTORY_MAX];
  Daemoneye__Eventbus__V1__TaskHistory *step_list[BUS_TASK_HISTORY_MAX];
  char id[BUS_TASK_ID_MAX + 1];
  char operation[BUS_TASK_ID_MAX + 1];
  char type[BUS_TASK_ID_MAX + 1];
  char target[BUS_TASK_ID_MAX + 1];
} BusTaskRecord;

typedef enum
{
  BUS_RECORD_PAYLOAD = 1, /* with the payload of the result */
  BUS_RECORD_DETAILS = 2, /* with the details of the progress */
} BusRecordParts;

/* Packs @message as the field with the number @field, without the bytes of the outcome's payload, which the caller appends. Returns
 * the end of the packed bytes. */
guint8 *bus_task_record_pack_front (const Daemoneye__Eventbus__V1__TaskRecord *message, guint field, guint8 *to);

/* Fills @record with at most @n_steps of the newest steps of the history. It is valid while the task does not change. */
void
bus_task_record_fill (BusTaskRecord *record, const BusTask *task, BusRecordParts parts, guint n_steps, gint64 now_us);

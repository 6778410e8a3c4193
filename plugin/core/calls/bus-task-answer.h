/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-request.h"

/*
 * The answers of collectors to Execute: reads Progress and Outcome (bus-task-read), and passes them to the lease to which the
 * request belongs.
 *
 * A reply with an error status is a failure of the task. A library that does not know tasks sends it, without a token; the route
 * id of the reply identifies the lease. A final reply that can't be read is a failure, too.
 */

/* A reply of a collector. Borrowed, except @kept. */
typedef struct
{
  const WireFrame *frame;
  WireFrameReader *reader; /* the block of the frame may be taken from it */
  const WireEnvelope *envelope;
  /* (out) (nullable): the kept payload. It may own the memory of @frame and @envelope, so the caller releases it after its last
   * use of them. */
  GBytes *kept;
} BusTaskReply;

/* The size of a text about an answer that is refused. */
#define BUS_TASK_ANSWER_TEXT 160u

/* Takes an answer. Returns OK, or the status of its refusal with the text in @detail: STALE_LEASE (with the present holder of the
 * task) or BAD_MESSAGE (a progress that is not valid). */
WireStatus bus_task_answer_take (BusCore *core, BusRequest *request, BusTaskReply *reply, char *detail, gint64 now_us);

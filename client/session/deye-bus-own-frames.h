/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-outbuf.h"

/*
 * The library's own frames in the out-buffer of a connection: heartbeats, reports of the health, and requests to the broker that
 * carry no message of the program.
 *
 * The out-buffer counts messages by their kind, which is the same for these frames. Therefore the session notes the place of each
 * of them, and subtracts those that are not written when it counts the messages that the program would lose.
 *
 * Invariant: the frames are in the order of the out-buffer, and all but those that were added since the last add() are unsent.
 */

typedef struct
{
  guint64 begin; /* total of the bytes that were added to the out-buffer before it */
  guint64 end;
  guint64 id; /* on the wire; odd: a publish without a pending call */
} DeyeBusOwnFrame;

typedef struct
{
  GArray *frames; /* of DeyeBusOwnFrame; NULL: none */
  guint next;     /* for take_next() */
} DeyeBusOwnFrames;

/* Adds the frame that was added to the out-buffer last. @sent: total of the bytes that were sent; older frames are forgotten. */
void deye_bus_own_frames_add (DeyeBusOwnFrames *own, const DeyeBusOwnFrame *frame, guint64 sent);
void deye_bus_own_frames_clear (DeyeBusOwnFrames *own);

/* Counts the frames of which not all bytes were sent. */
DeyeBusOutCount deye_bus_own_frames_count (const DeyeBusOwnFrames *own, guint64 sent);

/* For a walk over the frames of which no byte was sent: call it for each of them, in order. TRUE: the frame with @id is one of the
 * library. */
gboolean deye_bus_own_frames_take_next (DeyeBusOwnFrames *own, guint64 id, guint64 sent);

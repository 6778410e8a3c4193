/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-outbuf.h"
#include "wire-class.h"

/*
 * The library's own frames on a connection: heartbeats, reports of the health, and requests to the broker that carry no message of
 * the program.
 *
 * The out-buffer counts messages by their kind, which is the same for these frames. Therefore the session notes the place of each
 * of them, and subtracts those that are not written when it counts the messages that the program would lose.
 *
 * Credit is returned for these frames as for messages of the program. Therefore the session also notes their numbers in the publish
 * window of their class, and subtracts those without returned credit when it counts the messages that may or may not have arrived.
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

/* --- credit --- */

#define DEYE_BUS_OWN_RUNS_MAX 256u

/* Frames with consecutive numbers in the publish window of one class. The first frame of a connection has the number 1. */
typedef struct
{
  WireClass credit_class;
  guint64 first;
  guint64 last;
} DeyeBusOwnRun;

/* At most DEYE_BUS_OWN_RUNS_MAX runs are noted. If the oldest one is forgotten, its frames count as messages of the program. */
typedef struct
{
  GArray *runs; /* of DeyeBusOwnRun; NULL: none */
} DeyeBusOwnCredit;

void deye_bus_own_credit_note (DeyeBusOwnCredit *own, WireClass credit_class, guint64 number);
void deye_bus_own_credit_clear (DeyeBusOwnCredit *own);
/* Counts the frames of a class for which no credit was returned. @returned: the number of messages that got their credit back */
guint64 deye_bus_own_credit_count (const DeyeBusOwnCredit *own, WireClass credit_class, guint64 returned);

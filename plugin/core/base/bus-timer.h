/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-deadline.h"

/*
 * A timer: a deadline with a kind and an owner.
 *
 * The core has all timers in one set of deadlines. A timer has no callback: when its deadline is due, bus-core removes it from the
 * set, and bus-due calls the module that handles its kind. The owner is opaque here.
 *
 * Invariant: kind and owner of a timer do not change while it is armed.
 */
typedef enum
{
  BUS_TIMER_HELLO,         /* owner: BusPeer: a connection has not sent HELLO in time */
  BUS_TIMER_TAKEOVER,      /* owner: BusPeer: it has not answered PING, and a newcomer wants its id */
  BUS_TIMER_FRAME,         /* owner: BusPeer: a frame has begun and is not complete */
  BUS_TIMER_REQUEST,       /* owner: BusRequest */
  BUS_TIMER_LATER,         /* owner: BusLater: a call of the broker that is answered later */
  BUS_TIMER_CONFIRM,       /* owner: BusConfirm */
  BUS_TIMER_STALL,         /* owner: BusRequest: the longest pause between two replies */
  BUS_TIMER_STREAM,        /* owner: BusRequest: its replies wait for the window of the requester */
  BUS_TIMER_RESEND,        /* owner: a window of bus-resend whose client has disconnected */
  BUS_TIMER_WAIT,          /* owner: the record of a call of control.bus.wait whose caller did not keep up */
  BUS_TIMER_EXPIRY,        /* owner: BusSlot: the time to live of its message ends */
  BUS_TIMER_BLOCK,         /* owner: BusSubscription: it withholds credit of publishers */
  BUS_TIMER_SETTLE,        /* owner: BusSubscription: messages that are delivered at least once are not settled */
  BUS_TIMER_REPORT,        /* owner: BusSubscription: losses or changes of it are to be published */
  BUS_TIMER_QUEUE,         /* owner: BusPeer: the level of its queue is to be published */
  BUS_TIMER_RETRY,         /* owner: BusPeer: there was no memory to encode a waiting message, or to make its entry */
  BUS_TIMER_ACCOUNT,       /* owner: BusAccount: it is above its soft limit */
  BUS_TIMER_CATCHUP,       /* owner: BusPeer: a new subscription has not got all retained messages */
  BUS_TIMER_RETAINED,      /* owner: BusRetained: its time to live ends */
  BUS_TIMER_HELD,          /* owner: BusHeld: its time to live ends */
  BUS_TIMER_HOLD_RETRY,    /* owner: BusCore: held messages wait for members with room */
  BUS_TIMER_HOLD_REPORT,   /* owner: BusCore: held messages were lost */
  BUS_TIMER_BROKER,        /* owner: BusCore: it is above its soft limit */
  BUS_TIMER_HEALTH,        /* owner: BusPeer: a sign of life was due, or its health may change */
  BUS_TIMER_HOLD,          /* owner: BusMember: the time for which it was set aside is over */
  BUS_TIMER_CASCADE,       /* owner: BusPeer: the number of its refused messages is to be published */
  BUS_TIMER_TASK,          /* owner: BusTask: the timer of its state */
  BUS_TIMER_TASK_RUN,      /* owner: BusTask: the run limit of its attempt */
  BUS_TIMER_TASK_DEADLINE, /* owner: BusTask: its deadline; afterwards the end of its time in the store */
  BUS_TIMER_TASK_ALONE,    /* owner: BusTask: no submitter is connected */
  BUS_TIMER_RESERVATION,   /* owner: BusOperation: a member has been reserved for as long as a task may run */
  BUS_TIMER_LEASE,         /* owner: BusLease: a zombie, and the run limit of its attempt is over */
  BUS_TIMER_DEATH,         /* owner: BusDeath: a member that ended has not registered again */
  BUS_TIMER_DRAIN,         /* owner: BusMember: it drains, and the time for that is over */
  BUS_TIMER_BUSY,          /* owner: BusMember: it refused an offer */
  BUS_TIMER_RECOVERY, /* owner: BusCore: claims wait for tasks that are submitted again, and the time for that is over */
  BUS_TIMER_GATHER,   /* owner: BusGather: its roster is to be made, or its time is over */
  BUS_TIMER_STANDING, /* owner: BusStanding: its time to live ends */
  BUS_N_TIMERS,
} BusTimerKind;

typedef struct
{
  union
  {
    BusDeadline deadline; /* first: a BusDeadline of our set is a BusTimer */
    struct
    {
      gint64 unused_due_us; /* as in BusDeadline */
      guint unused_place;
      BusTimerKind kind; /* stored in the mark of BusDeadline, which saves memory: an idle peer has many timers */
    };
  };
  gpointer owner;
} BusTimer;

G_STATIC_ASSERT (G_STRUCT_OFFSET (BusTimer, kind) == G_STRUCT_OFFSET (BusDeadline, mark));

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-deadline.h"

/*
 * A timer: a deadline that names its kind and its owner.
 *
 * The core keeps all timers in one set of deadlines. A timer calls nothing: when its deadline is due, bus-core takes it
 * out of the set, and bus-due calls the module that its kind belongs to. The owner is opaque here.
 */
typedef enum
{
  BUS_TIMER_HELLO,         /* owner: BusPeer: a connection has not sent HELLO in time */
  BUS_TIMER_TAKEOVER,      /* owner: BusPeer: it has not answered, and a newcomer has its id */
  BUS_TIMER_FRAME,         /* owner: BusPeer: a frame has begun and is not complete */
  BUS_TIMER_REQUEST,       /* owner: BusRequest */
  BUS_TIMER_LATER,         /* owner: BusLater: a call of the broker that is answered later */
  BUS_TIMER_CONFIRM,       /* owner: BusConfirm */
  BUS_TIMER_STALL,         /* owner: BusRequest: the longest pause between two replies */
  BUS_TIMER_STREAM,        /* owner: BusRequest: its replies wait for the window of the requester */
  BUS_TIMER_RESEND,        /* owner: a window of bus-resend whose client is gone */
  BUS_TIMER_WAIT,          /* owner: the record of control.bus.wait: its asker was behind */
  BUS_TIMER_EXPIRY,        /* owner: BusSlot: the time to live of its message ends */
  BUS_TIMER_BLOCK,         /* owner: BusSubscription: it holds publishers' credit */
  BUS_TIMER_SETTLE,        /* owner: BusSubscription: messages that are delivered at least once are not settled */
  BUS_TIMER_REPORT,        /* owner: BusSubscription: something about it is to be published */
  BUS_TIMER_QUEUE,         /* owner: BusPeer: the same, about its queue */
  BUS_TIMER_RETRY,         /* owner: BusPeer: there was no memory to encode a waiting message */
  BUS_TIMER_ACCOUNT,       /* owner: BusAccount: it is above its soft limit */
  BUS_TIMER_CATCHUP,       /* owner: BusPeer: retained messages are ahead of a subscription */
  BUS_TIMER_RETAINED,      /* owner: BusRetained: its time to live ends */
  BUS_TIMER_HELD,          /* owner: BusHeld: its time to live ends */
  BUS_TIMER_HOLD_RETRY,    /* owner: BusCore: held messages wait for members with room */
  BUS_TIMER_HOLD_REPORT,   /* owner: BusCore: held messages were lost */
  BUS_TIMER_BROKER,        /* owner: BusCore: it is above its soft limit */
  BUS_TIMER_HEALTH,        /* owner: BusPeer: a sign of life of it was due, or its health changes */
  BUS_TIMER_HOLD,          /* owner: BusMember: it was set aside, and the time is over */
  BUS_TIMER_CASCADE,       /* owner: BusPeer: refused messages of it are to be published */
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
      BusTimerKind kind; /* in the member of BusDeadline that is for its owner: idle peers have many timers */
    };
  };
  gpointer owner;
} BusTimer;

G_STATIC_ASSERT (G_STRUCT_OFFSET (BusTimer, kind) == G_STRUCT_OFFSET (BusDeadline, mark));

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The place of a task in the queue of its operation.
 *
 * It is embedded in the task. Only bus-operation and the modules below it (bus-pool, bus-demand) write it; other modules read
 * `operation` and `where`.
 *
 * Invariant: a task is in a pool if and only if it WAITS. While a task is queued, a member is reserved for it if and only if it
 * is RESERVED.
 */

typedef enum
{
  BUS_TASK_NOWHERE,  /* not queued: a member has it, or it has ended */
  BUS_TASK_WAITS,    /* it waits for a member with room */
  BUS_TASK_RESERVED, /* a member is reserved for it, and is not idle yet */
  BUS_TASK_HELD,     /* it gets no offer for now: provisional deaths, or its last holder may register again */
  BUS_TASK_LATER,    /* its time has not come: not_before, or a backoff */
} BusTaskWhere;
#define BUS_N_TASK_WHERE 5u

typedef struct
{
  struct BusOperation *operation; /* the operation that it belongs to, from its submission to its end */
  BusTaskWhere where;
  GList link;      /* WAITS: in its demand; RESERVED: in the reservations of the operation */
  guint64 age;     /* order in which the tasks of the operation became eligible; kept when it returns */
  guint64 turn;    /* the turn of its account that it used for its lease; 0: none */
  gboolean by_age; /* it got its lease as the oldest task */

  /* while it WAITS */
  struct BusDemand *demand;
  struct BusPoolRow *row;
  guint place_in_row; /* see bus-heap */
  guint place_by_age;

  /* while it is RESERVED, and then until the lease ends */
  struct BusMember *reserved;
  gint64 reserved_since_us;
} BusTaskPlace;

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client-private.h"
#include "deye-bus-task-private.h"

#include "coordination.pb-c.h"

/*
 * The tasks of a client: those that it has submitted and follows.
 *
 * The pump calls step() in each turn, so a dispatch of the context and a synchronous call drive the tasks in the same way.
 * step() sends requests, stores changes in the tasks, and calls no user code; an event TASK_CHANGED in the ring reports the
 * changes.
 *
 * submit() -> lane SUBMIT -> verdict -> pushes of the stream Await -> final state -> event TASK_CHANGED, wait() -> lane SETTLE
 *
 * There are three lanes. Each lane sends requests about many tasks at once, one request at a time; tasks that are added
 * meanwhile are in its next request. After a reconnect all tasks that have not ended enter the lane SUBMIT again.
 *
 * Its files: deye-bus-tasks.c is the table and the turn, -task-lane.c one lane, -tasks-requests.c the requests of each lane and
 * their answers, -tasks-await.c the stream, -task-submit.c the public calls.
 *
 * Invariant: a task is in the table until it has ended and the broker no longer needs to keep it.
 */

typedef Daemoneye__Eventbus__V1__SubmitVerdict DeyeBusVerdict;
typedef struct DeyeBusTasks DeyeBusTasks;
typedef struct DeyeBusTaskLane DeyeBusTaskLane;

typedef enum
{
  DEYE_BUS_TASK_LANE_SETTLE, /* sent before a new task with the same id is submitted */
  DEYE_BUS_TASK_LANE_SUBMIT,
  DEYE_BUS_TASK_LANE_CANCEL, /* sent after the submit of the task has its answer */
  DEYE_BUS_TASK_N_LANES
} DeyeBusTaskLaneId;

/* The requests of one lane. */
typedef struct
{
  const char *topic;
  const char *method;
  const char *type_name;
  const ProtobufCMessageDescriptor *reply;
  /* Size of one task in the request. */
  gsize (*size) (const DeyeBusTask *task);
  GBytes *(*pack) (const GPtrArray *batch);
  DeyeBusVerdict *const *(*verdicts) (gconstpointer reply, gsize *n);
  void (*answered) (DeyeBusTasks *tasks, const DeyeBusTaskLane *lane, DeyeBusTask *task, const DeyeBusVerdict *verdict);
  /* The task got no answer. @sent: the broker may have handled the request. TRUE: the task waits again. */
  gboolean (*returned) (const DeyeBusTaskLane *lane, DeyeBusTask *task, gboolean sent);
  /* The broker refuses such requests, so the task does not wait again. */
  void (*refused) (DeyeBusTasks *tasks, const DeyeBusTaskLane *lane, DeyeBusTask *task, const GError *error);
  gboolean live_only; /* a task that has ended meanwhile is left out */
} DeyeBusTaskLaneKind;

extern const DeyeBusTaskLaneKind deye_bus_task_lane_kinds[DEYE_BUS_TASK_N_LANES] G_GNUC_INTERNAL;

struct DeyeBusTaskLane
{
  DeyeBusTaskLaneId id;
  GQueue waiting;          /* of DeyeBusTask, as references */
  GPtrArray *in_flight;    /* of DeyeBusTask, in the request that has no answer yet; NULL: there is none */
  DeyeBusPending *pending; /* the call of the request with @in_flight */
  guint64 connection;      /* connection on which that request was sent */
  guint64 epoch;           /* epoch of the broker of that connection */
  gint64 due_us;           /* time of the next request, after a failed one; 0: at once */
  gint64 pause_us;         /* pause before @due_us */
};

struct DeyeBusTasks
{
  DeyeBusClient *client; /* borrowed: it owns the tasks */
  DeyeBusTaskHome *home; /* shared by all tasks */
  GHashTable *by_id;     /* id -> DeyeBusTask */
  GQueue order;          /* the same tasks, in the order of the submits, by their link */
  gsize payload_bytes;   /* sum of the payloads of all tasks */
  guint64 connection;    /* connection on which the tasks were last submitted; 0: none */
  guint64 n_made_ids;    /* number of ids that were made */
  DeyeBusTaskLane lanes[DEYE_BUS_TASK_N_LANES];

  DeyeBusPending *await; /* the stream of pushes; NULL: it is not open */
  gint64 await_since_us;
  gint64 await_due_us; /* when it is opened again; 0: at once */
  gint64 await_pause_us;
};

#define DEYE_BUS_TASKS_PAUSE_US     (100 * G_TIME_SPAN_MILLISECOND)
#define DEYE_BUS_TASKS_PAUSE_MAX_US (5 * G_TIME_SPAN_SECOND)

/* The pause before the next attempt, after one of @pause_us (0: none). */
static inline gint64
deye_bus_tasks_next_pause (gint64 pause_us)
{
  return pause_us == 0 ? DEYE_BUS_TASKS_PAUSE_US : MIN (2 * pause_us, DEYE_BUS_TASKS_PAUSE_MAX_US);
}

/* --- tasks.c --- */

DeyeBusTasks *deye_bus_tasks_new (DeyeBusClient *client);

/* Adds a task with @spec, which must not change any more and has a new id. Borrowed. */
DeyeBusTask *deye_bus_tasks_add (DeyeBusTasks *tasks, DeyeBusTaskSpec *spec);
/* Removes the task from the table. */
void deye_bus_tasks_remove (DeyeBusTasks *tasks, DeyeBusTask *task);
void deye_bus_tasks_cancel (DeyeBusTasks *tasks, DeyeBusTask *task);
/* Ends @task without a request to the broker. Takes @error. */
void deye_bus_tasks_fail (DeyeBusTasks *tasks, DeyeBusTask *task, DeyeBusTaskState state, GError *error);
/* Appends an event, so that a dispatch reports the changes of @task. */
void deye_bus_tasks_announce (DeyeBusTasks *tasks, DeyeBusTask *task);

/* --- task-lane.c --- */

void deye_bus_task_lane_clear (DeyeBusTaskLane *lane);
void deye_bus_task_lane_push (DeyeBusTaskLane *lane, DeyeBusTask *task);
/* Removes @task from the lane, if it waits there. */
void deye_bus_task_lane_forget (DeyeBusTaskLane *lane, DeyeBusTask *task);
gint64 deye_bus_task_lane_next_us (const DeyeBusTaskLane *lane);
gboolean deye_bus_task_lane_is_idle (const DeyeBusTaskLane *lane);
/* Handles the answer to the request, if it has arrived. */
void deye_bus_task_lane_take (DeyeBusTasks *tasks, DeyeBusTaskLane *lane, gint64 now_us);
/* Sends the next request, if one is due and none is on its way. */
void deye_bus_task_lane_send (DeyeBusTasks *tasks, DeyeBusTaskLane *lane, gint64 now_us);
/* Ends the request that is on its way without an answer: returned() decides about each of its tasks. */
void deye_bus_task_lane_abandon (DeyeBusTaskLane *lane);

/* --- tasks-requests.c --- */

/* An upper bound of the size of a submit request with only this task. */
gsize deye_bus_tasks_submit_bytes (const DeyeBusTaskSpec *spec);

/* --- tasks-await.c --- */

/* Handles the pushes that have arrived. */
void deye_bus_tasks_take_pushes (DeyeBusTasks *tasks, gint64 now_us);
/* Opens the stream, if it is due. */
void deye_bus_tasks_await (DeyeBusTasks *tasks, gint64 now_us);
gint64 deye_bus_tasks_await_next_us (const DeyeBusTasks *tasks);

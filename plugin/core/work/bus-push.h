/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-task.h"

/*
 * Pushes: the broker reports changes of tasks to their submitters.
 *
 * A connection that submitted a task, or attached to it, has an *attachment*. The record of the task is the only buffer: an
 * attachment only knows that the task has changed since the last push, and how many changes the next push skips. Pushes are
 * replies to the one request Await of the connection. They are encoded only while less than BUS_PUSH_BYTES wait for the
 * connection. So a submitter that does not read costs no memory; when it reads again it gets the latest state of each task, and
 * the number of changes that it missed. The result is part of the record, so it is never skipped.
 *
 * Invariant: an attachment is in the list of its task and in that of its submitter; it is dirty if and only if it is in the
 * list of dirty ones.
 */

#define BUS_PUSH_BYTES (64u * 1024u)

typedef struct BusSubmitter
{
  BusPeer *peer;
  GQueue attachments; /* BusAttachment, by their submitter_link */
  GQueue dirty;       /* the same, by their dirty_link, in the order of their first change */
  guint64 await_id;   /* the request Await that is answered; 0: none */
  GList link;         /* in the list of submitters that have a dirty attachment and a request */
  gboolean is_listed;
} BusSubmitter;

typedef struct
{
  BusTask *task;
  BusSubmitter *submitter;
  guint skipped; /* changes since the last push, not counting the newest */
  gboolean is_dirty;
  GList task_link;
  GList submitter_link;
  GList dirty_link;
} BusAttachment;

/* TRUE if @peer is attached to the task. */
gboolean bus_push_is_attached (const BusTask *task, const BusPeer *peer);
/* Attaches @peer, if it is not attached. The state is pushed in any case. */
void bus_push_attach (BusCore *core, BusTask *task, BusPeer *peer);
/* Detaches @peer, if it is attached. */
void bus_push_detach (BusCore *core, BusTask *task, BusPeer *peer, gint64 now_us);

/* Arms the timer that ends a task without submitters, if the task asked for that and no submitter is attached. */
void bus_push_check_alone (BusCore *core, BusTask *task, gint64 now_us);

/* The task has changed: its submitters get a push. */
void bus_push_touch (BusCore *core, BusTask *task);
/* Detaches all submitters of the task. */
void bus_push_forget_task (BusCore *core, BusTask *task);

/* The peer disconnects. Tasks that have no submitter any more may end later. */
void bus_push_forget_peer (BusCore *core, BusPeer *peer, gint64 now_us);

/* The request @id is answered with pushes from now on; 0: the peer waits no more. */
void bus_push_await (BusCore *core, BusPeer *peer, guint64 id);

/* Sends as much as there is room for. */
void bus_push_pump (BusCore *core, gint64 now_us);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-task.h"

/*
 * Pushes: what submitters see of their tasks.
 *
 * A connection that submitted a task, or attached to it, has an *attachment*. The record of the task is the only buffer: an
 * attachment has one bit, "changed since the last push". Pushes are replies to the one request Await of the connection, encoded
 * only while less than BUS_PUSH_BYTES wait for it. So a submitter that reads nothing costs no memory, gets the latest state
 * when it reads again, and the number of those that it did not see. A result is part of the record, so it is never skipped.
 *
 * Invariant: an attachment is in the list of its task and in that of its submitter; it is dirty if and only if it is in the
 * list of dirty ones.
 */

#define BUS_PUSH_BYTES (64u * 1024u)

typedef struct BusSubmitter
{
  BusPeer *peer;
  GQueue attachments; /* BusAttachment by their submitter_link */
  GQueue dirty;       /* the same by their dirty_link, the one that changed first is the first */
  guint64 await_id;   /* the request that is answered; 0: none */
  GList link;         /* in the list of those that have something to push, and a request */
  gboolean is_listed;
} BusSubmitter;

typedef struct
{
  BusTask *task;
  BusSubmitter *submitter;
  guint skipped; /* changes since the last push, without the newest */
  gboolean is_dirty;
  GList task_link;
  GList submitter_link;
  GList dirty_link;
} BusAttachment;

/* Harmless when it is attached. The state is pushed in any case. */
void bus_push_attach (BusCore *core, BusTask *task, BusPeer *peer);
/* Harmless when it is not. */
void bus_push_detach (BusCore *core, BusTask *task, BusPeer *peer, gint64 now_us);

/* The last submitter of a task is gone, or a task continues: a task without a submitter may end. */
void bus_push_check_alone (BusCore *core, BusTask *task, gint64 now_us);

/* The task has changed. */
void bus_push_touch (BusCore *core, BusTask *task);
void bus_push_forget_task (BusCore *core, BusTask *task);

/* The peer disconnects. Tasks without a submitter may end. */
void bus_push_forget_peer (BusCore *core, BusPeer *peer, gint64 now_us);

/* The request @id is answered from now on; 0: the peer waits no more. */
void bus_push_await (BusCore *core, BusPeer *peer, guint64 id);

/* Sends what there is room for. */
void bus_push_pump (BusCore *core, gint64 now_us);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "coordination.pb-c.h"
#include "job.h"
#include "wire-guard.h"

/*
 * The common part of the steps about tasks: a client that submits, and the events system.task.# of the broker.
 *
 * The reports of a step about a task are based on these events and on the broker's record, never on the actions of the step
 * itself.
 */

typedef Daemoneye__Eventbus__V1__TaskRecord JobTaskRecord;

typedef struct
{
  char *name;   /* "started": the last part of the topic */
  gint64 at_us; /* time of its arrival; monotonic */
  WireGuard *guard;
  const JobTaskRecord *task;
  Daemoneye__Eventbus__V1__TaskState before;
  const char *cause;
} JobTaskEvent;

typedef struct
{
  Job *job;
  const char *step;      /* for reports */
  DeyeBusClient *client; /* submits the tasks */
  GPtrArray *events;     /* of JobTaskEvent */
  DeyeBusSubscription *subscription;
} JobTasks;

/* FALSE: failed, and the reason was printed. @client: borrowed, connected or connecting. Call job_tasks_clear() in any case. */
gboolean job_tasks_init (JobTasks *self, Job *job, const char *step, DeyeBusClient *client);
void job_tasks_clear (JobTasks *self);

/* Waits until the broker reports that the collectors are ready. @ids: NULL-ended. FALSE: failed, and the reason was printed. */
gboolean job_tasks_wait_for_collectors (JobTasks *self, const char *const *ids);

/* NULL: failed, and the reason was printed. @payload, @payload_type: (nullable). @attempts: 0: the default. (transfer full) */
DeyeBusTask *job_tasks_submit (JobTasks *self,
                               const char *operation,
                               const char *id,
                               GBytes *payload,
                               const char *payload_type,
                               guint attempts);

/* Finds the next event @name about @id after @after; NULL: there is none yet. @after: (nullable): an earlier event. */
const JobTaskEvent *
job_tasks_find_event (const JobTasks *self, const char *name, const char *id, const JobTaskEvent *after);

/* Requests the present record, a TaskReply. NULL: failed, and the reason was printed. */
WireGuard *job_tasks_get (JobTasks *self, const char *id);

/* Prints the history of a task as a table. */
void job_tasks_show_history (const JobTasks *self, const JobTaskRecord *task);

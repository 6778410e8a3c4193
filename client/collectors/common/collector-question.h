/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"
#include "wire-guard.h"

/*
 * A question that a collector answers. It is offered in two ways: as a method of the collector's service, for a client that asks
 * this collector; and as an operation for tasks, for which the broker selects a free collector.
 *
 * Both ways have the same query and the same answer. The method answers at once. A task is divided into small steps of the main
 * loop; between the steps the collector reports progress and checks whether the task was cancelled.
 *
 * Answering changes nothing, so the operation is idempotent.
 */

/* The reason why there is no answer. All texts are constants. */
typedef struct
{
  const char *name; /* name of the error */
  const char *text;
  gboolean later; /* an answer may be possible later: a task is tried again */
} CollectorRefusal;

typedef struct
{
  const char *method;    /* (nullable): there is none */
  const char *operation; /* (nullable): there is none */
  const char *text;      /* description of the answer, for the description of the service */
  const ProtobufCMessageDescriptor *query_type;
  const char *answer_type; /* full name of its protobuf type */

  /* Starts to answer. @query: valid until free() is called. @room: bytes for the records of the answer. NULL with @refusal: there
   * is no answer. */
  gpointer (*begin) (gconstpointer query, gsize room, CollectorRefusal *refusal, gpointer data);
  /* (nullable): called after begin() for a task of a divided question: restricts the answer to records whose number modulo
   * @shards is @shard. */
  void (*set_part) (gpointer answer, guint shard, guint shards);
  /* Does the next @n pieces of the answer; @done, @total: the progress. FALSE: it is complete. NULL: there is one piece. */
  gboolean (*step) (gpointer answer, guint n, guint *done, guint *total);
  /* (nullable): called after the last step. FALSE: there is no answer after all, see @refusal. */
  gboolean (*check) (gpointer answer, CollectorRefusal *refusal);
  /* Returns the packed answer. */
  GBytes *(*pack) (gpointer answer);
  /* (nullable): called after pack(): sets the extent of the answer, with deye_bus_work_set_rows() and similar functions. */
  void (*set_extent) (gpointer answer, DeyeBusWork *work);
  void (*free) (gpointer answer);
} CollectorQuestion;

/* @question and @data must exist longer than @service. */
void collector_question_add_method (const CollectorQuestion *question, DeyeBusService *service, gpointer data);

/* The tasks of one question. */
typedef struct CollectorTasks CollectorTasks;

/* @step: pieces of an answer between two iterations of the main loop. @pace_ms: time to wait before each step; 0: answers are made
 * as fast as possible. NULL with @error: the operation can't be added. @question and @data must exist longer than the tasks. */
CollectorTasks *collector_tasks_new (const CollectorQuestion *question,
                                     DeyeBusCollector *collector,
                                     guint step,
                                     guint pace_ms,
                                     gpointer data,
                                     GError **error);
/* Abandons tasks that still run. The collector must not work any more. */
void collector_tasks_free (CollectorTasks *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CollectorTasks, collector_tasks_free)

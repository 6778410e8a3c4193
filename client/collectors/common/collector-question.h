/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"
#include "wire-guard.h"

/*
 * A question that a collector answers: a method of its service for one that asks this collector, and an operation for tasks, so
 * that the broker finds a collector that is free.
 *
 * Both have the same query and the same answer. The method answers at once. A task is worked on in small steps of the main
 * loop; between them the collector reports progress and notices that the task was cancelled.
 *
 * Answering changes nothing, so the operation is idempotent.
 */

/* Reasons for which there is no answer. Constants. */
typedef struct
{
  const char *name; /* of the error */
  const char *text;
  gboolean later; /* an answer may be possible later: a task is tried again */
} CollectorRefusal;

typedef struct
{
  const char *method;    /* (nullable): there is none */
  const char *operation; /* (nullable): there is none */
  const char *text;      /* what the answer is, for the description of the service */
  const ProtobufCMessageDescriptor *query_type;
  const char *answer_type; /* full name of its protobuf type */

  /* Starts to answer. @query: valid until free() is called. @room: bytes for the records of the answer. NULL with @refusal: there
   * is no answer. */
  gpointer (*begin) (gconstpointer query, gsize room, CollectorRefusal *refusal, gpointer data);
  /* (nullable): after begin(), for a task of a question that is divided: the records whose number modulo @shards is @shard are
   * wanted. */
  void (*set_part) (gpointer answer, guint shard, guint shards);
  /* Does the next @n pieces of the answer; @done, @total: the progress. FALSE: it is complete. NULL: there is one piece. */
  gboolean (*step) (gpointer answer, guint n, guint *done, guint *total);
  /* (nullable): after the last step; FALSE with @refusal: there is no answer after all. */
  gboolean (*check) (gpointer answer, CollectorRefusal *refusal);
  /* The packed answer. */
  GBytes *(*pack) (gpointer answer);
  /* (nullable): after pack(): says with deye_bus_work_set_rows() and others what the packed answer covers. */
  void (*tell_extent) (gpointer answer, DeyeBusWork *work);
  void (*free) (gpointer answer);
} CollectorQuestion;

/* @question, @data: live longer than @service. */
void collector_question_add_method (const CollectorQuestion *question, DeyeBusService *service, gpointer data);

/* The tasks of one question. */
typedef struct CollectorTasks CollectorTasks;

/* @step: pieces of an answer between two iterations of the main loop. @pace_ms: time to wait before each step; 0: answers are made
 * as fast as possible. NULL with @error: the operation can't be added. @question, @data: live longer than the tasks. */
CollectorTasks *collector_tasks_new (const CollectorQuestion *question,
                                     DeyeBusCollector *collector,
                                     guint step,
                                     guint pace_ms,
                                     gpointer data,
                                     GError **error);
/* Tasks that still run are given up. The collector works no more. */
void collector_tasks_free (CollectorTasks *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CollectorTasks, collector_tasks_free)

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-task-spec.h"

#include "coordination.pb-c.h"

/* The fields of a task's specification, and how a submit reads them. */

#define DEYE_BUS_TASK_NAME_MAX 64u

struct _DeyeBusTaskSpec
{
  gatomicrefcount refs;
  char *id;        /* NULL: each submit makes one */
  char *operation; /* NULL: wrong */
  char *type;      /* NULL: any */
  char *target;    /* NULL: any */
  GBytes *payload; /* NULL: empty */
  char *payload_type;
  gint64 timeout_us; /* 0: the broker's default; the same for the following ones */
  gint64 delay_us;
  gint64 run_limit_us;
  guint attempts; /* 0: none was set */
  guint8 priority;
  gboolean exclusive;
  gboolean cancel_when_gone;
  GPtrArray *tags;     /* of "key=value" */
  const char *invalid; /* the first wrong value that a setter got; untranslated, static; NULL: none */
};

/* TRUE if the broker accepts @text as an id, an operation, a type or a target. */
gboolean deye_bus_task_is_name (const char *text);

/* FALSE: a setter got a wrong value, which this error reports. */
gboolean deye_bus_task_spec_check (const DeyeBusTaskSpec *spec, GError **error);

DeyeBusTaskSpec *deye_bus_task_spec_copy_with_id (const DeyeBusTaskSpec *spec, const char *id);

/* The first field that differs, of the fields that the broker compares when a task is submitted again. NULL: there is none. */
const char *deye_bus_task_spec_difference (const DeyeBusTaskSpec *one, const DeyeBusTaskSpec *other);

/* Fills @message, which points into @spec. */
void deye_bus_task_spec_fill (const DeyeBusTaskSpec *spec, Daemoneye__Eventbus__V1__TaskSpec *message);

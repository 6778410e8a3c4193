/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-gather-spec-private.h"

#include "deye-bus-error.h"
#include "deye-bus-pack.h"
#include "deye-bus-task-spec-private.h"

#include <glib/gi18n-lib.h>

/*
 * Specification of a question to many: a boxed value with a reference count.
 *
 * It contains a task specification, which checks the common fields, and adds which collectors are asked and when the result is
 * accepted. Only the form of values is checked here; the broker checks them against its settings.
 */

#define TIMEOUT_US (30 * G_TIME_SPAN_SECOND)

#define MODE(mode)       DAEMONEYE__EVENTBUS__V1__GATHER_MODE__GATHER_##mode
#define REQUIRE(require) DAEMONEYE__EVENTBUS__V1__GATHER_REQUIRE__GATHER_REQUIRE_##require

struct _DeyeBusGatherSpec
{
  gatomicrefcount refs;
  DeyeBusTaskSpec *task;
  Daemoneye__Eventbus__V1__GatherMode mode;
  guint n;
  Daemoneye__Eventbus__V1__GatherRequire require; /* UNSPECIFIED: not set */
  guint require_n;
  gint64 stall_us;
  const char *invalid; /* the first wrong value of these fields; untranslated, static; NULL: none */
};

G_DEFINE_BOXED_TYPE (DeyeBusGatherSpec, deye_bus_gather_spec, deye_bus_gather_spec_ref, deye_bus_gather_spec_unref)

/* --- life --- */

DeyeBusGatherSpec *
deye_bus_gather_spec_new (const char *operation)
{
  DeyeBusGatherSpec *spec;

  g_return_val_if_fail (operation != NULL, NULL);

  spec = g_new0 (DeyeBusGatherSpec, 1);
  g_atomic_ref_count_init (&spec->refs);
  spec->task = deye_bus_task_spec_new (operation);
  spec->mode = MODE (ALL);
  return spec;
}

DeyeBusGatherSpec *
deye_bus_gather_spec_copy (const DeyeBusGatherSpec *spec)
{
  DeyeBusGatherSpec *copy;

  g_return_val_if_fail (spec != NULL, NULL);

  copy = g_memdup2 (spec, sizeof *spec);
  g_atomic_ref_count_init (&copy->refs);
  copy->task = deye_bus_task_spec_copy (spec->task);
  return copy;
}

DeyeBusGatherSpec *
deye_bus_gather_spec_ref (DeyeBusGatherSpec *spec)
{
  g_return_val_if_fail (spec != NULL, NULL);

  g_atomic_ref_count_inc (&spec->refs);
  return spec;
}

void
deye_bus_gather_spec_unref (DeyeBusGatherSpec *spec)
{
  g_return_if_fail (spec != NULL);

  if (!g_atomic_ref_count_dec (&spec->refs))
    return;
  deye_bus_task_spec_unref (spec->task);
  g_free (spec);
}

/* --- fields that a task has as well --- */

void
deye_bus_gather_spec_set_collector_type (DeyeBusGatherSpec *spec, const char *type)
{
  g_return_if_fail (spec != NULL);

  deye_bus_task_spec_set_collector_type (spec->task, type);
}

void
deye_bus_gather_spec_set_payload (DeyeBusGatherSpec *spec, GBytes *payload, const char *type_name)
{
  g_return_if_fail (spec != NULL);

  deye_bus_task_spec_set_payload (spec->task, payload, type_name);
}

void
deye_bus_gather_spec_set_timeout (DeyeBusGatherSpec *spec, gint64 timeout_us)
{
  g_return_if_fail (spec != NULL);

  deye_bus_task_spec_set_timeout (spec->task, timeout_us);
}

void
deye_bus_gather_spec_set_priority (DeyeBusGatherSpec *spec, guint8 priority)
{
  g_return_if_fail (spec != NULL);

  deye_bus_task_spec_set_priority (spec->task, priority);
}

void
deye_bus_gather_spec_add_tag (DeyeBusGatherSpec *spec, const char *key, const char *value)
{
  g_return_if_fail (spec != NULL);
  g_return_if_fail (key != NULL && value != NULL);

  deye_bus_task_spec_add_tag (spec->task, key, value);
}

/* --- the collectors that are asked, and the requirement --- */

/* FALSE: @n is wrong, and @problem is noted. @problem: marked with N_(). */
static gboolean
gather_spec_check_number (DeyeBusGatherSpec *spec, guint n, const char *problem)
{
  if (n == 0 && spec->invalid == NULL)
    spec->invalid = problem;
  return n > 0;
}

void
deye_bus_gather_spec_ask_all (DeyeBusGatherSpec *spec)
{
  g_return_if_fail (spec != NULL);

  spec->mode = MODE (ALL);
  spec->n = 0;
}

void
deye_bus_gather_spec_ask_some (DeyeBusGatherSpec *spec, guint n)
{
  g_return_if_fail (spec != NULL);

  if (!gather_spec_check_number (spec, n, N_ ("The question asks 0 collectors: ask at least one")))
    return;
  spec->mode = MODE (SOME);
  spec->n = n;
}

void
deye_bus_gather_spec_ask_shards (DeyeBusGatherSpec *spec, guint n)
{
  g_return_if_fail (spec != NULL);

  if (!gather_spec_check_number (spec, n, N_ ("The question has 0 shards: divide it into at least one")))
    return;
  spec->mode = MODE (SHARDS);
  spec->n = n;
}

void
deye_bus_gather_spec_set_require_all (DeyeBusGatherSpec *spec)
{
  g_return_if_fail (spec != NULL);

  spec->require = REQUIRE (ALL);
  spec->require_n = 0;
}

void
deye_bus_gather_spec_set_require_at_least (DeyeBusGatherSpec *spec, guint n)
{
  g_return_if_fail (spec != NULL);

  if (!gather_spec_check_number (spec, n, N_ ("The question requires at least 0 answers: require any instead")))
    return;
  spec->require = REQUIRE (AT_LEAST);
  spec->require_n = n;
}

void
deye_bus_gather_spec_set_require_any (DeyeBusGatherSpec *spec)
{
  g_return_if_fail (spec != NULL);

  spec->require = REQUIRE (ANY);
  spec->require_n = 0;
}

void
deye_bus_gather_spec_set_stall (DeyeBusGatherSpec *spec, gint64 stall_us)
{
  g_return_if_fail (spec != NULL);

  if (stall_us >= 0)
    spec->stall_us = stall_us;
  else if (spec->invalid == NULL)
    spec->invalid = N_ ("The longest time without an answer is negative: give microseconds, or 0 for no limit");
}

/* --- reading --- */

gint64
deye_bus_gather_spec_timeout_us (const DeyeBusGatherSpec *spec)
{
  return spec->task->timeout_us > 0 ? spec->task->timeout_us : TIMEOUT_US;
}

static const char *
gather_spec_problem (const DeyeBusGatherSpec *spec)
{
  if (spec->invalid != NULL)
    return spec->invalid;
  if (spec->require == REQUIRE (UNSPECIFIED))
    return N_ ("The question has no requirement: require all answers, at least a number of them, or any");
  if (spec->mode != MODE (ALL) && spec->require_n > spec->n)
    return N_ ("The question requires more answers than it asks for");
  return NULL;
}

GBytes *
deye_bus_gather_spec_pack (const DeyeBusGatherSpec *spec, GError **error)
{
  Daemoneye__Eventbus__V1__GatherRequest request = DAEMONEYE__EVENTBUS__V1__GATHER_REQUEST__INIT;
  Daemoneye__Eventbus__V1__TaskSpec task;
  const char *problem = gather_spec_problem (spec);

  if (!deye_bus_task_spec_check (spec->task, error))
    return NULL;
  if (problem != NULL)
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT, _ (problem));
      return NULL;
    }
  deye_bus_task_spec_fill (spec->task, &task);
  request.operation = task.operation;
  request.type = task.type;
  request.payload = task.payload;
  request.payload_type = task.payload_type;
  request.mode = spec->mode;
  request.n = spec->n;
  request.require = spec->require;
  request.require_n = spec->require_n;
  request.deadline_us = (guint64) deye_bus_gather_spec_timeout_us (spec);
  request.stall_us = (guint64) spec->stall_us;
  request.tags = task.tags;
  request.n_tags = task.n_tags;
  request.priority = task.priority;
  return deye_bus_pack (&request.base);
}

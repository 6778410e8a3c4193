/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-task-why.h"

#include "ctl-units.h"

#include <glib/gi18n.h>
#include <string.h>

/* Both texts have fields in braces, which are replaced by values: {id}, {operation}, {type}, {target}, {holder}, {attempt},
 * {priority}, {cause}, {error}, {next}, {left}, {counts}. */
typedef struct
{
  const char *why;
  const char *advice;
} WhyRow;

/* --- texts --- */

static const WhyRow why_reasons[] = {
  [DEYE_BUS_WAIT_REASON_NONE] = { N_ ("It waits for its turn."), NULL },
  [DEYE_BUS_WAIT_REASON_NO_CAPABILITY]
  = { N_ ("It waits because no registered collector that serves tasks has all the tags that the task requires."),
      N_ ("`deyebusctl collectors --operation {operation} --json` shows the states and the tags of the collectors; "
          "`deyebusctl task cancel {id}` ends the task.") },
  [DEYE_BUS_WAIT_REASON_ALL_BUSY]
  = { N_ ("It waits because every collector that may take it is busy."),
      N_ ("It starts when one of them is free. `deyebusctl tasks --operation {operation} --state running` shows their "
          "tasks; start another collector to shorten the wait.") },
  [DEYE_BUS_WAIT_REASON_ALL_DRAINING] = { N_ ("It waits because each collector that may take it is draining."),
                                          N_ ("Start another collector with the operation {operation}.") },
  [DEYE_BUS_WAIT_REASON_SET_ASIDE] = { N_ ("It waits because each collector that may take it has failed too often or "
                                           "does not answer, and gets no tasks for a time."),
                                       N_ ("`deyebusctl collectors --operation {operation}` shows the reason and the "
                                           "time; see also the logs of the collectors.") },
  [DEYE_BUS_WAIT_REASON_PAUSED] = { N_ ("It waits because the operation {operation} is paused."),
                                    N_ ("`deyebusctl operations resume {operation}` ends the pause.") },
  [DEYE_BUS_WAIT_REASON_ISOLATION]
  = { N_ ("It waits because it must run alone on its collector, or because another task must run alone there."),
      N_ ("It starts when the collector has no other task; start another collector to shorten the wait.") },
  [DEYE_BUS_WAIT_REASON_BACKOFF]
  = { N_ ("Attempt {attempt} has failed on {holder}; the next one is made in {next}."),
      N_ ("`deyebusctl task history {id}` shows the attempts; see also the log of {holder}.") },
  [DEYE_BUS_WAIT_REASON_NOT_BEFORE] = { N_ ("It waits because its delay ends in {next}."), NULL },
  [DEYE_BUS_WAIT_REASON_OPERATION_LIMIT]
  = { N_ ("It waits because as many tasks of the operation {operation} run as its limit allows."),
      N_ ("`deyebusctl operations` shows the limit, and `deyebusctl operations limit {operation} COUNT` changes it.") },
  [DEYE_BUS_WAIT_REASON_TARGET_ABSENT]
  = { N_ ("It waits because {target}, the only collector that may take it, is not registered."),
      N_ ("Start {target}, or cancel the task and submit another one without a target.") },
  [DEYE_BUS_WAIT_REASON_ADOPTION_HOLD]
  = { N_ ("It waits because the broker was restarted, and {holder} may run it already."),
      N_ ("If {holder} connects, the task continues there; otherwise another collector gets it after the time of the "
          "broker's setting task-recovery-us.") },
};

static const WhyRow why_states[] = {
  [DEYE_BUS_TASK_STATE_OFFERED] = { N_ ("It was offered to {holder}, which has not started it yet."),
                                    N_ ("If {holder} does not start it within the time of the broker's setting "
                                        "task-offer-us, another collector gets it.") },
  [DEYE_BUS_TASK_STATE_RUNNING]
  = { N_ ("{holder} works on it, in attempt {attempt}; its deadline is in {left}."),
      N_ ("`deyebusctl task show {id}` shows the progress, and `deyebusctl task cancel {id}` ends it.") },
  [DEYE_BUS_TASK_STATE_CANCELLING]
  = { N_ ("It was cancelled, and {holder} has not confirmed that yet."),
      N_ ("It ends after the time of the broker's setting task-cancel-us at the latest.") },
  [DEYE_BUS_TASK_STATE_SUCCEEDED] = { N_ ("It has succeeded on {holder}, in attempt {attempt}."),
                                      N_ ("`deyebusctl task result {id}` shows the result.") },
  [DEYE_BUS_TASK_STATE_FAILED]
  = { N_ ("It has failed on {holder}, in attempt {attempt}: {cause}{error}. Attempts: {counts}."),
      N_ ("It is not tried again. Correct the cause, and submit it with another id; `deyebusctl task history {id}` "
          "shows "
          "the attempts.") },
  [DEYE_BUS_TASK_STATE_TIMED_OUT] = { N_ ("Its deadline passed before it ended. Attempts: {counts}."),
                                      N_ ("`deyebusctl task history {id}` shows how the time was used. Submit it with "
                                          "another id and a later deadline (--deadline).") },
  [DEYE_BUS_TASK_STATE_CANCELLED]
  = { N_ ("It was cancelled: {cause}."), N_ ("It does not run again. Submit it with another id if it is needed.") },
  [DEYE_BUS_TASK_STATE_QUARANTINED]
  = { N_ ("It is in quarantine, because more attempts could do harm: {cause}. Attempts: {counts}; the last one was on "
          "{holder}."),
      N_ ("`deyebusctl task history {id}` shows the attempts; see also the log of {holder}. Then run it again with "
          "`deyebusctl task release {id}`, or end it with `deyebusctl task drop {id}`.") },
};

static const WhyRow why_unstarted = { N_ ("It failed before a collector got it: {cause}{error}."),
                                      N_ ("It is not tried again. Correct the cause, and submit it with another id.") };
static const WhyRow why_unconfirmed
    = { N_ ("It was cancelled, and {holder} has not confirmed that: it may still be working on it."),
        N_ ("Check {holder}: `deyebusctl collectors` shows its state, and `deyebusctl drain {holder}` stops giving it "
            "tasks.") };
static const WhyRow why_dropped
    = { N_ ("It has succeeded on {holder}, and the result is not kept any more."),
        N_ ("Submit it with another id if the result is needed. The broker's settings task-window-us and "
            "task-window-bytes say how long results are kept.") };
static const WhyRow why_newer
    = { N_ ("This version of deyebusctl does not know the state or the reason of the task: update deyebusctl."), NULL };

/* --- conditions of a task, in the order in which collectors are checked --- */

typedef gboolean (*WhyFits) (const CtlTask *task, const CtlCollector *collector);

static gboolean
why_fits_operation (const CtlTask *task, const CtlCollector *collector)
{
  for (size_t i = 0; i < collector->n_operations; i++)
    if (g_str_equal (collector->operations[i]->name, task->operation))
      return TRUE;
  return FALSE;
}

static gboolean
why_fits_type (const CtlTask *task, const CtlCollector *collector)
{
  return *task->type == '\0' || g_str_equal (task->type, collector->type);
}

static gboolean
why_fits_target (const CtlTask *task, const CtlCollector *collector)
{
  return *task->target == '\0' || g_str_equal (task->target, collector->id);
}

static gboolean
why_fits_priority (const CtlTask *task, const CtlCollector *collector)
{
  return collector->priorities == NULL
         || (task->priority >= collector->priorities->lowest && task->priority <= collector->priorities->highest);
}

static const struct
{
  WhyFits fits;
  WhyRow row;
} why_conditions[] = {
  { why_fits_operation,
    { N_ ("It waits because no registered collector has the operation {operation}."),
      N_ ("Start a collector that has the operation, or cancel the task with `deyebusctl task cancel {id}`.") } },
  { why_fits_type,
    { N_ ("It waits because no registered collector of the type {type} has the operation {operation}."),
      N_ ("`deyebusctl collectors --operation {operation}` shows the collectors of other types.") } },
  { why_fits_target,
    { N_ ("It waits because {target}, the only collector that may take it, does not have the operation {operation}."),
      N_ ("`deyebusctl collectors --operation {operation}` shows the collectors that have the operation.") } },
  { why_fits_priority,
    { N_ ("It waits because no collector with the operation {operation} takes tasks of the priority {priority}."),
      N_ ("`deyebusctl collectors --operation {operation} --json` shows the priorities that they take.") } },
};

/* The first condition that, together with those before it, no collector fulfils. NULL: some collectors fulfil all of them. */
static const WhyRow *
why_find_condition (const CtlTask *task, const CtlList *collectors)
{
  guint reached = 0;

  for (guint i = 0; i < collectors->entries->len; i++)
    {
      guint n = 0;

      while (n < G_N_ELEMENTS (why_conditions)
             && why_conditions[n].fits (task, g_ptr_array_index (collectors->entries, i)))
        n++;
      reached = MAX (reached, n);
    }
  return reached < G_N_ELEMENTS (why_conditions) ? &why_conditions[reached].row : NULL;
}

/* --- the row --- */

static const WhyRow *
why_find_reason (const CtlTask *task, const CtlList *collectors)
{
  const WhyRow *row = NULL;

  if ((guint) task->reason == DEYE_BUS_WAIT_REASON_NO_CAPABILITY && collectors != NULL)
    row = why_find_condition (task, collectors);
  if (row != NULL)
    return row;
  return (guint) task->reason < G_N_ELEMENTS (why_reasons) ? &why_reasons[task->reason] : &why_newer;
}

static const WhyRow *
why_find (const CtlTask *task, const CtlList *collectors)
{
  guint state = (guint) task->state;

  if (state == DEYE_BUS_TASK_STATE_QUEUED || state == DEYE_BUS_TASK_STATE_DELAYED)
    return why_find_reason (task, collectors);
  if (state == DEYE_BUS_TASK_STATE_CANCELLED && task->unconfirmed)
    return &why_unconfirmed;
  if (state == DEYE_BUS_TASK_STATE_SUCCEEDED && task->payload_dropped)
    return &why_dropped;
  if (state == DEYE_BUS_TASK_STATE_FAILED && *task->holder == '\0')
    return &why_unstarted;
  return state < G_N_ELEMENTS (why_states) && why_states[state].why != NULL ? &why_states[state] : &why_newer;
}

/* --- fields --- */

static char *
why_error_of (const CtlTask *task)
{
  const Daemoneye__Eventbus__V1__Outcome *outcome = task->outcome;

  if (outcome == NULL || (*outcome->error_name == '\0' && *outcome->error_text == '\0'))
    return g_strdup ("");
  return g_strdup_printf (" (%s%s%s)", outcome->error_name,
                          *outcome->error_name != '\0' && *outcome->error_text != '\0' ? ": " : "",
                          outcome->error_text);
}

static char *
why_counts_of (const CtlTask *task)
{
  return g_strdup_printf (_ ("failed %u, expired %u, collector died %u, interrupted %u"), task->failures,
                          task->expiries, task->deaths, task->interruptions);
}

/* Name -> value, both owned. */
static GHashTable *
why_fields_of (const CtlTask *task)
{
  GHashTable *fields = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);

  g_hash_table_insert (fields, (char *) "id", g_strdup (task->id));
  g_hash_table_insert (fields, (char *) "operation", g_strdup (task->operation));
  g_hash_table_insert (fields, (char *) "type", g_strdup (task->type));
  g_hash_table_insert (fields, (char *) "target", g_strdup (task->target));
  g_hash_table_insert (fields, (char *) "holder", g_strdup (*task->holder != '\0' ? task->holder : "?"));
  g_hash_table_insert (fields, (char *) "attempt", g_strdup_printf ("%u", task->attempt));
  g_hash_table_insert (fields, (char *) "priority", g_strdup_printf ("%u", task->priority));
  g_hash_table_insert (fields, (char *) "cause", g_strdup (task->cause));
  g_hash_table_insert (fields, (char *) "error", why_error_of (task));
  g_hash_table_insert (fields, (char *) "counts", why_counts_of (task));
  g_hash_table_insert (fields, (char *) "next", ctl_duration (task->next_us));
  g_hash_table_insert (fields, (char *) "left", ctl_duration (task->remaining_us));
  return fields;
}

/* Replaces the fields. Inserted values are not searched for further fields, because they are texts of peers. */
static char *
why_fill (const char *text, GHashTable *fields)
{
  g_autoptr (GString) filled = g_string_new (NULL);

  while (*text != '\0')
    {
      const char *end = *text == '{' ? strchr (text, '}') : NULL;
      g_autofree char *name = end != NULL ? g_strndup (text + 1, (gsize) (end - text) - 1) : NULL;
      const char *value = name != NULL ? g_hash_table_lookup (fields, name) : NULL;

      if (value != NULL)
        g_string_append (filled, value);
      else
        g_string_append_c (filled, *text);
      text = value != NULL ? end + 1 : text + 1;
    }
  return g_strdup (filled->str);
}

void
ctl_why_init (CtlWhy *why, const CtlTask *task, const CtlList *collectors)
{
  const WhyRow *row = why_find (task, collectors);
  g_autoptr (GHashTable) fields = why_fields_of (task);

  why->why = why_fill (_ (row->why), fields);
  why->advice = row->advice != NULL ? why_fill (_ (row->advice), fields) : NULL;
}

void
ctl_why_clear (CtlWhy *why)
{
  g_clear_pointer (&why->why, g_free);
  g_clear_pointer (&why->advice, g_free);
}

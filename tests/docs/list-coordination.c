/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-limits.h"
#include "coordination.pb-c.h"
#include "peer/bus-health-state.h"
#include "work/bus-member-state.h"
#include "work/bus-task-state.h"

/*
 * Prints the tables of the core that doc/coordination.md describes:
 *
 *     task queued deadline timed-out         a state of a task, an event, and the next state
 *     task-cause deadline SENTENCE           the sentence of that event
 *     member ready drain draining            the same of a member
 *     health healthy miss degraded           the same of the health of a peer
 *     setting task-slots 256                 a default
 *     wait NO_CAPABILITY                     a reason why a task waits
 *
 * The last word of a line is a state, or "ignored", "refused", "never" (the event does not occur in this state) or "missing".
 * tests/check-coordination.py draws the states, and compares the document with all of it.
 */

static const char *
task_verdict (guint verdict)
{
  switch (verdict)
    {
    case 0:
      return "missing";
    case BUS_TASK_IGNORED:
      return "ignored";
    case BUS_TASK_REFUSED:
      return "refused";
    case BUS_TASK_NEVER:
      return "never";
    default:
      return bus_task_state_name (verdict);
    }
}

static void
list_tasks (void)
{
  for (guint event = 0; event < BUS_N_TASK_EVENTS; event++)
    g_print ("task-cause %s %s\n", bus_task_event_name (event), bus_task_event_cause (event));
  for (guint state = BUS_TASK_QUEUED; state < BUS_N_TASK_STATES; state++)
    for (guint event = 0; event < BUS_N_TASK_EVENTS; event++)
      g_print ("task %s %s %s\n", bus_task_state_name (state), bus_task_event_name (event),
               task_verdict (bus_task_transition (state, event)));
}

static const char *
member_verdict (const BusMemberStep *step)
{
  static const char *const verdicts[] = {
    [BUS_MEMBER_STEP_MISSING] = "missing",
    [BUS_MEMBER_STEP_IGNORED] = "ignored",
    [BUS_MEMBER_STEP_ERROR] = "never",
  };

  return step->kind == BUS_MEMBER_STEP_NEXT ? bus_member_state_name (step->next) : verdicts[step->kind];
}

static void
list_members (void)
{
  static const char *const events[BUS_MEMBER_N_EVENTS] = {
    [BUS_MEMBER_ON_REGISTER] = "register",   [BUS_MEMBER_ON_SERVE] = "serve", [BUS_MEMBER_ON_UNSERVE] = "unserve",
    [BUS_MEMBER_ON_DOUBT] = "doubt",         [BUS_MEMBER_ON_TRUST] = "trust", [BUS_MEMBER_ON_HOLD] = "hold",
    [BUS_MEMBER_ON_HOLD_OVER] = "hold-over", [BUS_MEMBER_ON_DRAIN] = "drain", [BUS_MEMBER_ON_END] = "end",
  };

  for (guint state = 0; state < BUS_MEMBER_N_STATES; state++)
    for (guint event = 0; event < BUS_MEMBER_N_EVENTS; event++)
      g_print ("member %s %s %s\n", bus_member_state_name (state), events[event],
               member_verdict (bus_member_step (state, event)));
}

static const char *
health_verdict (const BusHealthStep *step)
{
  static const char *const verdicts[] = {
    [BUS_HEALTH_STEP_MISSING] = "missing",
    [BUS_HEALTH_STEP_IGNORED] = "ignored",
    [BUS_HEALTH_STEP_ERROR] = "never",
  };

  return step->kind == BUS_HEALTH_STEP_NEXT ? bus_health_state_name (step->next) : verdicts[step->kind];
}

static void
list_health (void)
{
  static const char *const events[BUS_HEALTH_N_EVENTS] = {
    [BUS_HEALTH_ON_MISS] = "miss",
    [BUS_HEALTH_ON_SECOND_MISS] = "second-miss",
    [BUS_HEALTH_ON_THIRD_MISS] = "third-miss",
    [BUS_HEALTH_ON_COMPLAINT] = "complaint",
    [BUS_HEALTH_ON_SIGNS] = "signs",
    [BUS_HEALTH_ON_CALM] = "calm",
    [BUS_HEALTH_ON_END] = "end",
  };

  for (guint state = 0; state < BUS_HEALTH_N_STATES; state++)
    for (guint event = 0; event < BUS_HEALTH_N_EVENTS; event++)
      g_print ("health %s %s %s\n", bus_health_state_name (state), events[event],
               health_verdict (bus_health_step (state, event)));
}

static void
list_settings (void)
{
  for (guint limit = 0; limit < BUS_N_LIMITS; limit++)
    {
      const BusLimitSpec *spec = bus_limit_spec (limit);
      g_autofree char *name = g_strdelimit (g_strdup (spec->name), "_", '-');

      if (g_str_has_prefix (name, "task-") || g_str_has_prefix (name, "gather"))
        g_print ("setting %s %" G_GUINT64_FORMAT "\n", name, spec->preset);
    }
}

static void
list_wait_reasons (void)
{
  const ProtobufCEnumDescriptor *reasons = &daemoneye__eventbus__v1__wait_reason__descriptor;

  for (guint i = 0; i < reasons->n_values; i++)
    if (reasons->values[i].value != DAEMONEYE__EVENTBUS__V1__WAIT_REASON__WAIT_NONE)
      g_print ("wait %s\n", reasons->values[i].name + strlen ("WAIT_"));
}

int
main (void)
{
  list_tasks ();
  list_members ();
  list_health ();
  list_settings ();
  list_wait_reasons ();
  return 0;
}

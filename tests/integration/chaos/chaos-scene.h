/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "chaos-load.h"
#include "chaos-questions.h"
#include "chaos-schedule.h"
#include "task-scene.h"

/*
 * The processes of a chaos run, the agent and its collectors, and the faults that are injected into them.
 *
 * A fault has no effect if its victim is not in a state for it, such as a stop of a collector that is about to end. A fault with a
 * duration, such as a stop, ends in a later turn. A collector that has ended, for any reason, is started again with the same id.
 */

typedef struct
{
  TestProcess *process;
  char id[8];
  char instance[24];
  guint number; /* of the instance */
  gboolean is_suspended;
  gboolean is_killed;
  gboolean is_asked; /* it was asked to stop */
  guint
      announcing; /* unanswered calls that announce the end of the collector with this id, after which it may stop by itself */
  guint announced;       /* the newest instance whose end may have been announced */
  guint n_ends_of_agent; /* before it was started */
  gint64 resume_us;      /* while it is suspended */
  gint64 leave_us;       /* when it is asked to stop; 0: it is not */
  gint64 kill_us;        /* when it is killed; 0: it is not */
} ChaosCollector;

typedef struct
{
  TaskScene tasks; /* its submitter is not used: chaos-load has submitters */
  const BusFixtureOptions *options;
  guint32 seed;
  char *ledger_path;
  ChaosLedger *ledger;
  ChaosLoad *load;
  ChaosQuestions *questions;
  DeyeBusClient *tool; /* makes the calls of the faults */
  ChaosCollector collectors[CHAOS_COLLECTORS];
  GSource *turn_timer; /* ends the wait of a turn if nothing else happens */
  gint64 begin_us;
  guint n_ends_of_agent;
  gint64 agent_due_us;   /* when the agent is started or resumed; 0: it runs */
  gboolean is_suspended; /* the agent */
  gint64 resume_us[3];   /* when the operations are resumed; 0: they are not paused */
  guint counts[CHAOS_N_FAULTS];
} ChaosScene;

void chaos_scene_set_up (ChaosScene *self, const BusFixtureOptions *options, guint32 seed);
void chaos_scene_tear_down (ChaosScene *self);
/* Waits until the tool and the collectors are connected. */
void chaos_scene_start (ChaosScene *self);

/* Iterates the context once, and ends faults whose time is over. @submits: FALSE: no new task and no new question. */
void chaos_scene_turn (ChaosScene *self, gboolean submits);
void chaos_scene_put (ChaosScene *self, const ChaosEvent *event);
/* Ends all faults: no process is suspended or about to leave, no operation is paused. */
void chaos_scene_calm (ChaosScene *self);
/* Waits until every collector has stopped as asked and every client except the controller is closed. */
void chaos_scene_leave (ChaosScene *self);

/* SPDX-License-Identifier: Apache-2.0 */
#include "gathers-world.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-lease.h"

/*
 * Compares the questions of the core before and after each input: every change must be one that the rules permit.
 */

#define SUCCEEDED DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED

BusGather *
gathers_compare_find (const GathersWorld *world, const GathersQuestion *question)
{
  for (GList *link = world->core->work->gathers.all.head; link != NULL; link = link->next)
    {
      BusGather *gather = link->data;

      if (gather->asker == question->asker->peer && gather->request_id == question->request_id)
        return gather;
    }
  return NULL;
}

/* --- before --- */

/* The lease with the route of the answer. NULL: it has ended. */
static const BusLease *
compare_lease_of (const GathersInput *input)
{
  const BusMember *member = input->client->peer->member;

  for (const GList *link = member != NULL ? member->leases.head : NULL; link != NULL; link = link->next)
    if (((const BusLease *) link->data)->request->route_id == input->job->route)
      return link->data;
  return NULL;
}

/* Reads the collector of an open entry. */
static guint
compare_slot_of (const GathersWorld *world, const BusGatherEntry *real)
{
  if (real->gather->mode != BUS_GATHER_SHARDS)
    return gathers_slot_of (world, real->id);
  return real->task->lease != NULL ? gathers_slot_of (world, real->task->lease->member->id) : GATHERS_NAMES;
}

static void
compare_read_entry (const GathersWorld *world, GathersEntry *entry, const BusGatherEntry *real)
{
  entry->is_target = FALSE;
  entry->state = 0;
  if (real->fate.answer != BUS_FATE_OPEN)
    return;
  entry->state = real->task->state;
  entry->attempt = real->task->attempt;
  entry->has_lease = real->task->lease != NULL;
  entry->slot = compare_slot_of (world, real);
}

/* Counts the answer for its entry, or as a late answer, which is not in the sum. */
static void
compare_count_answer (GathersQuestion *question, const BusGather *gather, const GathersInput *input)
{
  const BusLease *lease = compare_lease_of (input);
  const BusTask *task = lease != NULL ? lease->task : NULL;
  GathersEntry *entry;

  if (task == NULL || task->entry == NULL || task->entry->gather != gather || gather->phase == BUS_GATHER_WAITS)
    return;
  entry = &question->entries[task->entry->index];
  entry->is_target = entry->state != 0 && task->entry->task == task && task->lease == lease && bus_task_is_live (task);
  if (entry->is_target || input->outcome != SUCCEEDED)
    return;
  if (entry->state != 0 || bus_fate_has_answer (entry->answer))
    question->n_duplicates++;
  else
    question->n_late++;
}

static void
compare_before_question (GathersWorld *world, GathersQuestion *question, const GathersInput *input)
{
  const BusGather *gather = gathers_compare_find (world, question);

  if (!question->has_begun)
    gathers_model_set_roster (world, question);
  if (gather == NULL)
    return;
  question->query_id = gather->query_id;
  for (guint i = 0; i < question->n_entries; i++)
    compare_read_entry (world, &question->entries[i], &gather->entries[i]);
  if (input->kind == GATHERS_INPUT_ANSWERS)
    compare_count_answer (question, gather, input);
}

void
gathers_compare_before (GathersWorld *world, const GathersInput *input)
{
  for (guint i = GATHERS_ASKERS; i < GATHERS_OLD; i++)
    {
      const BusMember *member = world->clients[i].peer != NULL ? world->clients[i].peer->member : NULL;

      world->clients[i].state = member != NULL ? member->state : BUS_MEMBER_GONE;
    }
  for (guint i = 0; i < GATHERS_QUESTIONS; i++)
    if (world->questions[i].is_used && !world->questions[i].is_over)
      compare_before_question (world, &world->questions[i], input);
}

/* --- collectors --- */

static void
compare_note_joined (GathersWorld *world, const GathersClient *client)
{
  const guint bit = 1u << client->slot;

  for (guint i = 0; i < GATHERS_QUESTIONS; i++)
    {
      GathersQuestion *question = &world->questions[i];

      if (!question->is_used || question->is_over || !question->has_begun
          || ((question->roster | question->joined) & bit)
          || gathers_compare_find (world, question)->phase != BUS_GATHER_ASKS
          || !gathers_rules_fits (question, client, &client->ability))
        continue;
      question->joined |= bit;
      question->n_joined++;
      gathers_cover (world, GATHERS_COVER_JOINED);
    }
}

/* Notes the state of the client after the input. */
static void
compare_note_client (GathersWorld *world, const GathersInput *input)
{
  GathersClient *client = input->client;

  switch ((guint) input->kind)
    {
    case GATHERS_INPUT_EOF:
      client->gone_us = world->now_us;
      client->past = client->ability;
      client->is_registered = FALSE;
      break;
    case GATHERS_INPUT_LEAVES:
      client->is_registered = FALSE;
      break;
    case GATHERS_INPUT_DRAINS:
      client->is_draining = TRUE;
      break;
    case GATHERS_INPUT_REGISTERS:
      compare_note_joined (world, client);
      break;
    case GATHERS_INPUT_ENDS_QUESTION:
      if (input->query_id == 0)
        world->expected[client->slot] = 0; /* its connection has ended */
      break;
    default:
      break;
    }
}

/* --- after --- */

/* Notes the facts about the entry in the input that do not depend on the outcome of the entry. */
static void
compare_note_input (GathersEntry *entry, const GathersInput *input)
{
  const gboolean is_its_collector = input->client != NULL && entry->slot == input->client->slot;

  if (entry->is_target && input->outcome == SUCCEEDED)
    {
      entry->number = input->job->number;
      entry->is_truncated = input->extent != NULL && input->extent->is_truncated;
    }
  else if (entry->is_target)
    entry->had_failure = TRUE;
  entry->had_eof |= is_its_collector && input->kind == GATHERS_INPUT_EOF;
  entry->had_stop |= is_its_collector && input->kind == GATHERS_INPUT_LEAVES;
}

static void
compare_end_entry (GathersWorld *world, GathersQuestion *question, GathersEntry *entry, const BusGatherEntry *real)
{
  const BusGatherFate *fate = &real->fate;
  const guint slot = gathers_slot_of (world, real->id);

  if (question->mode != BUS_GATHER_SHARDS && slot < GATHERS_NAMES)
    question->used |= 1u << slot;
  entry->answer = fate->answer;
  entry->never_asked = fate->never_asked;
  if (bus_fate_has_answer (fate->answer))
    question->progress_us = world->now_us;
  if (bus_fate_has_answer (fate->answer) && question->mode == BUS_GATHER_SHARDS && entry->attempt > 1)
    gathers_cover (world, GATHERS_COVER_FAILOVER);
}

static void
compare_note_open (GathersWorld *world,
                   GathersQuestion *question,
                   GathersEntry *entry,
                   const BusGatherEntry *real,
                   const GathersInput *input)
{
  const guint slot = real->id != NULL ? gathers_slot_of (world, real->id) : GATHERS_NAMES;
  const GathersClient *client = entry->slot < GATHERS_CLIENTS ? &world->clients[entry->slot] : NULL;

  if (entry->state == BUS_TASK_OFFERED && input->kind == GATHERS_INPUT_TICK
      && (real->task->state == BUS_TASK_QUEUED || compare_slot_of (world, real) != entry->slot))
    entry->had_silence = TRUE; /* its collector did not answer the offer */
  if (entry->state == BUS_TASK_RUNNING && real->task->state != BUS_TASK_RUNNING && client != NULL
      && client->is_draining)
    entry->had_stop = TRUE;
  if (entry->state == BUS_TASK_QUEUED && real->task->state == BUS_TASK_OFFERED && question->lacks_us > 0)
    gathers_cover (world, GATHERS_COVER_BACK);
  if (question->mode == BUS_GATHER_SHARDS || slot == entry->slot)
    return;
  if (question->mode == BUS_GATHER_ALL || (question->used & 1u << slot) || !(question->roster & 1u << slot))
    gathers_fail (world, "M12: %s was asked instead of %s", real->id, gathers_name (world, entry->slot));
  question->used |= 1u << slot;
  entry->had_silence = entry->had_eof = entry->had_failure = entry->had_stop = FALSE;
  gathers_cover (world, GATHERS_COVER_REPLACED);
}

static const char *
compare_state (const GathersEntry *entry)
{
  return entry->state != 0 ? bus_task_state_name (entry->state) : "ended";
}

static void
compare_after_entry (GathersWorld *world,
                     GathersQuestion *question,
                     guint i,
                     const BusGather *gather,
                     const GathersInput *input)
{
  GathersEntry *entry = &question->entries[i];
  const BusGatherEntry *real = &gather->entries[i];

  if (entry->answer != BUS_FATE_OPEN)
    {
      if (real->fate.answer != entry->answer || real->fate.never_asked != entry->never_asked)
        gathers_fail (world, "D06: the fate of entry %u of question %" G_GUINT64_FORMAT " has changed", i,
                      question->query_id);
      return;
    }
  if (!gathers_rules_allow (gathers_rules_of (world, question, entry, input), real->fate.answer,
                            real->fate.never_asked))
    gathers_fail (world,
                  "M12: entry %u (%s, %s%s) of question %" G_GUINT64_FORMAT
                  " (mode %u) has the fate %u/%u after input %u/%u",
                  i, gathers_name (world, MIN (entry->slot, GATHERS_CLIENTS)), compare_state (entry),
                  entry->is_target ? ", target" : "", question->query_id, question->mode, real->fate.answer,
                  real->fate.never_asked, input->kind, input->outcome);
  compare_note_input (entry, input);
  if (real->fate.answer == BUS_FATE_OPEN)
    compare_note_open (world, question, entry, real, input);
  else
    compare_end_entry (world, question, entry, real);
}

/* The question began with this input: reads its entries. */
static void
compare_begin (GathersWorld *world, GathersQuestion *question, const BusGather *gather)
{
  question->has_begun = TRUE;
  question->progress_us = world->now_us;
  question->n_entries = gather->n_entries;
  if (gather->n_entries > GATHERS_ENTRIES)
    {
      gathers_fail (world, "M12: a question has %u entries", gather->n_entries);
      return;
    }
  for (guint i = 0; i < question->n_entries; i++)
    {
      const BusGatherEntry *real = &gather->entries[i];
      GathersEntry *entry = &question->entries[i];

      entry->slot = GATHERS_NAMES;
      if (real->fate.answer == BUS_FATE_OPEN && real->id != NULL)
        {
          entry->slot = gathers_slot_of (world, real->id);
          question->used |= question->mode != BUS_GATHER_SHARDS ? 1u << entry->slot : 0;
        }
      if (real->fate.answer != BUS_FATE_OPEN)
        compare_end_entry (world, question, entry, real);
    }
}

/* Notes when every open entry has lost its collector. */
static void
compare_note_lack (GathersWorld *world, GathersQuestion *question, const BusGather *gather)
{
  gboolean lacks_all = question->mode != BUS_GATHER_SHARDS;

  for (guint i = 0; i < question->n_entries; i++)
    {
      const BusGatherEntry *real = &gather->entries[i];

      if (real->fate.answer == BUS_FATE_OPEN)
        {
          const guint slot = gathers_slot_of (world, real->id);

          lacks_all &= real->task->state == BUS_TASK_QUEUED
                       && (slot >= GATHERS_CLIENTS || !world->clients[slot].is_registered);
        }
    }
  if (!lacks_all)
    question->lacks_us = 0;
  else if (question->lacks_us == 0)
    question->lacks_us = world->now_us;
}

static gint64
compare_start_us (const GathersWorld *world, const GathersQuestion *question)
{
  const gint64 end_us = world->started_us + (gint64) world->options.limits.task_recovery_us;

  return MIN (end_us, question->asked_us + (question->due_us - question->asked_us) / 2);
}

/* The question must not begin before the recovery window, or half of its own time, is over. */
static void
compare_check_start (GathersWorld *world, const GathersQuestion *question)
{
  if (world->now_us < compare_start_us (world, question))
    gathers_fail (world, "S27: a question does not wait for the recovery window");
}

static void
compare_check_time (GathersWorld *world, GathersQuestion *question, const BusGather *gather)
{
  const gint64 return_us = (gint64) world->options.limits.task_return_us;

  if (gather->phase == BUS_GATHER_WAITS && world->now_us >= compare_start_us (world, question))
    gathers_fail (world, "S27: a question waits too long");
  if (gather->phase != BUS_GATHER_ASKS)
    return;
  if (world->now_us >= question->due_us)
    gathers_fail (world, "D05: a question continues after its deadline");
  if (question->stall_us > 0 && world->now_us >= question->progress_us + question->stall_us)
    gathers_fail (world, "D05: a question continues although it has stalled");
  if (question->lacks_us > 0 && world->now_us >= question->lacks_us + return_us)
    gathers_fail (world, "M12: a question waits for absent collectors");
}

/* The core has freed the question: its manifest was sent, with the outcomes of the remaining entries. */
static void
compare_note_freed (GathersWorld *world, GathersQuestion *question, const GathersInput *input)
{
  question->is_over = TRUE;
  if (!question->has_begun)
    question->is_sure = world->now_us >= world->started_us + (gint64) world->options.limits.task_recovery_us;
  for (guint i = 0; i < question->n_entries; i++)
    {
      GathersEntry *entry = &question->entries[i];

      if (entry->answer != BUS_FATE_OPEN)
        continue;
      entry->allowed = gathers_rules_of (world, question, entry, input);
      entry->allowed.classes &= ~(1u << BUS_FATE_OPEN);
      compare_note_input (entry, input);
    }
}

static void
compare_after_question (GathersWorld *world, GathersQuestion *question, const GathersInput *input)
{
  const BusGather *gather = gathers_compare_find (world, question);

  if (gather == NULL)
    {
      compare_note_freed (world, question, input);
      return;
    }
  question->query_id = gather->query_id;
  if (gather->phase == BUS_GATHER_WAITS)
    gathers_cover (world, GATHERS_COVER_WAITED);
  else if (!question->has_begun)
    {
      compare_check_start (world, question);
      question->is_sure = world->now_us >= world->started_us + (gint64) world->options.limits.task_recovery_us;
      compare_begin (world, question, gather);
    }
  else
    for (guint i = 0; i < question->n_entries; i++)
      compare_after_entry (world, question, i, gather, input);
  if (gathers_failed (world))
    return;
  if (question->has_begun)
    compare_note_lack (world, question, gather);
  if (input->kind == GATHERS_INPUT_TICK)
    compare_check_time (world, question, gather);
}

/* TRUE if the input cancelled the question, or disconnected its asker. */
static gboolean
compare_is_ended (const GathersQuestion *question, const GathersInput *input)
{
  return input->kind == GATHERS_INPUT_ENDS_QUESTION && question->asker == input->client
         && (input->query_id == 0 || input->query_id == question->query_id);
}

/* --- the whole core --- */

/* Each task of a question belongs to an open question. */
static void
compare_check_tasks (GathersWorld *world)
{
  const BusWork *work = world->core->work;
  guint n = 0;

  for (const GList *link = work->gathers.all.head; link != NULL; link = link->next)
    n += ((const BusGather *) link->data)->tasks->len;
  if (n != work->tasks.all.length)
    gathers_fail (world, "M12: the store has %u tasks, the questions have %u", work->tasks.all.length, n);
  for (guint i = 0; i < GATHERS_ASKERS; i++)
    {
      const BusPeer *peer = world->clients[i].peer;

      if (peer != NULL && bus_outq_bytes (&peer->flow.outq) > GATHERS_SLICE + 2 * GATHERS_LARGE)
        gathers_fail (world, "M12: %" G_GSIZE_FORMAT " bytes wait for an asker", bus_outq_bytes (&peer->flow.outq));
      if (peer != NULL && bus_outq_bytes (&peer->flow.outq) > GATHERS_SLICE)
        gathers_cover (world, GATHERS_COVER_SLOW);
    }
}

void
gathers_compare_after (GathersWorld *world, const GathersInput *input)
{
  if (input->client != NULL)
    compare_note_client (world, input);
  for (guint i = 0; i < GATHERS_QUESTIONS && !gathers_failed (world); i++)
    {
      GathersQuestion *question = &world->questions[i];

      if (!question->is_used)
        continue;
      if (compare_is_ended (question, input))
        question->is_used = FALSE;
      else if (!question->is_over)
        compare_after_question (world, question, input);
    }
  compare_check_tasks (world);
}

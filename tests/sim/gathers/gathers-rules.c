/* SPDX-License-Identifier: Apache-2.0 */
#include "gathers-world.h"

#include "peer/bus-state.h"
#include "work/bus-registry.h"

/*
 * The rules: compute the fates that an entry may have after an input, from its state before the input and from the input.
 *
 * They follow the documents, and use no history, offer or timer of the core.
 */

#define OUTCOME(kind) DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_##kind
#define CLASS(name)   (1u << BUS_FATE_##name)
#define REASON(name)  (1u << BUS_NEVER_##name)

static const GathersAllowed rules_open = { CLASS (OPEN), 0 };

static GathersAllowed
rules_only (BusFateClass answer)
{
  return (GathersAllowed){ 1u << answer, 0 };
}

static GathersAllowed
rules_or (GathersAllowed allowed, BusFateClass answer)
{
  allowed.classes |= 1u << answer;
  return allowed;
}

static GathersAllowed
rules_or_never (GathersAllowed allowed, guint reasons)
{
  allowed.classes |= CLASS (NEVER_ASKED);
  allowed.reasons |= reasons;
  return allowed;
}

gboolean
gathers_rules_allow (GathersAllowed allowed, BusFateClass answer, BusNeverAsked never_asked)
{
  if (!(allowed.classes & 1u << answer))
    return FALSE;
  return answer != BUS_FATE_NEVER_ASKED || (allowed.reasons & 1u << never_asked) != 0;
}

gboolean
gathers_rules_fits (const GathersQuestion *question, const GathersClient *client, const GathersAbility *ability)
{
  static const char *const types[] = { "", "procmond", "netmond" };

  return (question->is_hash ? ability->has_hash : ability->has_scan) && (!question->wants_tag || ability->has_tag)
         && (question->type == 0 || strcmp (client->type, types[question->type]) == 0);
}

/* --- answers --- */

static gboolean
rules_is_empty (const Daemoneye__Eventbus__V1__Extent *extent)
{
  return extent != NULL && extent->rows == 0 && !extent->is_truncated && !extent->is_uncounted;
}

/* The task has returned, and its collector may be unable to get it again. */
static GathersAllowed
rules_of_return (const GathersQuestion *question, const GathersEntry *entry, const GathersClient *client)
{
  GathersAllowed allowed = rules_open;

  if (question->mode == BUS_GATHER_SHARDS)
    return allowed;
  if (client->is_draining)
    allowed = rules_or_never (allowed, REASON (DRAINING));
  if (!gathers_rules_fits (question, client, &client->ability))
    allowed = rules_or_never (allowed, REASON (NO_CAPABILITY));
  return allowed.reasons != 0 && entry->had_silence ? rules_or (allowed, BUS_FATE_TIMED_OUT) : allowed;
}

static GathersAllowed
rules_of_answer (const GathersQuestion *question, const GathersEntry *entry, const GathersInput *input)
{
  const gboolean is_shard = question->mode == BUS_GATHER_SHARDS;

  if (input->outcome == OUTCOME (SUCCEEDED))
    return rules_only (rules_is_empty (input->extent) ? BUS_FATE_EMPTY : BUS_FATE_ANSWERED);
  if (entry->state == BUS_TASK_CANCELLING)
    return rules_only (BUS_FATE_CANCELLED);
  if (entry->state == BUS_TASK_QUEUED || input->outcome == OUTCOME (BUSY))
    return rules_of_return (question, entry, input->client); /* no run has begun, or the run is known to have failed */
  if (input->outcome == OUTCOME (FAILED))
    return rules_only (BUS_FATE_FAILED);
  if (is_shard)
    return rules_or (rules_or (rules_open, BUS_FATE_FAILED), BUS_FATE_CANCELLED);
  return rules_only (input->outcome == OUTCOME (CANCELLED) ? BUS_FATE_CANCELLED : BUS_FATE_FAILED);
}

/* --- its collector --- */

static GathersAllowed
rules_of_loss (const GathersQuestion *question, const GathersEntry *entry, gboolean is_death)
{
  const gboolean was_at_work = entry->state == BUS_TASK_RUNNING || (is_death && entry->state == BUS_TASK_OFFERED);

  if (entry->state == BUS_TASK_CANCELLING)
    return rules_only (BUS_FATE_CANCELLED);
  if (!was_at_work)
    return rules_open;
  if (question->mode == BUS_GATHER_SHARDS)
    return rules_or (rules_open, is_death ? BUS_FATE_DIED : BUS_FATE_CANCELLED);
  return rules_only (is_death ? BUS_FATE_DIED : BUS_FATE_CANCELLED);
}

/* The collector accepts no more tasks, or does not have the operation any more. A task that it already has may continue. */
static GathersAllowed
rules_of_unfit (const GathersQuestion *question, const GathersEntry *entry, guint reason)
{
  GathersAllowed allowed = { 0, 0 };

  if (question->mode == BUS_GATHER_SHARDS || entry->state == BUS_TASK_RUNNING || entry->state == BUS_TASK_CANCELLING)
    return rules_open;
  if (entry->had_silence)
    allowed = rules_or (allowed, BUS_FATE_TIMED_OUT);
  if (entry->state == BUS_TASK_OFFERED || entry->has_lease)
    allowed = rules_or (allowed, BUS_FATE_OPEN); /* its collector may have begun to work on it */
  return rules_or_never (allowed, reason);
}

/* --- time --- */

static guint
rules_reason_of_state (BusMemberState state)
{
  static const guint reasons[BUS_MEMBER_N_STATES] = { [BUS_MEMBER_REGISTERED] = REASON (NOT_REGISTERED),
                                                      [BUS_MEMBER_READY] = REASON (AT_CAPACITY),
                                                      [BUS_MEMBER_SUSPECT] = REASON (SUSPECT),
                                                      [BUS_MEMBER_SET_ASIDE] = REASON (SET_ASIDE) };

  return reasons[state];
}

static BusMemberState
rules_state_now (const GathersWorld *world, const GathersClient *client)
{
  const BusMember *member = bus_registry_find (world->core->work, wire_span_str (client->id));

  return member != NULL ? member->state : BUS_MEMBER_GONE;
}

/* The reasons that are possible for the state of the only collector that may have the entry. */
static guint
rules_reasons (const GathersWorld *world, const GathersQuestion *question, const GathersEntry *entry)
{
  const GathersClient *client = entry->slot < GATHERS_CLIENTS ? &world->clients[entry->slot] : NULL;
  const gboolean may_pause = !question->is_hash && (world->is_paused || world->limit > 0);
  guint reasons;

  if (client == NULL || !client->is_registered)
    return REASON (NOT_REGISTERED);
  if (client->is_draining)
    return REASON (DRAINING);
  if (!gathers_rules_fits (question, client, &client->ability))
    return REASON (NO_CAPABILITY);
  reasons = rules_reason_of_state (client->state) | rules_reason_of_state (rules_state_now (world, client));
  if (!may_pause || reasons == REASON (NOT_REGISTERED))
    return reasons;
  return world->is_paused ? REASON (PAUSED) | (reasons & REASON (NOT_REGISTERED)) : reasons | REASON (PAUSED);
}

/* The reasons that are possible for any possible holder of a shard. */
static guint
rules_reasons_of_shard (const GathersWorld *world, const GathersQuestion *question)
{
  guint reasons = question->roster != 0 ? REASON (NOT_REGISTERED) : REASON (NO_CAPABILITY);

  for (guint i = GATHERS_ASKERS; i < GATHERS_OLD; i++)
    {
      const GathersClient *client = &world->clients[i];

      if (client->is_registered && gathers_rules_fits (question, client, &client->ability))
        reasons |= client->is_draining ? REASON (DRAINING) : REASON (AT_CAPACITY) | REASON (SET_ASIDE);
    }
  if (!question->is_hash && (world->is_paused || world->limit > 0))
    reasons |= REASON (PAUSED);
  return reasons;
}

/* The outcomes that a waiting task may report about its ended attempts. */
static GathersAllowed
rules_of_past (GathersAllowed allowed, const GathersEntry *entry)
{
  if (entry->had_silence || entry->attempt > 0)
    allowed = rules_or (allowed, BUS_FATE_TIMED_OUT);
  if (entry->had_eof)
    allowed = rules_or (allowed, BUS_FATE_DIED);
  if (entry->had_failure)
    allowed = rules_or (rules_or (allowed, BUS_FATE_FAILED), BUS_FATE_CANCELLED);
  if (entry->had_stop)
    allowed = rules_or (allowed, BUS_FATE_CANCELLED);
  return allowed;
}

/* Its lease may have expired, or the time for its collector to drain. */
static GathersAllowed
rules_of_running (const GathersWorld *world, const GathersEntry *entry)
{
  const GathersAllowed allowed = rules_only (BUS_FATE_TIMED_OUT);

  return entry->slot < GATHERS_CLIENTS && world->clients[entry->slot].is_draining
             ? rules_or (allowed, BUS_FATE_CANCELLED)
             : allowed;
}

static GathersAllowed
rules_of_end (const GathersWorld *world, const GathersQuestion *question, const GathersEntry *entry)
{
  const gboolean is_shard = question->mode == BUS_GATHER_SHARDS;
  GathersAllowed allowed = { 0, 0 };

  if (entry->state == BUS_TASK_OFFERED)
    return rules_only (BUS_FATE_TIMED_OUT);
  if (entry->state == BUS_TASK_RUNNING)
    return rules_of_running (world, entry);
  if (entry->state == BUS_TASK_CANCELLING)
    return rules_only (BUS_FATE_CANCELLED);
  if (is_shard)
    return rules_of_past (rules_or_never (allowed, rules_reasons_of_shard (world, question)), entry);
  if (entry->had_silence)
    allowed = rules_or (allowed, BUS_FATE_TIMED_OUT);
  return rules_or_never (allowed, rules_reasons (world, question, entry));
}

static gboolean
rules_is_over (const GathersWorld *world, const GathersQuestion *question)
{
  return world->now_us >= question->due_us
         || (question->stall_us > 0 && world->now_us >= question->progress_us + question->stall_us);
}

/* TRUE if every open entry lacks its collector, and the question has waited long enough for them. */
static gboolean
rules_waited_for (const GathersWorld *world, const GathersQuestion *question)
{
  return question->lacks_us > 0 && world->now_us >= question->lacks_us + (gint64) world->options.limits.task_return_us;
}

static GathersAllowed
rules_of_tick (const GathersWorld *world, const GathersQuestion *question, const GathersEntry *entry)
{
  const gboolean is_shard = question->mode == BUS_GATHER_SHARDS;
  GathersAllowed allowed = rules_open;

  if (rules_is_over (world, question))
    {
      allowed = rules_of_end (world, question, entry);
      return is_shard ? rules_of_past (allowed, entry) : allowed;
    }
  if (is_shard)
    {
      allowed = rules_of_past (allowed, entry);
      if (entry->state == BUS_TASK_QUEUED)
        allowed = rules_or_never (allowed, rules_reasons_of_shard (world, question) & ~REASON (AT_CAPACITY));
      return entry->state == BUS_TASK_CANCELLING ? rules_or (allowed, BUS_FATE_CANCELLED) : allowed;
    }
  switch ((guint) entry->state)
    {
    case BUS_TASK_RUNNING:
      return rules_or (rules_of_running (world, entry), BUS_FATE_OPEN);
    case BUS_TASK_CANCELLING:
      return rules_or (allowed, BUS_FATE_CANCELLED);
    case BUS_TASK_QUEUED:
      if (rules_waited_for (world, question))
        allowed = rules_of_end (world, question, entry);
      return allowed;
    default:
      return allowed;
    }
}

/* --- an input --- */

static GathersAllowed
rules_of_input (const GathersWorld *world,
                const GathersQuestion *question,
                const GathersEntry *entry,
                const GathersInput *input)
{
  const gboolean is_its_collector = input->client != NULL && entry->slot == input->client->slot;

  switch (input->kind)
    {
    case GATHERS_INPUT_TICK:
      return rules_of_tick (world, question, entry);
    case GATHERS_INPUT_ANSWERS:
      return entry->is_target ? rules_of_answer (question, entry, input) : rules_open;
    case GATHERS_INPUT_EOF:
    case GATHERS_INPUT_LEAVES:
      return is_its_collector ? rules_of_loss (question, entry, input->kind == GATHERS_INPUT_EOF) : rules_open;
    case GATHERS_INPUT_DRAINS:
      return is_its_collector ? rules_of_unfit (question, entry, REASON (DRAINING)) : rules_open;
    case GATHERS_INPUT_REGISTERS:
      if (!is_its_collector || gathers_rules_fits (question, input->client, &input->client->ability))
        return rules_open;
      return rules_of_unfit (question, entry, REASON (NO_CAPABILITY));
    case GATHERS_INPUT_STOPS_TASK:
      if (question->query_id != input->query_id || entry != &question->entries[input->index])
        return rules_open;
      return entry->state == BUS_TASK_RUNNING || entry->state == BUS_TASK_CANCELLING ? rules_open
                                                                                     : rules_only (BUS_FATE_CANCELLED);
    case GATHERS_INPUT_OTHER:
    case GATHERS_INPUT_STARTS:
    case GATHERS_INPUT_OPERATES:
    case GATHERS_INPUT_ASKS:
    case GATHERS_INPUT_ENDS_QUESTION:
      break;
    }
  return rules_open;
}

/* A collector of the roster that can be asked, but was not asked. */
static gboolean
rules_has_other (const GathersWorld *world, const GathersQuestion *question)
{
  for (guint i = GATHERS_ASKERS; i < GATHERS_OLD; i++)
    {
      const GathersClient *client = &world->clients[i];

      if ((question->roster & 1u << i) && !(question->used & 1u << i) && question->unfit[i] == BUS_NEVER_NONE
          && client->is_registered && !client->is_draining && gathers_rules_fits (question, client, &client->ability))
        return TRUE;
    }
  return FALSE;
}

/* Mode SOME: while another collector can be asked, an entry ends only by an answer, an operator or the end of the question. */
static GathersAllowed
rules_without_others (const GathersWorld *world,
                      const GathersQuestion *question,
                      const GathersInput *input,
                      GathersAllowed allowed)
{
  const gboolean is_final = input->kind == GATHERS_INPUT_STOPS_TASK
                            || (input->kind == GATHERS_INPUT_TICK && rules_is_over (world, question));
  const guint answers = CLASS (ANSWERED) | CLASS (EMPTY);

  if (question->mode != BUS_GATHER_SOME || is_final || (allowed.classes & answers) != 0)
    return allowed;
  if (!rules_has_other (world, question))
    return rules_or (allowed, BUS_FATE_OPEN);
  allowed = rules_or ((GathersAllowed){ allowed.classes & CLASS (CANCELLED), 0 }, BUS_FATE_OPEN);
  return world->is_tight ? rules_or (allowed, BUS_FATE_REFUSED) : allowed;
}

GathersAllowed
gathers_rules_of (const GathersWorld *world,
                  const GathersQuestion *question,
                  const GathersEntry *entry,
                  const GathersInput *input)
{
  return rules_without_others (world, question, input, rules_of_input (world, question, entry, input));
}

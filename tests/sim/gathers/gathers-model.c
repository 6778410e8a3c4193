/* SPDX-License-Identifier: Apache-2.0 */
#include "gathers-world.h"

#include "manifest-check.h"
#include "wire-guard.h"

/*
 * The collectors from which a question expects answers, and the required contents of its answers and its manifest.
 */

typedef Daemoneye__Eventbus__V1__GatherAnswer GatherAnswer;
typedef Daemoneye__Eventbus__V1__Manifest Manifest;
typedef Daemoneye__Eventbus__V1__ManifestMember Member;

GathersQuestion *
gathers_model_find (GathersWorld *world, const GathersClient *asker, guint64 request_id)
{
  for (guint i = 0; i < GATHERS_QUESTIONS; i++)
    if (world->questions[i].is_used && world->questions[i].asker == asker
        && world->questions[i].request_id == request_id)
      return &world->questions[i];
  return NULL;
}

/* --- rosters --- */

static void
model_add (GathersQuestion *question, guint slot, BusNeverAsked unfit)
{
  question->roster |= 1u << slot;
  question->unfit[slot] = unfit;
}

static gboolean
model_wants_type (const GathersQuestion *question, const GathersClient *client)
{
  static const char *const types[] = { "", "procmond", "netmond" };

  return strcmp (client->type, types[question->type]) == 0;
}

/* Adds a collector that is in the roster only because a Barrier names it. */
static void
model_add_named (GathersQuestion *question, const GathersClient *client)
{
  const gboolean is_of_type = question->type == 0 || model_wants_type (question, client);

  if (client->slot < GATHERS_ASKERS)
    model_add (question, client->slot, client->peer != NULL ? BUS_NEVER_DENIED : BUS_NEVER_NONE);
  else if (client->slot == GATHERS_OLD)
    {
      if (client->peer == NULL || is_of_type)
        model_add (question, client->slot, client->peer != NULL ? BUS_NEVER_VERSION : BUS_NEVER_NONE);
    }
  else if (client->is_registered)
    {
      if (question->type != 0 && is_of_type)
        model_add (question, client->slot, BUS_NEVER_NO_CAPABILITY);
    }
  else if (client->peer != NULL ? is_of_type : client->gone_us == 0)
    model_add (question, client->slot, BUS_NEVER_NONE);
}

static void
model_add_collector (GathersQuestion *question, const GathersClient *client)
{
  if (client->is_registered && gathers_rules_fits (question, client, &client->ability))
    model_add (question, client->slot, client->is_draining ? BUS_NEVER_DRAINING : BUS_NEVER_NONE);
  else if (!client->is_registered && client->gone_us > 0 && gathers_rules_fits (question, client, &client->past))
    model_add (question, client->slot, BUS_NEVER_NONE);
}

void
gathers_model_set_roster (GathersWorld *world, GathersQuestion *question)
{
  guint expected = 0;

  question->roster = 0;
  memset (question->unfit, 0, sizeof question->unfit);
  for (guint i = 0; i < GATHERS_ASKERS; i++)
    expected |= world->clients[i].peer != NULL ? world->expected[i] : 0;
  for (guint i = GATHERS_ASKERS; i < GATHERS_OLD; i++)
    model_add_collector (question, &world->clients[i]);
  for (guint i = 0; i < GATHERS_CLIENTS; i++)
    if ((expected & ~question->roster) & 1u << i)
      model_add_named (question, &world->clients[i]);
  if (expected & 1u << GATHERS_CLIENTS)
    model_add (question, GATHERS_CLIENTS, BUS_NEVER_NONE);
}

/* --- answers --- */

void
gathers_model_got_answer (GathersWorld *world, GathersClient *asker, const WireEnvelope *envelope)
{
  GathersQuestion *question = gathers_model_find (world, asker, envelope->answers);
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__gather_answer__descriptor, envelope->payload, 0, NULL);
  const GatherAnswer *answer = guard != NULL ? wire_guard_message (guard) : NULL;
  guint number = 0;

  if (answer == NULL || answer->index >= question->n_entries || answer->outcome == NULL
      || answer->outcome->payload.len < sizeof number)
    {
      gathers_fail (world, "M12: an answer cannot be read");
      return;
    }
  memcpy (&number, answer->outcome->payload.data, sizeof number);
  if (question->entries[answer->index].was_sent)
    gathers_fail (world, "D06: an answer came twice");
  if (number == 0 || number != question->entries[answer->index].number)
    gathers_fail (world, "M12: an answer is not that of its entry");
  question->entries[answer->index].was_sent = TRUE;
}

void
gathers_model_got_error (GathersWorld *world, GathersClient *asker, const WireEnvelope *envelope)
{
  GathersQuestion *question
      = asker->slot < GATHERS_ASKERS ? gathers_model_find (world, asker, envelope->answers) : NULL;

  if (question == NULL)
    return;
  if (envelope->status != WIRE_STATUS_LIMIT)
    gathers_fail (world, "M12: a question was refused: %s", wire_status_name (envelope->status));
  gathers_cover (world, GATHERS_COVER_LIMIT);
  question->is_used = FALSE;
}

/* --- the manifest --- */

static const char *
model_problem_of_id (const GathersWorld *world, const GathersQuestion *question, const Member *member)
{
  const guint slot = gathers_slot_of (world, member->id);

  if (question->mode == BUS_GATHER_SHARDS)
    return member->id[0] == '\0' || slot < GATHERS_CLIENTS ? NULL : "a member is unknown";
  if (member->id[0] == '\0')
    return question->mode == BUS_GATHER_SOME && member->never_asked == 1 ? NULL : "a member has no id";
  return slot < GATHERS_NAMES && (question->roster & 1u << slot) ? NULL : "a member is not expected";
}

/* Checks a member of a question that ended with the input that began it. */
static const char *
model_problem_of_start (const GathersWorld *world, const GathersQuestion *question, const Member *member)
{
  const guint slot = gathers_slot_of (world, member->id);
  const guint reason = member->id[0] != '\0' && slot < GATHERS_NAMES ? question->unfit[slot] : BUS_NEVER_NOT_REGISTERED;

  if ((guint) member->answer == BUS_FATE_REFUSED && world->is_tight)
    return NULL;
  return (guint) member->answer == BUS_FATE_NEVER_ASKED && (guint) member->never_asked == reason
             ? NULL
             : "a member was not asked although it could be";
}

static const char *
model_problem_of_member (GathersWorld *world, GathersQuestion *question, const Member *member)
{
  GathersEntry *entry = &question->entries[member->index];
  const char *problem = model_problem_of_id (world, question, member);

  if (problem != NULL || question->n_entries == 0)
    return problem != NULL ? problem : model_problem_of_start (world, question, member);
  if (entry->answer != BUS_FATE_OPEN)
    {
      if ((guint) member->answer != entry->answer || (guint) member->never_asked != entry->never_asked)
        return "the class of a member is not that of its entry";
    }
  else if (!gathers_rules_allow (entry->allowed, (BusFateClass) member->answer, (BusNeverAsked) member->never_asked))
    return "the class of a member is not one that the rules allow";
  if (bus_fate_has_answer ((BusFateClass) member->answer) != entry->was_sent)
    return "an answer is missing, or was not expected";
  if (entry->was_sent && (member->extent != NULL && member->extent->is_truncated) != entry->is_truncated)
    return "a truncated answer is not marked";
  return NULL;
}

static const char *
model_problem_of_roster (const GathersWorld *world, const GathersQuestion *question, const Manifest *manifest)
{
  guint ids = 0;

  if (question->mode != BUS_GATHER_ALL)
    return manifest->expected == question->n ? NULL : "the number of entries is not the requested one";
  for (gsize i = 0; i < manifest->n_members; i++)
    ids |= 1u << gathers_slot_of (world, manifest->members[i]->id);
  return ids == question->roster ? NULL : "a collector is missing in the roster";
}

static const char *
model_problem (GathersWorld *world, GathersQuestion *question, const Manifest *manifest)
{
  const char *problem = manifest_problem (manifest, question->mode != BUS_GATHER_SHARDS);

  if (problem == NULL)
    problem = model_problem_of_roster (world, question, manifest);
  for (gsize i = 0; i < manifest->n_members && problem == NULL; i++)
    problem = model_problem_of_member (world, question, manifest->members[i]);
  if (problem != NULL)
    return problem;
  if (!manifest->roster_is_sure != !question->is_sure)
    return "the roster is marked as certain or uncertain without reason";
  if ((guint) manifest->require != question->require || manifest->require_n != question->require_n)
    return "the requirement is not the requested one";
  if (manifest->duplicates != question->n_duplicates || manifest->late_answers != question->n_late)
    return "late answers are not counted";
  if (manifest->joined_after != question->n_joined)
    return "collectors that joined are not counted";
  return manifest->deadline_us != (guint64) (question->due_us - question->asked_us) ? "the deadline is another one"
                                                                                    : NULL;
}

static void
model_cover_member (GathersWorld *world, const Member *member)
{
  gathers_cover (world, GATHERS_COVER_ANSWERED + (guint) member->answer - BUS_FATE_ANSWERED);
  if ((guint) member->answer == BUS_FATE_NEVER_ASKED)
    gathers_cover (world, GATHERS_COVER_NOT_REGISTERED + (guint) member->never_asked - BUS_NEVER_NOT_REGISTERED);
}

static void
model_cover_end (GathersWorld *world, const GathersQuestion *question, const Manifest *manifest)
{
  gathers_cover (world, GATHERS_COVER_ALL + question->mode - BUS_GATHER_ALL);
  gathers_cover (world, GATHERS_COVER_COMPLETE + (guint) manifest->verdict - 1);
  gathers_cover (world,
                 manifest->is_met ? GATHERS_COVER_MET_ALL + question->require - BUS_REQUIRE_ALL : GATHERS_COVER_UNMET);
  for (gsize i = 0; i < manifest->n_members; i++)
    model_cover_member (world, manifest->members[i]);
  world->coverage->counts[GATHERS_COVER_TRUNCATED] += manifest->truncated;
  world->coverage->counts[GATHERS_COVER_DUPLICATE] += manifest->duplicates;
  world->coverage->counts[GATHERS_COVER_LATE] += manifest->late_answers;
  world->coverage->counts[GATHERS_COVER_UNSURE] += manifest->roster_is_sure ? 0 : 1;
  if (manifest->elapsed_us >= manifest->deadline_us)
    gathers_cover (world, GATHERS_COVER_DEADLINE);
  else if (manifest->timed_out > 0 && question->stall_us > 0)
    gathers_cover (world, GATHERS_COVER_STALLED);
}

void
gathers_model_got_manifest (GathersWorld *world, GathersClient *asker, const WireEnvelope *envelope)
{
  GathersQuestion *question = gathers_model_find (world, asker, envelope->answers);
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__manifest__descriptor, envelope->payload, 0, NULL);
  const Manifest *manifest = guard != NULL ? wire_guard_message (guard) : NULL;
  const char *problem = manifest != NULL ? model_problem (world, question, manifest) : "it cannot be read";

  if (problem == NULL && envelope->status != (guint) (manifest->is_met ? WIRE_STATUS_OK : WIRE_STATUS_PARTIAL))
    problem = "the status does not fit";
  if (problem != NULL)
    {
      g_autofree char *text = manifest != NULL ? manifest_text (manifest) : g_strdup ("");

      gathers_fail (world, "M12: manifest of question %" G_GUINT64_FORMAT " (mode %u, roster %x, joined %u): %s: %s",
                    question->query_id, question->mode, question->roster, question->n_joined, problem, text);
    }
  else
    model_cover_end (world, question, manifest);
  question->is_used = FALSE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

/*
 * Standing tasks, in every other seed with an operator. The operator sets them, renews them or lets them expire. Collectors apply
 * them, refuse them, or do not answer.
 *
 * The model knows when the broker must send a set: once in each registration, and after each change. The revision of a set
 * determines its contents, and a set that has expired is empty.
 */

#define STANDING    "control.bus.standing"
#define TOPIC       "control.collector.standing."
#define SET_MAX     3u
#define MILLISECOND G_TIME_SPAN_MILLISECOND

typedef Daemoneye__Eventbus__V1__StandingSet StandingSet;
typedef Daemoneye__Eventbus__V1__StandingState StandingState;
typedef Daemoneye__Eventbus__V1__StandingTask StandingTask;

static guint
standing_size (guint64 revision)
{
  return 1 + (guint) (revision % SET_MAX);
}

/* --- the model --- */

/* The broker must send the set to the member, unless the member has it, or another one is in transit. */
static void
standing_offer (TasksWorld *world, TasksClient *client)
{
  TasksStanding *standing = &world->standings[client->slot];

  if (!standing->exists || standing->in_flight || !client->is_registered || standing->sent_to == client->registrations)
    return;
  if (standing->sent_to != 0)
    standing->observed = 0; /* a new registration has applied nothing */
  if (!client->serves_standing)
    return;
  standing->sent_to = client->registrations;
  standing->in_flight = standing->is_underway = TRUE;
  standing->sent_revision = standing->revision;
  standing->n_sent = standing->is_over ? 0 : standing_size (standing->revision);
}

/* An Apply without an answer is withdrawn. It may be in transit. */
static void
standing_forget (TasksStanding *standing)
{
  const guint n_withdrawn = standing->n_withdrawn + (standing->is_underway ? 1 : 0);

  *standing = (TasksStanding){ .old_route = standing->old_route, .n_withdrawn = n_withdrawn };
}

void
tasks_standing_registered (TasksWorld *world, TasksClient *client)
{
  client->registrations = ++world->last_registration;
  standing_offer (world, client);
}

void
tasks_standing_served (TasksWorld *world, TasksClient *client)
{
  standing_offer (world, client);
}

void
tasks_standing_gone (TasksWorld *world, TasksClient *client)
{
  TasksStanding *standing = &world->standings[client->slot];

  /* A connection that closes still gets the bytes that are already written. */
  standing->n_withdrawn = client->peer != NULL ? standing->n_withdrawn + (standing->is_underway ? 1 : 0) : 0;
  standing->in_flight = standing->is_underway = FALSE;
  standing->route = 0;
}

static gboolean
standing_is_same (const TasksStanding *standing, const TasksFrame *frame)
{
  return standing->exists && !standing->is_over && standing->revision == frame->revision;
}

static gboolean
standing_is_old (const TasksStanding *standing, const TasksFrame *frame)
{
  return standing->exists && !standing->is_over && frame->revision < standing->revision;
}

void
tasks_standing_set (TasksWorld *world, const TasksFrame *frame)
{
  TasksStanding *standing = &world->standings[frame->member];

  if (standing_is_old (standing, frame))
    return;
  if (!standing->exists)
    standing->exists = TRUE;
  if (!standing_is_same (standing, frame) || standing->observed != standing->revision)
    standing->sent_to = 0;
  if (standing->is_over || standing->revision != frame->revision)
    tasks_cover (world, TASKS_COVER_STANDING_SET);
  standing->is_over = FALSE;
  standing->revision = frame->revision;
  standing->ttl_us = frame->ttl_us;
  standing->due_us = world->now_us + frame->ttl_us;
  standing_offer (world, &world->clients[frame->member]);
}

void
tasks_standing_answered (TasksWorld *world, TasksClient *client, const TasksFrame *frame)
{
  TasksStanding *standing = &world->standings[client->slot];

  if (!standing->in_flight || standing->route != frame->route)
    return;
  standing->in_flight = FALSE;
  standing->route = 0;
  standing->observed = frame->revision;
  if (standing->is_over && standing->observed == standing->revision)
    standing_forget (standing);
  else
    standing_offer (world, client);
}

void
tasks_standing_ticked (TasksWorld *world)
{
  for (guint slot = TASKS_SUBMITTERS; slot < TASKS_CLIENTS; slot++)
    {
      TasksStanding *standing = &world->standings[slot];

      if (!standing->exists || standing->due_us > world->now_us)
        continue;
      if (standing->is_over)
        {
          standing_forget (standing);
          continue;
        }
      tasks_cover (world, TASKS_COVER_STANDING_OVER);
      standing->is_over = TRUE;
      standing->observed = standing->sent_to = 0;
      standing->due_us = world->now_us + standing->ttl_us;
      standing_offer (world, &world->clients[slot]);
    }
}

void
tasks_standing_finish (TasksWorld *world)
{
  for (guint slot = TASKS_SUBMITTERS; slot < TASKS_CLIENTS && world->has_standing; slot++)
    {
      const TasksStanding *standing = &world->standings[slot];
      const TasksClient *client = &world->clients[slot];

      if (standing->is_underway)
        tasks_fail (world, "M11: %s did not get its standing tasks", client->id);
      if (standing->exists && !standing->is_over && client->is_registered && client->serves_standing
          && standing->observed != standing->revision)
        tasks_fail (world, "M11: %s has applied the revision %" G_GUINT64_FORMAT ", but must apply %" G_GUINT64_FORMAT,
                    client->id, standing->observed, standing->revision);
    }
}

/* --- collectors --- */

gboolean
tasks_standing_is_apply (const WireEnvelope *envelope)
{
  return envelope->topic.len > strlen (TOPIC) && memcmp (envelope->topic.data, TOPIC, strlen (TOPIC)) == 0;
}

/* @observed: the revision that the collector reports as applied */
static void
standing_answer (TasksClient *client, guint64 observed)
{
  StandingState state = DAEMONEYE__EVENTBUS__V1__STANDING_STATE__INIT;
  TasksFrame frame = { .kind = TASKS_FRAME_APPLIED, .revision = observed, .route = client->apply_route };
  char problem[] = "it can't do that";
  guint8 payload[128];
  WireEnvelope envelope;

  state.observed = observed;
  if (observed == 0)
    state.problem = problem;
  wire_envelope_init (&envelope);
  envelope.route = client->apply_route;
  envelope.payload = wire_span (payload, daemoneye__eventbus__v1__standing_state__pack (&state, payload));
  tasks_client_put (client, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope, &frame);
  client->apply_route = 0;
}

void
tasks_standing_got_apply (TasksClient *client, const WireEnvelope *envelope)
{
  TasksWorld *world = client->world;
  TasksStanding *standing = &world->standings[client->slot];
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__standing_set__descriptor, envelope->payload, 0, NULL);
  const StandingSet *set = guard != NULL ? wire_guard_message (guard) : NULL;

  if (set == NULL || strcmp (set->collector, client->id) != 0
      || !wire_span_equal (envelope->sender, WIRE_SPAN_LITERAL ("bus")))
    tasks_fail (world, "M11: %s got standing tasks that are not its own", client->id);
  else if (standing->is_underway && set->revision == standing->sent_revision && set->n_set == standing->n_sent)
    {
      standing->is_underway = FALSE;
      standing->route = envelope->route_id;
    }
  else if (standing->n_withdrawn > 0)
    standing->n_withdrawn--; /* CANCEL follows */
  else
    tasks_fail (world, "M11: %s got the revision %" G_GUINT64_FORMAT " with %" G_GSIZE_FORMAT " standing tasks",
                client->id, set->revision, set->n_set);
  if (tasks_failed (world))
    return;
  standing->old_route = client->apply_route = envelope->route_id;
  client->applied = set->revision;
  tasks_cover (world, TASKS_COVER_STANDING_APPLY);
}

/* TRUE: the frame was about standing tasks. */
gboolean
tasks_standing_got_cancel (TasksClient *client, guint64 route)
{
  TasksStanding *standing = &client->world->standings[client->slot];

  if (route != standing->old_route)
    return FALSE;
  client->apply_route = 0;
  /* The Apply that has arrived was the withdrawn one, not the next one. */
  if (standing->in_flight && route == standing->route)
    {
      standing->is_underway = TRUE;
      standing->n_withdrawn--;
      standing->route = 0;
    }
  return TRUE;
}

/* The collector answers the Apply, sooner or later. */
void
tasks_standing_work (TasksWorld *world, TasksClient *client)
{
  if (!world->has_standing || client->apply_route == 0 || client->peer == NULL)
    return;
  if (world->is_healing)
    standing_answer (client, client->applied);
  else if (sim_chance (&world->aside, 60))
    standing_answer (client, sim_chance (&world->aside, 80) ? client->applied : 0);
}

/* --- the operator --- */

static void
standing_put (TasksWorld *world, const TasksFrame *frame)
{
  StandingSet request = DAEMONEYE__EVENTBUS__V1__STANDING_SET__INIT;
  StandingTask tasks[SET_MAX], *list[SET_MAX];
  char ids[SET_MAX][8];

  request.collector = world->clients[frame->member].id;
  request.revision = frame->revision;
  request.ttl_us = (guint64) frame->ttl_us;
  request.n_set = standing_size (frame->revision);
  request.set = list;
  for (guint i = 0; i < request.n_set; i++)
    {
      daemoneye__eventbus__v1__standing_task__init (&tasks[i]);
      g_snprintf (ids[i], sizeof ids[i], "w%u", i);
      tasks[i].id = ids[i];
      tasks[i].operation = (char *) (gsize) tasks_operations[frame->revision % TASKS_OPERATIONS];
      list[i] = &tasks[i];
    }
  tasks_client_call (&world->watcher, STANDING, "Set", &request.base, frame);
}

/* The next revision, the same one again, or an earlier one. */
void
tasks_standing_act (TasksWorld *world)
{
  TasksFrame frame = { .kind = TASKS_FRAME_STANDING_SET };
  const guint dice = sim_below (&world->aside, 100);
  const TasksStanding *standing;

  frame.member = TASKS_SUBMITTERS + sim_below (&world->aside, TASKS_CLIENTS - TASKS_SUBMITTERS);
  frame.ttl_us = (gint64) (200 + sim_below (&world->aside, 1500)) * MILLISECOND;
  standing = &world->standings[frame.member];
  frame.revision = standing->revision + (dice < 50 ? 1 : 0);
  if (dice >= 90 && frame.revision > 1)
    frame.revision--;
  frame.revision = MAX (frame.revision, 1);
  frame.is_refused = standing_is_old (standing, &frame);
  standing_put (world, &frame);
}

void
tasks_standing_ask (TasksWorld *world)
{
  Daemoneye__Eventbus__V1__StandingRequest request = DAEMONEYE__EVENTBUS__V1__STANDING_REQUEST__INIT;
  TasksFrame frame = { .kind = TASKS_FRAME_STANDING_GET };

  frame.member = TASKS_SUBMITTERS + sim_below (&world->aside, TASKS_CLIENTS - TASKS_SUBMITTERS);
  frame.is_refused = !world->standings[frame.member].exists;
  request.collector = world->clients[frame.member].id;
  tasks_client_call (&world->watcher, STANDING, "Get", &request.base, &frame);
}

/* Sets that are in force do not expire before the end. */
void
tasks_standing_heal (TasksWorld *world)
{
  TasksFrame frame = { .kind = TASKS_FRAME_STANDING_SET, .ttl_us = G_TIME_SPAN_MINUTE };

  for (guint slot = TASKS_SUBMITTERS; slot < TASKS_CLIENTS && world->has_standing; slot++)
    {
      const TasksStanding *standing = &world->standings[slot];

      if (!standing->exists || standing->is_over || standing->observed == standing->revision)
        continue;
      frame.member = slot;
      frame.revision = standing->revision;
      standing_put (world, &frame);
    }
}

void
tasks_standing_got_state (TasksWorld *world, const TasksFrame *call, WireSpan payload)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__standing_state__descriptor, payload, 0, NULL);
  const StandingState *state = guard != NULL ? wire_guard_message (guard) : NULL;
  const TasksStanding *standing = &world->standings[call->member];
  const gint64 left_us = standing->is_over ? 0 : MAX (standing->due_us - world->asked_us, 0);

  if (state == NULL || call->is_refused || !standing->exists)
    tasks_fail (world, "M11: standing tasks of %s are shown, but there are none", world->clients[call->member].id);
  else if (state->revision != standing->revision || state->observed != standing->observed
           || (state->is_configuring != 0) != (standing->observed != standing->revision || standing->sent_to == 0)
           || state->remaining_us != (guint64) left_us)
    tasks_fail (world,
                "M11: %s is shown with the revisions %" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT
                ", and has %" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT,
                world->clients[call->member].id, state->revision, state->observed, standing->revision,
                standing->observed);
}

void
tasks_standing_got_error (TasksWorld *world, const TasksFrame *call, guint32 status)
{
  const guint32 expected = call->kind == TASKS_FRAME_STANDING_SET ? WIRE_STATUS_PROTOCOL_ORDER : WIRE_STATUS_ABSENT;

  if (!call->is_refused || status != expected)
    tasks_fail (world, "M11: standing tasks of %s are refused with %s", world->clients[call->member].id,
                wire_status_name (status));
}

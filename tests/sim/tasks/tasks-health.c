/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "health.pb-c.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-grace.h"
#include "work/bus-work.h"

/*
 * The health of clients, computed from the frames that they sent and read, and from the time. After each input it is compared with
 * the core: the misses of each signal, the state, the units, and whether the connection was closed because of them.
 *
 * In one of four seeds an interval is short, and clients hang, read nothing, and report bad health; in half of these a failed
 * connection is closed. These decisions have a random stream of their own (health_random), so that other seeds stay as they are.
 */

#define MILLISECOND G_TIME_SPAN_MILLISECOND
#define INTERVAL_US (150 * MILLISECOND)
#define NEVER       G_MAXINT64

void
tasks_health_draw (TasksWorld *world)
{
  world->health_random.state = world->seed ^ G_GUINT64_CONSTANT (0x3c79ac492ba7b653);
  world->has_health = world->seed % 4 == 3;
  if (!world->has_health)
    return;
  world->options.limits.task_heartbeat_us = INTERVAL_US;
  world->options.closes_failed = sim_chance (&world->health_random, 50);
}

/* --- the model --- */

static gint64
health_interval_us (const TasksWorld *world)
{
  return (gint64) world->options.limits.task_heartbeat_us;
}

static guint
health_worst (const TasksHealth *health)
{
  return MAX (health->missed[BUS_HEALTH_CONNECTION],
              MAX (health->missed[BUS_HEALTH_LOOP], health->missed[BUS_HEALTH_QUEUE]));
}

/* While signs are missed, the state is at least as bad as their number says. Without misses the client recovers, which takes
 * longer after a miss than after a bad report. */
static void
health_review (TasksWorld *world, TasksHealth *health)
{
  const guint worst = health_worst (health);

  if (worst > 0)
    {
      health->state = MAX (health->state, (BusHealthState) worst);
      health->recovery_us = NEVER;
      health->recovery_rounds = 2;
      return;
    }
  health->state = MIN (health->state, BUS_HEALTH_DEGRADED);
  if (health->units != 0)
    {
      health->state = BUS_HEALTH_DEGRADED;
      health->recovery_us = NEVER;
      health->recovery_rounds = MAX (health->recovery_rounds, 1);
    }
  else if (health->state == BUS_HEALTH_DEGRADED && health->recovery_us == NEVER)
    health->recovery_us = world->now_us + health->recovery_rounds * health_interval_us (world);
}

static void
health_miss (guint *missed)
{
  *missed = MIN (*missed + 1, 3);
}

static void
health_end_interval_of_queue (TasksWorld *world, TasksHealth *health, gboolean is_queued)
{
  const gint64 interval_us = health_interval_us (world);

  if (!health->was_queued || !is_queued || health->is_taken)
    {
      health->missed[BUS_HEALTH_QUEUE] = 0;
      health->queue_us = world->now_us;
      health->was_queued = is_queued;
      health->is_taken = FALSE;
    }
  else if (world->now_us >= health->queue_us + interval_us)
    {
      health_miss (&health->missed[BUS_HEALTH_QUEUE]);
      health->queue_us += interval_us;
      if (health->queue_us < world->now_us - interval_us)
        health->queue_us = world->now_us - interval_us;
      tasks_cover (world, TASKS_COVER_HEALTH_QUEUE);
    }
}

static void
health_end_round (TasksWorld *world, TasksHealth *health, gboolean is_queued)
{
  const gint64 interval_us = health_interval_us (world);

  health_end_interval_of_queue (world, health, is_queued);
  if (health->is_answered)
    health->round_due_us = health->answered_us + interval_us;
  else
    {
      if (health->is_asked)
        health_miss (&health->missed[BUS_HEALTH_LOOP]);
      if (health->is_asked && !health->has_frame)
        health_miss (&health->missed[BUS_HEALTH_CONNECTION]);
      if (health->is_asked && health->has_frame)
        tasks_cover (world, TASKS_COVER_HEALTH_LOOP);
      health->is_asked = TRUE;
      health->round_due_us = world->now_us + interval_us;
    }
  health->is_answered = health->has_frame = FALSE;
}

/* TRUE if the broker was late, and has given no grace for a minute. */
static gboolean
health_has_grace (const TasksWorld *world, const TasksHealth *health)
{
  return world->now_us - health->round_due_us >= BUS_GRACE_LAG_US
         && (world->grace_before_us == 0 || world->now_us - world->grace_before_us >= BUS_GRACE_PAUSE_US);
}

static void
health_round_is_over (TasksWorld *world, TasksHealth *health, gboolean is_queued)
{
  if (health_has_grace (world, health))
    {
      health->round_due_us = world->now_us + MIN (world->now_us - health->round_due_us, health_interval_us (world));
      health->queue_us = world->now_us;
      tasks_cover (world, TASKS_COVER_HEALTH_GRACE);
    }
  else
    health_end_round (world, health, is_queued);
  health_review (world, health);
}

/* The bytes that wait for the client were noted before the tick. If a timer of the same tick may have added some, only the core
 * knows whether it did so before its own check. */
static void
health_tick (TasksWorld *world, TasksClient *client)
{
  TasksHealth *health = &client->health;
  const gboolean is_queued = health->queued > 0 || client->peer->health->was_queued;

  while (health->is_tracked && MIN (health->round_due_us, health->recovery_us) <= world->now_us)
    {
      if (health->round_due_us <= world->now_us)
        health_round_is_over (world, health, is_queued);
      if (health->recovery_us <= world->now_us)
        {
          health->recovery_us = NEVER;
          health->recovery_rounds = 0;
          health->state = BUS_HEALTH_HEALTHY;
          tasks_cover (world, TASKS_COVER_HEALTH_AGAIN);
        }
      if (health->state == BUS_HEALTH_FAILED && world->options.closes_failed)
        return; /* its connection is closed: nothing is due any more */
    }
}

static void
health_answered (TasksWorld *world, TasksHealth *health)
{
  health->is_answered = TRUE;
  health->is_asked = FALSE;
  health->answered_us = world->now_us;
  health->missed[BUS_HEALTH_LOOP] = 0;
}

static void
health_got_frame (TasksWorld *world, TasksClient *client, const TasksFrame *frame)
{
  TasksHealth *health = &client->health;

  health->has_frame = TRUE;
  health->missed[BUS_HEALTH_CONNECTION] = 0;
  if (frame->kind == TASKS_FRAME_PONG || frame->kind == TASKS_FRAME_BEAT)
    health_answered (world, health);
  if (frame->kind == TASKS_FRAME_UNITS)
    health->has_report = TRUE;
  if (frame->kind == TASKS_FRAME_UNITS || (frame->kind == TASKS_FRAME_BEAT && !health->has_report))
    health->units = frame->units;
  if (health->units != 0)
    tasks_cover (world, TASKS_COVER_HEALTH_UNITS);
  health_review (world, health);
}

static void
health_begin (TasksWorld *world, TasksClient *client)
{
  client->health = (TasksHealth){ .is_tracked = client->is_collector || client->slot == 0,
                                  .round_due_us = world->now_us + health_interval_us (world),
                                  .queue_us = world->now_us,
                                  .recovery_us = NEVER };
}

/* --- the core --- */

static gboolean
health_is_closed (const TasksWorld *world, const TasksClient *client)
{
  return client->health.state == BUS_HEALTH_FAILED && world->options.closes_failed;
}

static guint
health_count_units (guint units)
{
  guint n = 0;

  for (; units != 0; units >>= 2)
    n += (units & 3) > 1;
  return n;
}

static const char *
health_problem (const TasksHealth *health, const BusHealth *other)
{
  if (memcmp (health->missed, other->missed, sizeof health->missed) != 0)
    return "the misses differ";
  if (health->state != other->state)
    return "the state differs";
  if (health_count_units (health->units) != (other->units != NULL ? other->units->len : 0))
    return "the reported units differ";
  if (health->recovery_us != (other->recovery_us != 0 ? other->recovery_us : NEVER))
    return "the time of the recovery differs";
  return NULL;
}

static void
health_compare (TasksWorld *world, TasksClient *client)
{
  const BusPeer *peer = client->peer;
  const char *problem;

  if ((peer->close_status == WIRE_STATUS_UNRESPONSIVE) != health_is_closed (world, client))
    tasks_fail (world, "M13: %s was disconnected for its health without reason, or should have been", client->id);
  if (health_is_closed (world, client))
    tasks_cover (world, TASKS_COVER_HEALTH_CLOSED);
  if (!bus_peer_is_ready (peer))
    return;
  if (client->health.is_tracked != peer->health->is_tracked)
    tasks_fail (world, "M13: %s is watched without reason, or should be watched", client->id);
  problem = client->health.is_tracked ? health_problem (&client->health, peer->health) : NULL;
  if (problem != NULL)
    tasks_fail (world, "M13: %s is %s (%u %u %u), and in the model %s (%u %u %u): %s", client->id,
                bus_health_state_name (peer->health->state), peer->health->missed[0], peer->health->missed[1],
                peer->health->missed[2], bus_health_state_name (client->health.state), client->health.missed[0],
                client->health.missed[1], client->health.missed[2], problem);
}

/* --- inputs --- */

void
tasks_health_before (TasksWorld *world)
{
  world->grace_before_us = world->core->work->grace.given_us;
  for (guint i = 0; i < TASKS_CLIENTS; i++)
    if (world->clients[i].peer != NULL)
      world->clients[i].health.queued = bus_outq_bytes (&world->clients[i].peer->flow.outq);
}

static void
health_take_input (TasksWorld *world, const TasksInput *input)
{
  TasksClient *client = input->client;

  if (client == NULL || client->is_watcher || client->peer == NULL || !bus_peer_is_ready (client->peer))
    return;
  if (input->kind == TASKS_INPUT_FRAME && input->frame->kind == TASKS_FRAME_HELLO)
    health_begin (world, client);
  else if (input->kind == TASKS_INPUT_FRAME && client->health.is_tracked)
    health_got_frame (world, client, input->frame);
  else if (input->kind == TASKS_INPUT_SENT && client->health.is_tracked)
    {
      client->health.is_taken = TRUE;
      client->health.missed[BUS_HEALTH_QUEUE] = 0;
      health_review (world, &client->health);
    }
}

void
tasks_health_after (TasksWorld *world, const TasksInput *input)
{
  health_take_input (world, input);
  for (guint i = 0; i < TASKS_CLIENTS && !tasks_failed (world); i++)
    {
      TasksClient *client = &world->clients[i];

      if (client->peer == NULL)
        continue;
      if (input->kind == TASKS_INPUT_TICK)
        health_tick (world, client);
      health_compare (world, client);
    }
}

/* --- records that the operator receives --- */

void
tasks_health_got_record (TasksWorld *world, const char *id, WireSpan payload)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__health_record__descriptor, payload, 0, NULL);
  const Daemoneye__Eventbus__V1__HealthRecord *record = guard != NULL ? wire_guard_message (guard) : NULL;
  TasksClient *client = NULL;

  for (guint i = 0; i < TASKS_CLIENTS; i++)
    if (strcmp (world->clients[i].id, id) == 0 || (i == 0 && strcmp (id, "daemoneye-agent") == 0))
      client = &world->clients[i];
  if (record == NULL || client == NULL || strcmp (record->id, id) != 0)
    {
      tasks_fail (world, "M13: the record of %s is of an unknown client", id);
      return;
    }
  client->health_shown = (BusHealthState) (record->state - 1); /* 0 is none on the wire */
  client->health_units_shown = (guint) record->n_units;
}

/* Everything has arrived: the newest record of each client agrees with its state, unless a report is not due yet. */
void
tasks_health_check_shown (TasksWorld *world)
{
  for (guint i = 0; i < TASKS_CLIENTS; i++)
    {
      const TasksClient *client = &world->clients[i];
      const gboolean is_there = client->peer != NULL && client->health.is_tracked && bus_peer_is_ready (client->peer);

      if (!is_there)
        {
          if (client->health_shown != BUS_HEALTH_GONE && client->health_shown != BUS_HEALTH_HEALTHY)
            tasks_fail (world, "M13: the newest record of %s, which is disconnected, has the state %s", client->id,
                        bus_health_state_name (client->health_shown));
        }
      else if (client->health_shown != client->health.state
               && (client->health_shown != BUS_HEALTH_GONE || client->health.state != BUS_HEALTH_HEALTHY))
        tasks_fail (world, "M13: the newest record of %s has the state %s", client->id,
                    bus_health_state_name (client->health_shown));
      else if (client->health_shown == BUS_HEALTH_DEGRADED && !client->peer->health->has_news
               && client->health_units_shown != health_count_units (client->health.units))
        tasks_fail (world, "M13: the newest record of %s has other units", client->id);
    }
}

/* --- actions of clients --- */

/* The units in a heartbeat or a report: two bits for each of three units. */
static void
health_put (TasksClient *client, const char *word, const ProtobufCMessage *message, const TasksFrame *frame)
{
  g_autofree char *topic = g_strconcat ("control.health.", word, ".", client->peer->id, NULL);
  g_autofree guint8 *payload = g_malloc (protobuf_c_message_get_packed_size (message) + 1);
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.payload = wire_span (payload, protobuf_c_message_pack (message, payload));
  tasks_client_put (client, WIRE_KIND_PUBLISH, 0, &envelope, frame);
}

static void
health_send_beat (TasksWorld *world, TasksClient *client)
{
  Daemoneye__Eventbus__V1__Heartbeat beat = DAEMONEYE__EVENTBUS__V1__HEARTBEAT__INIT;
  const guint health = sim_chance (&world->health_random, 80) ? 1 : sim_below (&world->health_random, 4);

  beat.id = client->peer->id;
  beat.health = (Daemoneye__Eventbus__V1__Health) health;
  health_put (client, "heartbeat", &beat.base,
              &(const TasksFrame){ .kind = TASKS_FRAME_BEAT, .units = health > 1 ? health : 0 });
}

static void
health_send_units (TasksWorld *world, TasksClient *client)
{
  static const char *const names[] = { "disk", "cache", "net" };
  Daemoneye__Eventbus__V1__HealthReport report = DAEMONEYE__EVENTBUS__V1__HEALTH_REPORT__INIT;
  Daemoneye__Eventbus__V1__UnitHealth units[G_N_ELEMENTS (names)], *list[G_N_ELEMENTS (names)];
  TasksFrame frame = { .kind = TASKS_FRAME_UNITS };

  for (guint i = 0; i < G_N_ELEMENTS (names) && sim_chance (&world->health_random, 60); i++)
    {
      const guint health = sim_below (&world->health_random, 4);

      daemoneye__eventbus__v1__unit_health__init (&units[i]);
      units[i].name = (char *) (gsize) names[i];
      units[i].health = (Daemoneye__Eventbus__V1__Health) health;
      list[i] = &units[i];
      report.n_units = i + 1;
      frame.units |= health > 1 ? health << 2 * i : 0;
    }
  report.id = client->peer->id;
  report.units = list;
  health_put (client, "status", &report.base, &frame);
}

static void
health_send_pong (TasksClient *client)
{
  WireEnvelope pong;

  client->owes_pong = FALSE;
  wire_envelope_init (&pong);
  pong.id = 1;
  tasks_client_put (client, WIRE_KIND_PONG, 0, &pong, &(const TasksFrame){ .kind = TASKS_FRAME_PONG });
}

void
tasks_health_got_ping (TasksClient *client)
{
  if (client->hangs_until_us > client->world->now_us)
    client->owes_pong = TRUE;
  else
    health_send_pong (client);
}

static void
health_draw_step (TasksWorld *world, TasksClient *client)
{
  switch (sim_below (&world->health_random, 6))
    {
    case 0:
      client->hangs_until_us = world->now_us + sim_below (&world->health_random, 900) * MILLISECOND;
      break;
    case 1:
      client->stops_until_us = world->now_us + sim_below (&world->health_random, 900) * MILLISECOND;
      break;
    case 2:
    case 3:
      health_send_beat (world, client);
      break;
    default:
      health_send_units (world, client);
      break;
    }
}

/* The client sends heartbeats although it reads nothing. */
static void
health_send_while_stopped (TasksWorld *world, TasksClient *client)
{
  if (client->stops_until_us > world->now_us && sim_chance (&world->health_random, 30))
    health_send_beat (world, client);
  if (client->owes_pong && client->hangs_until_us <= world->now_us)
    health_send_pong (client);
}

void
tasks_health_step (TasksWorld *world)
{
  TasksClient *client = &world->clients[sim_below (&world->health_random, TASKS_CLIENTS)];

  if (!world->has_health)
    return;
  for (guint i = 0; i < TASKS_CLIENTS; i++)
    if (world->clients[i].is_ready)
      health_send_while_stopped (world, &world->clients[i]);
  if (client->is_ready && client->health.is_tracked && sim_chance (&world->health_random, 30))
    health_draw_step (world, client);
}

gboolean
tasks_health_reads (const TasksClient *client)
{
  return client->stops_until_us <= client->world->now_us;
}

/* From now on no client hangs. */
void
tasks_health_heal (TasksWorld *world)
{
  for (guint i = 0; i < TASKS_CLIENTS; i++)
    {
      TasksClient *client = &world->clients[i];

      client->hangs_until_us = client->stops_until_us = 0;
      if (client->owes_pong)
        health_send_pong (client);
    }
}

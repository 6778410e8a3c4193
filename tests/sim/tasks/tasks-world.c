/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "wire-feature.h"

/*
 * Passes inputs to the core, one at a time. The model compares the tasks before and after each.
 */

#define SPANS 64u

const char *const tasks_operations[TASKS_OPERATIONS] = { "scan", "hash", "dump", "watch" };
const char *const tasks_types[3] = { "", "procmond", "netmond" };

void
tasks_fail (TasksWorld *world, const char *format, ...)
{
  va_list args;

  if (tasks_failed (world))
    return;
  va_start (args, format);
  g_vsnprintf (world->failure, sizeof world->failure, format, args);
  va_end (args);
}

static void
world_before (TasksWorld *world, const TasksInput *input)
{
  world->now_us++;
  tasks_model_before (world, input);
}

static void
world_close_peers (TasksWorld *world)
{
  BusPeer *peer;

  while ((peer = bus_core_next_closing (world->core)) != NULL)
    {
      TasksClient *client = bus_peer_link (peer);

      tasks_world_drain (world, client);
      tasks_world_disconnect (world, client);
    }
  while ((peer = bus_core_next_writable (world->core)) != NULL)
    ((TasksClient *) bus_peer_link (peer))->is_writable = TRUE;
}

static void
world_after (TasksWorld *world, const TasksInput *input)
{
  tasks_model_after (world, input);
  world_close_peers (world);
}

/* --- connections --- */

void
tasks_world_connect (TasksWorld *world, TasksClient *client)
{
  const TasksInput input = { TASKS_INPUT_CONNECT, client, NULL };
  char name[16];
  BusCredentials who = { .account = client->uid, .pid = 100 + client->slot, .agent = client->slot == 0 };
  BusConnectRefusal refusal;

  g_snprintf (name, sizeof name, "u%u", client->uid);
  who.account_name = name;
  client->number = ++world->last_connection;
  if (client->incarnation == 0 || world->rare == TASKS_RARE_DEADLY
      || (world->rare != TASKS_RARE_RESTLESS && sim_chance (&world->random, 50)))
    client->incarnation = client->number;
  world_before (world, &input);
  client->peer = bus_core_connect (world->core, &who, client, world->now_us, &refusal);
  if (client->peer == NULL)
    tasks_fail (world, "a connection was refused: %s", wire_status_name (refusal.status));
  else
    tasks_client_hello (client);
  world_after (world, &input);
}

void
tasks_world_disconnect (TasksWorld *world, TasksClient *client)
{
  const TasksInput input = { TASKS_INPUT_DISCONNECT, client, NULL };
  BusPeer *peer = client->peer;

  world_before (world, &input);
  client->peer = NULL;
  bus_core_disconnected (world->core, peer, WIRE_STATUS_ABSENT, world->now_us);
  tasks_model_after (world, &input);
  tasks_client_reset (client);
  world_close_peers (world);
}

/* --- bytes --- */

void
tasks_world_feed (TasksWorld *world, TasksClient *client)
{
  g_autofree TasksFrame *frame = g_queue_pop_head (&client->frames);
  const TasksInput input = { TASKS_INPUT_FRAME, client, frame };

  world_before (world, &input);
  bus_core_received (world->core, client->peer, client->stream->data, frame->size, world->now_us);
  g_byte_array_remove_range (client->stream, 0, (guint) frame->size);
  /* The clients use the feature even if the broker does not grant it yet. */
  if (frame->kind == TASKS_FRAME_HELLO)
    client->peer->features |= WIRE_FEATURE_TASKS;
  world_after (world, &input);
}

static void
world_hash (TasksWorld *world, WireSpan bytes)
{
  for (gsize i = 0; i < bytes.len; i++)
    world->hash = (world->hash ^ bytes.data[i]) * 0x100000001b3u; /* FNV-1a */
}

void
tasks_world_drain (TasksWorld *world, TasksClient *client)
{
  const TasksInput input = { TASKS_INPUT_SENT, client, NULL };
  WireSpan spans[SPANS];
  guint n;

  client->is_writable = FALSE;
  while (client->peer != NULL && !tasks_failed (world)
         && (n = bus_core_gather (world->core, client->peer, spans, SPANS)) > 0)
    {
      gsize total = 0;

      for (guint i = 0; i < n; i++)
        {
          world_hash (world, spans[i]);
          tasks_client_received (client, spans[i].data, spans[i].len);
          total += spans[i].len;
        }
      world_before (world, &input);
      bus_core_sent (world->core, client->peer, total, world->now_us);
      tasks_model_after (world, &input);
    }
}

/* --- time --- */

static void
world_tick (TasksWorld *world, gint64 now_us)
{
  const TasksInput input = { TASKS_INPUT_TICK, NULL, NULL };

  world->now_us = MAX (world->now_us, now_us - 1);
  world_before (world, &input);
  bus_core_tick (world->core, world->now_us);
  tasks_model_after (world, &input);
  if (!world->is_late && world->late_until_us < world->now_us)
    tasks_time_check (world);
  world_close_peers (world); /* each of these inputs has a time of its own */
}

void
tasks_world_advance (TasksWorld *world, gint64 us)
{
  const gint64 end_us = world->now_us + us;

  while (!world->is_late && !tasks_failed (world) && bus_core_next_tick_us (world->core) <= end_us)
    world_tick (world, bus_core_next_tick_us (world->core));
  world->now_us = MAX (world->now_us, end_us);
  if (!tasks_failed (world) && bus_core_next_tick_us (world->core) <= world->now_us)
    world_tick (world, world->now_us);
}

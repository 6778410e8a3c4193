/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-world.h"

#include <string.h>

#define WINDOW_STEPS   (10 * G_TIME_SPAN_MILLISECOND)
#define HEAL_ROUNDS    400u
#define SPANS          64u
#define AGENT_UID      0u
#define COLLECTOR_UID  1000u
#define ALLOCATIONS_OK 0u

/* --- allocations that a peer sizes fail when the world wants it (linked with --wrap) --- */

static SimWorld *running; /* the linker gives wrappers no argument */

gpointer __real_g_try_malloc (gsize n);
gpointer __wrap_g_try_malloc (gsize n);
gpointer __real_g_try_malloc0 (gsize n);
gpointer __wrap_g_try_malloc0 (gsize n);
gpointer __real_g_try_realloc (gpointer old, gsize n);
gpointer __wrap_g_try_realloc (gpointer old, gsize n);

static gboolean
fails_now (void)
{
  if (running == NULL || running->fail_allocations == ALLOCATIONS_OK)
    return FALSE;
  running->fail_allocations--;
  sim_reach (running, SIM_REACH_ALLOCATION_FAILED);
  return TRUE;
}

gpointer
__wrap_g_try_malloc (gsize n)
{
  return fails_now () ? NULL : __real_g_try_malloc (n);
}

gpointer
__wrap_g_try_malloc0 (gsize n)
{
  return fails_now () ? NULL : __real_g_try_malloc0 (n);
}

gpointer
__wrap_g_try_realloc (gpointer old, gsize n)
{
  return fails_now () ? NULL : __real_g_try_realloc (old, n);
}

/* --- failures --- */

void
sim_world_fail (SimWorld *world, const char *format, ...)
{
  va_list args;

  if (world->failure[0] != '\0')
    return;
  va_start (args, format);
  g_vsnprintf (world->failure, sizeof world->failure, format, args);
  va_end (args);
}

gboolean
sim_world_failed (const SimWorld *world)
{
  return world->failure[0] != '\0' || sim_model_failure (world->model)[0] != '\0';
}

/* --- coming and going --- */

void
sim_world_connect (SimWorld *world, SimClient *client)
{
  BusCredentials who = { client->role == SIM_COLLECTOR ? COLLECTOR_UID + client->slot % 2 : AGENT_UID,
                         100 + client->slot, client->role == SIM_AGENT };
  WireStatus status;
  const char *limit;

  sim_client_reset (client);
  client->number = ++world->next_client;
  client->peer = bus_core_connect (world->core, &who, client, world->now_us, &status, &limit);
  if (client->peer == NULL)
    sim_world_fail (world, "a connection was refused");
  else
    sim_client_hello (client);
}

void
sim_world_disconnect (SimWorld *world, SimClient *client)
{
  BusPeer *peer = g_steal_pointer (&client->peer);
  gboolean waits = FALSE;

  for (guint i = 0; i < SIM_SUBS && !waits && !bus_peer_is_closing (peer); i++)
    {
      client->peer = peer;
      sim_check_has_subscription (client, client->subs[i].number, &waits);
      client->peer = NULL;
    }
  if (waits)
    sim_reach (world, SIM_REACH_LEFT_WHILE_WAITING);
  sim_model_gone (world->model, client->number);
  bus_core_disconnected (world->core, peer, WIRE_STATUS_ABSENT, world->now_us);
  sim_client_reset (client);
}

/* The broker wants some closed: the rest is taken out, then they are gone. */
static void
close_wanted (SimWorld *world)
{
  BusPeer *peer;

  while ((peer = bus_core_next_closing (world->core)) != NULL)
    {
      SimClient *client = bus_peer_link (peer);

      sim_model_gone (world->model, client->number);
      sim_world_drain (world, client, TRUE);
      sim_world_disconnect (world, client);
    }
  while ((peer = bus_core_next_writable (world->core)) != NULL)
    ((SimClient *) bus_peer_link (peer))->is_writable = TRUE;
}

/* --- bytes in --- */

static void
subscribed (SimWorld *world, SimClient *client, const SimFrame *frame)
{
  SimSub *sub = &client->subs[frame->place];
  gboolean waits;

  sub->asked = FALSE;
  if (!sim_check_has_subscription (client, frame->subscription, &waits))
    return; /* refused */
  *sub = (SimSub){ .exists = TRUE,
                   .number = frame->subscription,
                   .lazy = frame->lazy,
                   .window_messages = frame->window_messages,
                   .window_bytes = frame->window_bytes };
  if (!frame->serve)
    sim_model_subscribe (world->model, client->number, frame->subscription, frame->topic, frame->group, frame->policy,
                         frame->roomy);
}

static void
unsubscribed (SimWorld *world, SimClient *client, const SimFrame *frame, gboolean waited)
{
  gboolean waits;

  if (!client->subs[frame->place].exists || sim_check_has_subscription (client, frame->subscription, &waits))
    return;
  client->subs[frame->place].exists = FALSE;
  sim_model_unsubscribe (world->model, client->number, frame->subscription);
  if (waited)
    sim_reach (world, SIM_REACH_UNSUBSCRIBED_WAITING);
}

/* What the frame meant, told to the model as the broker (as far as can be seen from outside) took it. */
static void
apply (SimWorld *world, SimClient *client, const SimFrame *frame, gboolean waited)
{
  switch (frame->kind)
    {
    case SIM_FRAME_HELLO:
      sim_model_ready (world->model, client->number, client->role, client->type, client->id);
      break;
    case SIM_FRAME_SUBSCRIBE:
      subscribed (world, client, frame);
      break;
    case SIM_FRAME_UNSUBSCRIBE:
      unsubscribed (world, client, frame, waited);
      break;
    case SIM_FRAME_ADJUST:
      if (client->subs[frame->place].exists)
        {
          sim_model_adjust (world->model, client->number, frame->subscription, frame->policy);
          if (waited)
            sim_reach (world, SIM_REACH_ADJUSTED_FULL);
        }
      break;
    case SIM_FRAME_CREDIT:
      client->subs[frame->place].credit_us = world->now_us;
      break;
    case SIM_FRAME_PUBLISH:
    case SIM_FRAME_REPLY:
    case SIM_FRAME_OTHER:
      break;
    }
}

/* Hands @len bytes in, which end the first frame of the stream, or nothing. */
static void
hand_in (SimWorld *world, SimClient *client, gsize len)
{
  SimFrame *frame = g_queue_peek_head (&client->frames);
  gboolean ends = frame->left == len;
  guint64 before = sim_check_accepted (world);
  guint64 received = sim_check_received (client);
  guint failing = world->fail_allocations;
  gboolean publishes = ends && frame->kind == SIM_FRAME_PUBLISH;
  gboolean is_direct = frame->target[0] != '\0';
  gboolean waits = FALSE;
  guint matched = 0;
  SimBefore seen;

  if (frame->subscription != 0)
    sim_check_has_subscription (client, frame->subscription, &waits);
  /* What the reader of a split frame gathers is another matter: its peer is closed, and that is all. */
  if (frame->size != len)
    world->fail_allocations = ALLOCATIONS_OK;
  frame->left -= len;
  if (!ends)
    sim_reach (world, SIM_REACH_SPLIT);
  else
    g_queue_pop_head (&client->frames);
  /* The model knows what matches before the core says what became of it. */
  if (publishes)
    matched = sim_model_publish (world->model, client->number, frame->topic, frame->number, frame->payload_len,
                                 frame->ttl_us, frame->broadcast, is_direct ? frame->target : NULL, before + 1);
  sim_check_before (world, client, frame, &seen);
  if (frame->kind == SIM_FRAME_CREDIT)
    sim_block_before (world, client);
  bus_core_received (world->core, client->peer, client->stream->data, len, world->now_us);
  if (frame->size != len)
    world->fail_allocations = failing;
  g_byte_array_remove_range (client->stream, 0, (guint) len);
  if (publishes && sim_check_received (client) == received)
    sim_model_withdraw (world->model, frame->number); /* its publisher was closed for what its reader held */
  else if (publishes && is_direct && matched == 0 && sim_check_accepted (world) == before)
    sim_model_withdraw (world->model, frame->number);
  else if (publishes && (sim_check_accepted (world) == before || (is_direct && matched == 0)))
    sim_world_fail (world, "a message of client %s was %s", client->id, matched > 0 ? "not accepted" : "accepted");
  if (publishes && is_direct && matched > 0)
    sim_reach (world, SIM_REACH_DIRECT);
  if (publishes && sim_check_is_closing (world))
    sim_model_unsure (world->model, frame->number);
  if (ends && !publishes && !bus_peer_is_closing (client->peer))
    apply (world, client, frame, waits);
  if (ends)
    sim_check_after (world, client, frame, &seen);
  if (ends && frame->kind == SIM_FRAME_CREDIT)
    sim_block_after (world, client);
  if (ends)
    g_free (frame);
}

void
sim_world_feed (SimWorld *world, SimClient *client, gsize max)
{
  while (client->peer != NULL && client->frames.length > 0 && max > 0 && !sim_world_failed (world))
    {
      const SimFrame *frame = g_queue_peek_head (&client->frames);
      gsize len = MIN (frame->left, max);

      max -= len;
      hand_in (world, client, len);
      close_wanted (world);
    }
}

/* --- bytes out --- */

static void
hash_bytes (SimWorld *world, const guint8 *bytes, gsize len)
{
  for (gsize i = 0; i < len; i++)
    world->hash = (world->hash ^ bytes[i]) * 0x100000001b3u; /* FNV-1a */
}

/* One gather; FALSE: there was nothing. */
static gboolean
drain_once (SimWorld *world, SimClient *client, gboolean whole)
{
  gboolean was_between = sim_check_is_between (client);
  WireSpan spans[SPANS];
  guint n = bus_core_gather (world->core, client->peer, spans, SPANS);
  guint failing = world->fail_allocations;
  gsize total = 0;
  gsize taken = 0;

  if (n == 0)
    return FALSE;
  sim_check_lanes (world, client, spans, n, was_between);
  for (guint i = 0; i < n; i++)
    total += spans[i].len;
  if (!whole && sim_chance (&world->random, 30))
    {
      total = 1 + sim_below (&world->random, (guint) total);
      sim_reach (world, SIM_REACH_PARTLY_SENT);
    }
  world->fail_allocations = ALLOCATIONS_OK; /* the client's own memory is not what is tested */
  for (guint i = 0; i < n && taken < total; i++)
    {
      gsize len = MIN (spans[i].len, total - taken);

      hash_bytes (world, spans[i].data, len);
      sim_client_took (client, spans[i].data, len);
      taken += len;
    }
  world->fail_allocations = failing;
  sim_block_before (world, client);
  bus_core_sent (world->core, client->peer, total, world->now_us);
  sim_block_after (world, client);
  return TRUE;
}

void
sim_world_drain (SimWorld *world, SimClient *client, gboolean whole)
{
  client->is_writable = FALSE;
  while (drain_once (world, client, whole) && whole && !sim_world_failed (world))
    ;
  if (!whole)
    client->is_writable = TRUE;
}

/* --- time --- */

static void
tick (SimWorld *world)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    sim_block_before (world, &world->clients[i]);
  bus_core_tick (world->core, world->now_us);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    sim_block_after (world, &world->clients[i]);
}

void
sim_world_advance (SimWorld *world, gint64 us)
{
  world->now_us += 2 * us;
  /* The process that the core lives in may be late. */
  world->is_tick_due = !world->is_healing && sim_chance (&world->random, 30);
  if (world->is_tick_due)
    sim_reach (world, SIM_REACH_LATE);
  else if (bus_core_next_tick_us (world->core) <= world->now_us)
    tick (world);
  close_wanted (world);
}

/* --- a seed --- */

static void
move (SimWorld *world)
{
  for (guint i = 0; i < SIM_CLIENTS && !sim_world_failed (world); i++)
    {
      SimClient *client = &world->clients[i];

      if (client->peer != NULL && !client->is_late)
        sim_world_feed (world, client,
                        sim_chance (&world->random, 20) ? 1 + sim_below (&world->random, 40) : G_MAXSIZE);
      if (client->peer != NULL && !client->is_frozen)
        sim_world_drain (world, client, sim_chance (&world->random, 70));
    }
  close_wanted (world); /* who goes may take others with him */
}

static void
init (SimWorld *world, guint64 seed, SimReached *reached)
{
  static guint32 tool_uids[] = { AGENT_UID };
  BusCoreOptions options = {
    .tool_uids = tool_uids, .n_tool_uids = G_N_ELEMENTS (tool_uids), .epoch = 1, .seed = seed, .software_version = "sim"
  };

  world->random.state = seed;
  world->reached = reached;
  world->now_us = 2;
  world->hash = 0xcbf29ce484222325u;
  world->model = sim_model_new ();
  bus_limits_init (&options.limits);
  sim_ops_limits (&world->random, &options.limits);
  world->core = bus_core_new (&options, world->now_us);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    sim_client_init (&world->clients[i], world, i);
  running = world;
}

/* Nothing fails or stands still from here on: everything has to come to rest. */
static void
heal (SimWorld *world)
{
  BusCoreStats stats;

  world->is_healing = TRUE;
  world->fail_allocations = ALLOCATIONS_OK;
  for (guint round = 0; round < HEAL_ROUNDS && !sim_world_failed (world); round++)
    {
      guint busy = 0;

      for (guint i = 0; i < SIM_CLIENTS; i++)
        {
          SimClient *client = &world->clients[i];

          client->is_frozen = client->is_late = FALSE;
          for (guint sub = 0; sub < SIM_SUBS && client->peer != NULL; sub++)
            sim_client_return_credit (client, sub, FALSE);
          busy += client->frames.length + g_hash_table_size (client->asked);
        }
      move (world);
      sim_world_advance (world, WINDOW_STEPS);
      sim_check (world);
      bus_core_stats (world->core, &stats);
      /* A gap that stands alone is told within a second. */
      if (busy == 0 && stats.queued_bytes == 0 && stats.pending_requests == 0 && round > 60)
        return;
    }
  if (sim_world_failed (world))
    return;
  bus_core_stats (world->core, &stats);
  sim_world_fail (world, "I20: not at rest: %" G_GUINT64_FORMAT " messages, %" G_GUINT64_FORMAT " bytes, %u requests",
                  stats.queued_messages, stats.queued_bytes, stats.pending_requests);
}

static void
finish (SimWorld *world)
{
  BusCoreStats stats;

  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (world->clients[i].peer != NULL)
      sim_world_disconnect (world, &world->clients[i]);
  bus_core_stats (world->core, &stats);
  if (stats.charged_bytes != 0 || stats.subscriptions != 0 || stats.groups != 0 || stats.pending_requests != 0)
    sim_world_fail (world, "I3: %" G_GUINT64_FORMAT " bytes, %u subscriptions, %u groups, %u requests are left",
                    stats.charged_bytes, stats.subscriptions, stats.groups, stats.pending_requests);
  else
    bus_core_free (world->core); /* asserts that nothing is held */
}

char *
sim_world_run (guint64 seed, guint steps, SimReached *reached, guint64 *hash)
{
  g_autofree SimWorld *world = g_new0 (SimWorld, 1);
  char *failure = NULL;

  init (world, seed, reached);
  for (world->step = 0; world->step < steps && !sim_world_failed (world); world->step++)
    {
      sim_ops_one (world);
      move (world);
      sim_check (world);
    }
  if (!sim_world_failed (world))
    heal (world);
  if (!sim_world_failed (world))
    sim_model_finish (world->model);
  if (!sim_world_failed (world))
    sim_check_counters (world);
  if (!sim_world_failed (world))
    finish (world);
  if (sim_world_failed (world))
    failure = g_strdup_printf ("step %u: %s", world->step,
                               world->failure[0] != '\0' ? world->failure : sim_model_failure (world->model));
  *hash = world->hash;
  running = NULL;
  for (guint i = 0; i < SIM_CLIENTS; i++)
    sim_client_clear (&world->clients[i]);
  sim_model_free (world->model);
  return failure;
}

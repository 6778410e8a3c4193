/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-world.h"

#include "check.h"
#include "core-view.h"
#include "sim-lost.h"
#include "sim-pages.h"
#include "sim-peers.h"
#include "sim-rival.h"
#include "sim-storm.h"
#include "sim-will.h"

#include <string.h>

/*
 * The world: connections, the bytes in both directions, and time. Reports the meaning of each input to the model.
 */

#define SPANS 64u

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

/* --- connections --- */

/* Another client object, whose message numbers start again. */
static void
world_renew (SimClient *client)
{
  client->incarnation = SIM_INCARNATIONS + client->number;
  client->next_message_id = client->last_known = 0;
  g_array_set_size (client->numbered, 0);
  sim_restart_forget (client);
}

void
sim_world_connect (SimWorld *world, SimClient *client)
{
  BusCredentials who
      = { .account = sim_account_of (client), .pid = 100 + client->slot, .agent = client->role == SIM_AGENT };
  BusConnectRefusal refusal;

  sim_client_reset (client);
  client->number = ++world->next_client;
  client->connected_us = world->now_us;
  if (client->incarnation == 0 || sim_chance (&world->random, 30))
    world_renew (client);
  client->peer = bus_core_connect (world->core, &who, client, world->now_us, &refusal);
  if (client->peer == NULL)
    sim_world_fail (world, "a connection was refused");
  else
    sim_client_hello (client);
}

void
sim_world_disconnect (SimWorld *world, SimClient *client)
{
  BusPeer *peer = client->peer;
  gboolean is_taken_over = sim_view_is_taken_over (client);
  gboolean waits = FALSE;
  GArray *routes;
  SimEnds ends;

  sim_pair_ending (world, client);
  sim_restart_remember (client);
  for (guint i = 0; i < SIM_SUBS && !waits && !bus_peer_is_closing (peer); i++)
    sim_view_has_subscription (client, client->subs[i].number, &waits);
  if (waits)
    sim_cover (world, SIM_COVER_LEFT_WHILE_WAITING);
  sim_model_gone (world->model, client->number);
  sim_watch_end_all (world->watch, client->number);
  sim_check_before_end (world, client, 0, &ends);
  routes = sim_check_before_requests (world);
  if (client->is_known)
    sim_resends_leave (world->resends, client->slot, world->now_us);
  sim_confirms_gone (world->confirms, client->number);
  if (sim_retains_gone (world->retained, client->number) > 0)
    sim_cover (world, SIM_COVER_RETAINED_GONE);
  sim_waits_gone (world->waits, client->number);
  /* If the id was taken over, another connection of the client exists at once. */
  if (client->is_known && !is_taken_over)
    sim_waits_changed (world->waits, client->slot);
  client->peer = NULL;
  bus_core_disconnected (world->core, peer, WIRE_STATUS_ABSENT, world->now_us);
  if (client->is_known)
    sim_peers_gone (world->peers, client->slot, client->incarnation, is_taken_over, sim_view_accept_seq (world));
  sim_check_after_requests (world, routes, client->number);
  sim_check_after_end (world, &ends);
  sim_will_gone (world, client);
  sim_client_reset (client);
}

/* Disconnects the peers that the broker has decided to disconnect, after their last bytes were taken out. */
void
sim_world_close_peers (SimWorld *world)
{
  BusPeer *peer;

  while ((peer = bus_core_next_closing (world->core)) != NULL)
    {
      SimClient *client = bus_peer_link (peer);

      if (client->slot == SIM_STRANGER_SLOT)
        {
          sim_storm_close (world, client);
          continue;
        }
      sim_model_gone (world->model, client->number);
      sim_watch_end_all (world->watch, client->number);
      sim_world_drain (world, client, TRUE);
      sim_world_disconnect (world, client);
    }
  while ((peer = bus_core_next_writable (world->core)) != NULL)
    ((SimClient *) bus_peer_link (peer))->is_writable = TRUE;
}

/* --- bytes in --- */

static void
world_subscribed (SimWorld *world, SimClient *client, const SimFrame *frame)
{
  SimSub *sub = &client->subs[frame->place];
  gboolean waits;

  sub->asked = FALSE;
  client->saved[frame->place].is_wanted = FALSE;
  if (!sim_view_has_subscription (client, frame->subscription, &waits))
    {
      /* The call may be refused, because the group may have another policy or pattern now, or the broker may have no memory
       * left. */
      if (frame->is_restored && frame->group == NULL && !sim_view_is_full (client))
        sim_world_fail (world, "M16: %s did not get its subscription to %s back", client->id, frame->topic);
      return; /* refused */
    }
  if (frame->is_restored)
    sim_cover (world, SIM_COVER_RESTORED);
  *sub = (SimSub){ .exists = TRUE,
                   .pattern = frame->topic,
                   .begun_at = sim_view_accept_seq (world),
                   .number = frame->subscription,
                   .lazy = frame->lazy,
                   .window_messages = frame->window_messages,
                   .window_bytes = frame->window_bytes };
  if (sim_watch_is_watcher (frame->topic))
    sim_watch_begin (world->watch, client->number, frame->subscription, frame->topic, sub->begun_at,
                     sim_view_announced (world));
  if (!frame->serve)
    sim_model_subscribe (world->model, client->number, frame->subscription, frame->topic, frame->group, frame->policy,
                         frame->is_unbounded, &frame->lineage);
  if (sim_model_drains (world->model, client->number, frame->subscription))
    sim_cover (world, SIM_COVER_DRAIN_JOINED);
  if (!frame->serve && frame->group == NULL)
    sim_retains_subscribe (world->retained, client->number, frame->subscription, client->role, frame->topic,
                           &frame->lineage, sub->begun_at);
}

static void
world_unsubscribed (SimWorld *world, SimClient *client, const SimFrame *frame, gboolean waited)
{
  gboolean waits;

  if (!client->subs[frame->place].exists || sim_view_has_subscription (client, frame->subscription, &waits))
    return;
  client->subs[frame->place].exists = FALSE;
  sim_model_unsubscribe (world->model, client->number, frame->subscription);
  sim_retains_unsubscribe (world->retained, client->number, frame->subscription);
  sim_watch_end (world->watch, client->number, frame->subscription);
  if (waited)
    sim_cover (world, SIM_COVER_UNSUBSCRIBED_WAITING);
}

/* The group has other members. */
static void
world_adjust_refused (SimWorld *world, const SimClient *client, const SimFrame *frame)
{
  sim_cover (world, SIM_COVER_ADJUST_REFUSED);
  if (sim_view_policy (client, frame->subscription)
      != sim_model_policy (world->model, client->number, frame->subscription))
    sim_world_fail (world, "A08: %s changed the policy of a group with other members", client->id);
}

static void
world_adjusted (SimWorld *world, const SimClient *client, const SimFrame *frame, gboolean waited)
{
  if (!client->subs[frame->place].exists)
    return;
  if (!sim_model_may_adjust (world->model, client->number, frame->subscription))
    {
      world_adjust_refused (world, client, frame);
      return;
    }
  sim_model_adjust (world->model, client->number, frame->subscription, frame->policy);
  if (waited)
    sim_cover (world, SIM_COVER_ADJUSTED_FULL);
}

static guint
world_count_subscriptions (const SimClient *client)
{
  guint n = 0;

  for (guint i = 0; i < SIM_SUBS; i++)
    n += client->subs[i].exists;
  return n;
}

void
sim_world_accepted_hello (SimWorld *world, SimClient *client, const SimFrame *frame)
{
  sim_model_ready (world->model, client->number, client->role, sim_account_of (client), client->type, client->id);
  client->is_known = TRUE;
  sim_waits_changed (world->waits, client->slot);
  client->begun_at = sim_view_accept_seq (world);
  sim_peers_connected (world->peers, client->slot, client->incarnation, client->begun_at);
  if (sim_resends_join (world->resends, client->slot, sim_account_of (client), client->incarnation, frame->number) > 0)
    sim_cover (world, SIM_COVER_RESEND_TRIMMED);
  sim_view_grant_delivery (client);
  sim_view_grant_all (client);
}

/* Reports the meaning of a frame that the broker accepted to the model. */
static void
world_report_to_model (SimWorld *world, SimClient *client, const SimFrame *frame, gboolean waited, gboolean may_wait)
{
  switch (frame->kind)
    {
    case SIM_FRAME_HELLO:
      sim_world_accepted_hello (world, client, frame);
      break;
    case SIM_FRAME_SUBSCRIBE:
      world_subscribed (world, client, frame);
      break;
    case SIM_FRAME_UNSUBSCRIBE:
      world_unsubscribed (world, client, frame, waited);
      break;
    case SIM_FRAME_ADJUST:
      world_adjusted (world, client, frame, waited);
      break;
    case SIM_FRAME_WAIT:
      sim_waiting_reached (world, client, frame, may_wait);
      break;
    case SIM_FRAME_UNWAIT:
      sim_waits_end (world->waits, client->number, frame->number);
      break;
    case SIM_FRAME_DRAIN:
      sim_drain_reached (world, client, frame, may_wait);
      break;
    case SIM_FRAME_VERIFY:
      client->n_verified = world_count_subscriptions (client);
      break;
    case SIM_FRAME_CREDIT:
      client->subs[frame->place].credit_us = world->now_us;
      break;
    case SIM_FRAME_CANCEL:
      sim_requests_cancelled (world->requests, client->number, frame->number);
      break;
    case SIM_FRAME_CONFIRM:
      sim_confirms_confirmed (world->confirms, client->number, frame->number);
      break;
    case SIM_FRAME_CLEAR:
      if (sim_retains_clear (world->retained, frame->topic) > 0)
        sim_cover (world, SIM_COVER_RETAINED_CLEARED);
      break;
    case SIM_FRAME_LOST:
      sim_lost_reached (world, client, frame, world->passing.seq, bus_peer_is_closing (client->peer));
      break;
    case SIM_FRAME_PAGE:
      sim_pages_reached (world, client);
      break;
    case SIM_FRAME_WILL:
      sim_will_reached (world, client, frame);
      break;
    case SIM_FRAME_GOODBYE:
    case SIM_FRAME_PUBLISH:
    case SIM_FRAME_RESENT:
    case SIM_FRAME_REPLY:
    case SIM_FRAME_DECLINE:
    case SIM_FRAME_OTHER:
      break;
    }
}

static gboolean
world_changes_receivers (const SimFrame *frame)
{
  return frame->kind == SIM_FRAME_SUBSCRIBE || frame->kind == SIM_FRAME_UNSUBSCRIBE || frame->kind == SIM_FRAME_DRAIN
         || frame->kind == SIM_FRAME_CLEAR;
}

void
sim_world_report_passing (SimWorld *world, const SimClient *ending)
{
  SimPassing *passing = &world->passing;

  if (passing->frame == NULL || passing->is_reported)
    return;
  /* A frame that ends its own connection has no other effect, unless it leaves a last message. */
  if (passing->client == ending
          ? passing->frame->kind != SIM_FRAME_WILL
          : !world_changes_receivers (passing->frame) || bus_peer_is_closing (passing->client->peer))
    return;
  passing->is_reported = TRUE;
  world_report_to_model (world, passing->client, passing->frame, passing->waited, passing->may_wait);
}

/* TRUE if no allocation fails for a frame: not for a split one, because the broker would only disconnect its peer; not for a
 * subscription that is restored, because it must exist afterwards; and not for ADJUST, CLEAR, DRAIN, LOST, PAGE, WILL and GOODBYE,
 * because the models assume that they succeed. */
static gboolean
world_needs_memory (const SimFrame *frame, gsize len)
{
  return frame->size != len || frame->is_restored || frame->kind == SIM_FRAME_ADJUST || frame->kind == SIM_FRAME_CLEAR
         || frame->kind == SIM_FRAME_DRAIN || frame->kind == SIM_FRAME_WILL || frame->kind == SIM_FRAME_LOST
         || frame->kind == SIM_FRAME_GOODBYE || frame->kind == SIM_FRAME_PAGE;
}

/* Hands the bytes to the core. @is_spared: no allocation fails */
static void
world_hand_to_core (SimWorld *world, SimClient *client, gsize len, gboolean is_spared)
{
  guint failing = world->fail_allocations;

  if (is_spared)
    world->fail_allocations = SIM_ALLOCATIONS_OK;
  bus_core_received (world->core, client->peer, client->stream->data, len, world->now_us);
  if (is_spared)
    world->fail_allocations = failing;
  g_byte_array_remove_range (client->stream, 0, (guint) len);
}

void
sim_world_note_accepted (SimWorld *world)
{
  while (world->accepted_us->len <= sim_view_accept_seq (world))
    g_array_append_val (world->accepted_us, world->now_us);
}

/* Passes @len bytes to the core, which complete the first frame of the stream. */
static void
world_pass_in_frame (SimWorld *world, SimClient *client, SimFrame *frame, gsize len)
{
  gboolean publishes = frame->kind == SIM_FRAME_PUBLISH;
  gboolean may_wait = sim_view_may_wait (client);
  gboolean ends_requests
      = frame->kind == SIM_FRAME_REPLY || frame->kind == SIM_FRAME_CANCEL || frame->kind == SIM_FRAME_DECLINE;
  gboolean waits = FALSE;
  SimPublish publish;
  GArray *routes = NULL;
  SimBefore before;

  /* A second UNSUBSCRIBE may come before the answer to the first one. */
  if (frame->subscription != 0 && sim_view_has_subscription (client, frame->subscription, &waits)
      && frame->kind == SIM_FRAME_UNSUBSCRIBE)
    sim_retains_leave (world->retained, client->number, frame->subscription,
                       sim_view_retained (client, frame->subscription));
  /* The model needs the matching subscriptions before the core reports its decisions about the message. */
  if (publishes)
    sim_publish_before (world, client, frame, 0, &publish);
  sim_check_before_frame (world, client, frame, &before);
  sim_check_before_confirm (world, client, frame, &before);
  if (ends_requests)
    routes = sim_check_before_requests (world);
  if (frame->kind == SIM_FRAME_CREDIT)
    sim_check_before_block (world, client);
  if (frame->kind == SIM_FRAME_GOODBYE)
    sim_will_goodbye (world, client);
  world->passing = (SimPassing){ client, frame, waits, may_wait, FALSE, sim_view_accept_seq (world) + 1 };
  frame->may_fail = world->fail_allocations != SIM_ALLOCATIONS_OK;
  world_hand_to_core (world, client, len, world_needs_memory (frame, len));
  world->passing.frame = NULL;
  sim_world_note_accepted (world);
  if (publishes)
    sim_publish_after (world, client, frame, &publish, before.is_forbidden);
  else if (world->passing.is_reported)
    ; /* already reported, while the core handled it */
  else if (!bus_peer_is_closing (client->peer))
    world_report_to_model (world, client, frame, waits, may_wait);
  else if (frame->kind == SIM_FRAME_LOST)
    world_report_to_model (world, client, frame, waits, may_wait); /* its answer may have disconnected the client */
  else if (frame->kind == SIM_FRAME_CONFIRM)
    sim_confirms_confirmed (world->confirms, client->number,
                            frame->number); /* its answer may have disconnected the client */
  else if (frame->kind == SIM_FRAME_DRAIN && frame->drained_slot != client->slot)
    sim_drain_reached (world, client, frame, may_wait); /* the member drains although the asker is being disconnected */
  else if (frame->kind == SIM_FRAME_CLEAR)
    sim_retains_clear_lost (world->retained, frame->topic, sim_view_retains, world);
  if (ends_requests)
    sim_check_after_requests (world, routes, frame->kind == SIM_FRAME_CANCEL ? 0 : client->number);
  sim_check_after_frame (world, client, frame, &before);
  sim_check_after_confirm (world, client, frame, &before);
  if (frame->kind == SIM_FRAME_CREDIT)
    sim_check_after_block (world, client);
}

/* Passes @len bytes to the core: the first frame of the stream, or a part of it. */
static void
world_pass_in (SimWorld *world, SimClient *client, gsize len)
{
  SimFrame *frame = g_queue_peek_head (&client->frames);

  if (frame->left == frame->size)
    frame->begun_us = world->now_us;
  frame->left -= len;
  if (frame->left > 0)
    {
      sim_cover (world, SIM_COVER_SPLIT);
      world_hand_to_core (world, client, len, TRUE);
      return;
    }
  g_queue_pop_head (&client->frames);
  world_pass_in_frame (world, client, frame, len);
  g_free (frame);
}

/* Passes whole messages to the core in one read. No part of them was passed before. */
void
sim_world_feed_at_once (SimWorld *world, SimClient *client)
{
  const guint n = client->frames.length;
  g_autofree SimPublish *publishes = g_new0 (SimPublish, n);
  guint i = 0;

  for (GList *link = client->frames.head; link != NULL; link = link->next, i++)
    {
      SimFrame *frame = link->data;

      frame->begun_us = world->now_us;
      frame->may_fail = world->fail_allocations != SIM_ALLOCATIONS_OK;
      sim_publish_before (world, client, frame, i, &publishes[i]);
    }
  world->passing = (SimPassing){ client, client->frames.head->data,      FALSE, sim_view_may_wait (client),
                                 FALSE,  sim_view_accept_seq (world) + 1 };
  world_hand_to_core (world, client, client->stream->len, FALSE);
  world->passing.frame = NULL;
  sim_world_note_accepted (world);
  memset (world->last_turns, 0, sizeof world->last_turns); /* members may have been picked */
  for (i = 0; i < n; i++)
    {
      g_autofree SimFrame *frame = g_queue_pop_head (&client->frames);

      sim_publish_after (world, client, frame, &publishes[i], FALSE);
    }
}

void
sim_world_feed (SimWorld *world, SimClient *client, gsize max)
{
  sim_world_close_peers (world); /* the model of resends must know which clients are gone */
  while (client->peer != NULL && client->frames.length > 0 && max > 0 && !sim_world_failed (world))
    {
      const SimFrame *frame = g_queue_peek_head (&client->frames);
      gsize len = MIN (frame->left, max);

      max -= len;
      world_pass_in (world, client, len);
      sim_world_close_peers (world);
    }
}

/* --- bytes out --- */

static void
world_hash (SimWorld *world, const guint8 *bytes, gsize len)
{
  for (gsize i = 0; i < len; i++)
    world->hash = (world->hash ^ bytes[i]) * 0x100000001b3u; /* FNV-1a */
}

/* Takes out the bytes of one gather. FALSE: there was nothing to send. */
static gboolean
world_gather (SimWorld *world, SimClient *client, gboolean whole)
{
  gboolean was_between = sim_check_is_between_turns (client);
  WireSpan spans[SPANS];
  guint n = bus_core_gather (world->core, client->peer, spans, SPANS);
  guint failing = world->fail_allocations;
  gsize total = 0;
  gsize taken = 0;

  if (n == 0)
    return FALSE;
  sim_check_turn (world, client, spans, n, was_between);
  for (guint i = 0; i < n; i++)
    total += spans[i].len;
  if (!whole && sim_chance (&world->random, 30))
    {
      total = 1 + sim_below (&world->random, (guint) total);
      sim_cover (world, SIM_COVER_PARTLY_SENT);
    }
  world->fail_allocations = SIM_ALLOCATIONS_OK; /* the memory of the client is not under test */
  for (guint i = 0; i < n && taken < total; i++)
    {
      gsize len = MIN (spans[i].len, total - taken);

      world_hash (world, spans[i].data, len);
      sim_client_received (client, spans[i].data, len);
      taken += len;
    }
  world->fail_allocations = failing;
  sim_check_before_block (world, client);
  bus_core_sent (world->core, client->peer, total, world->now_us);
  sim_check_after_block (world, client);
  return TRUE;
}

void
sim_world_drain (SimWorld *world, SimClient *client, gboolean whole)
{
  client->is_writable = FALSE;
  while (world_gather (world, client, whole) && whole && !sim_world_failed (world))
    ;
  if (!whole)
    client->is_writable = TRUE;
}

/* --- time --- */

static void
world_tick (SimWorld *world)
{
  GArray *routes;
  SimEnds ends;

  for (guint i = 0; i < SIM_CLIENTS; i++)
    sim_check_before_block (world, &world->clients[i]);
  sim_check_before_end (world, NULL, 0, &ends);
  routes = sim_check_before_requests (world);
  sim_resends_tick (world->resends, world->now_us);
  if (sim_retains_tick (world->retained, world->now_us) > 0)
    sim_cover (world, SIM_COVER_RETAINED_EXPIRED);
  bus_core_tick (world->core, world->now_us);
  sim_check_after_requests (world, routes, 0);
  sim_check_after_end (world, &ends);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    sim_check_after_block (world, &world->clients[i]);
}

void
sim_world_advance (SimWorld *world, gint64 us)
{
  world->now_us += 2 * us;
  /* The timers of the broker may be late. */
  world->is_tick_due = !world->is_healing && sim_chance (&world->random, 30);
  if (world->is_tick_due)
    sim_cover (world, SIM_COVER_LATE);
  else if (bus_core_next_tick_us (world->core) <= world->now_us)
    world_tick (world);
  sim_world_close_peers (world);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control.pb-c.h"
#include "envelope.pb-c.h"
#include "sim-hops.h"
#include "sim-lost.h"
#include "sim-pages.h"
#include "sim-will.h"
#include "sim-world.h"
#include "wire-feature.h"
#include "wire-guard.h"

#include <string.h>

/*
 * The frames that a client receives: decodes them, counts messages against its windows, and reports each frame to the model.
 */

static void
client_count_message (SimClient *client, guint32 subscription, gsize len)
{
  for (guint i = 0; i < SIM_SUBS; i++)
    {
      SimSub *sub = &client->subs[i];

      if (!sub->exists || sub->number != subscription)
        continue;
      sub->got_messages++;
      sub->got_bytes += len;
      sub->largest = MAX (sub->largest, len);
      /* The broker may begin a message while any credit is left, and one lane overtakes the other. Returned credit may still be
       * in transit, so the broker has at most this credit. */
      if (sub->got_messages - sub->returned_messages > sub->window_messages
          || sub->got_bytes - sub->returned_bytes >= sub->window_bytes + sub->largest)
        sim_world_fail (client->world, "I2: subscription %u got more than its window", subscription);
      if (!sub->lazy || client->world->is_healing)
        sim_client_return_credit (client, i, FALSE);
    }
}

/* --- frames in --- */

static void
client_expect (const SimClient *client, const char *problem)
{
  if (problem != NULL)
    sim_world_fail (client->world, "%s (%s)", problem, client->id);
}

void
sim_client_expect_refused (SimClient *client, guint64 id)
{
  g_hash_table_add (client->refused, g_memdup2 (&id, sizeof id));
}

static void
client_handle_welcome (SimClient *client, WireSpan body)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__welcome__descriptor, body, 0, NULL);
  const Daemoneye__Eventbus__V1__Welcome *welcome;

  if (guard == NULL)
    {
      sim_world_fail (client->world, "a malformed WELCOME");
      return;
    }
  welcome = wire_guard_message (guard);
  client->is_ready = TRUE;
  if (welcome->epoch != client->world->options.epoch)
    sim_world_fail (client->world, "M16: WELCOME names epoch %" G_GUINT64_FORMAT, welcome->epoch);
  client->has_streams = (welcome->features & WIRE_FEATURE_STREAM) != 0;
  for (gsize i = 0; i < welcome->n_windows; i++)
    {
      client->granted_messages[welcome->windows[i]->class_] = welcome->windows[i]->messages;
      client->granted_bytes[welcome->windows[i]->class_] = welcome->windows[i]->bytes;
    }
  sim_restart_restore (client);
}

static guint64
client_number_of (WireSpan payload)
{
  guint64 number = 0;

  memcpy (&number, payload.data, MIN (payload.len, sizeof number));
  return number;
}

/* The request names the serving subscription, which may have been replaced since then. */
static void
client_handle_request (SimClient *client, const WireEnvelope *envelope)
{
  WireSpan ids = envelope->subscriptions;
  guint32 id;

  client_expect (client, sim_requests_got_request (client->world->requests, client->number, envelope));
  g_array_append_val (client->routes, envelope->route_id);
  while (wire_envelope_next_u32 (&ids, &id))
    client_count_message (client, id, envelope->payload.len);
}

void
sim_client_confirm (SimClient *client, guint at)
{
  const SimFrame frame = { .kind = SIM_FRAME_CONFIRM, .number = g_array_index (client->confirming, guint64, at) };
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.route = frame.number;
  g_array_remove_index_fast (client->confirming, at);
  sim_client_put (client, WIRE_KIND_DELIVERED, 0, &envelope, &frame);
}

/* Some clients confirm at once; others when an operation does it. */
static void
client_note_route (SimClient *client, guint8 flags, const WireEnvelope *envelope)
{
  if ((envelope->route_id != 0) != ((flags & WIRE_FLAG_WANT_DELIVERED) != 0))
    sim_world_fail (client->world,
                    "O05: a message has a route without the flag WANT_DELIVERED, or the flag without a route");
  if (envelope->route_id == 0)
    return;
  client_expect (client, sim_confirms_got_message (client->world->confirms, client->number, envelope->route_id,
                                                   client_number_of (envelope->payload)));
  g_array_append_val (client->confirming, envelope->route_id);
  if (client->number % 3 == 0 || client->world->is_healing)
    sim_client_confirm (client, client->confirming->len - 1);
}

static guint
client_lane_of (const WireEnvelope *envelope)
{
  return wire_class_of (WIRE_KIND_PUBLISH, envelope->topic, envelope->payload.len, 0).lane;
}

static void
client_note_retained (SimClient *client, guint32 id, const WireEnvelope *envelope)
{
  sim_cover (client->world, SIM_COVER_RETAINED);
  client_expect (client,
                 sim_retains_got (client->world->retained, client->number, id, client_number_of (envelope->payload),
                                  envelope->accept_seq, (const char *) envelope->sender.data, envelope->sender.len));
}

static void
client_handle_retained_end (SimClient *client, const WireEnvelope *envelope)
{
  sim_cover (client->world, SIM_COVER_RETAINED_END);
  client_expect (client, sim_retains_got_end (client->world->retained, client->number, envelope->subscription,
                                              client->world->now_us));
}

static void
client_handle_deliver (SimClient *client, guint8 flags, const WireEnvelope *envelope)
{
  WireSpan ids = envelope->subscriptions;
  guint32 id;

  if (envelope->retained && ids.len == 0)
    {
      client_handle_retained_end (client, envelope);
      return;
    }
  client_note_route (client, flags, envelope);
  sim_will_came (client, client_number_of (envelope->payload), envelope);
  while (wire_envelope_next_u32 (&ids, &id))
    {
      client_count_message (client, id, envelope->payload.len);
      if (envelope->retained)
        client_note_retained (client, id, envelope);
      else if (!sim_watch_event (client->world, client->number, id, envelope))
        sim_model_deliver (client->world->model, client->number, id, client_number_of (envelope->payload),
                           envelope->payload.len, envelope->accept_seq, envelope->remaining_us,
                           (const char *) envelope->sender.data, envelope->sender.len, envelope->attempt);
      if (!envelope->retained)
        client_expect (client,
                       sim_retains_got_live (client->world->retained, client->number, id, client_lane_of (envelope)));
    }
}

static SimFrameName
client_frame_name (const SimClient *client, const WireEnvelope *envelope)
{
  return (SimFrameName){ client->number, envelope->answers };
}

static void
client_handle_ack (SimClient *client, const WireEnvelope *envelope)
{
  guint64 frame = (guint64) client->number << 32 | envelope->answers;
  const char *problem;

  if (envelope->answers == 0)
    {
      sim_drain_noted (client, envelope);
      return;
    }
  for (guint i = 0; i < client->numbered->len; i++)
    if (g_array_index (client->numbered, SimNumbered, i).frame == frame)
      client->last_known = MAX (client->last_known, g_array_index (client->numbered, SimNumbered, i).message_id);
  if (!sim_resends_got_ack (client->world->resends, frame, envelope->accept_seq, envelope->matched, envelope->queued,
                            envelope->refused, &problem))
    sim_model_ack (client->world->model, frame, envelope->accept_seq, envelope->matched, envelope->queued,
                   envelope->refused);
  client_expect (client, problem);
}

static void
client_cover_gap (SimClient *client, const WireEnvelope *envelope)
{
  static const SimSituation full[SIM_N_POLICIES] = {
    [SIM_DROP_OLDEST] = SIM_COVER_DROPPED_OLDEST,
    [SIM_DROP_NEWEST] = SIM_COVER_DROPPED_NEWEST,
    [SIM_CONFLATE] = SIM_COVER_CONFLATED,
  };
  SimPolicy policy = sim_model_policy (client->world->model, client->number, envelope->subscription);

  if (envelope->gap_reason == SIM_REASON_EXPIRED)
    sim_cover (client->world, SIM_COVER_EXPIRED);
  else if (envelope->gap_reason == SIM_REASON_LIMIT)
    sim_cover (client->world, SIM_COVER_LIMIT_GAP);
  else if (envelope->gap_reason == SIM_REASON_NO_MEMORY)
    sim_cover (client->world, SIM_COVER_NO_MEMORY_GAP);
  else if (envelope->gap_reason == SIM_REASON_REFUSED)
    sim_cover (client->world, policy == SIM_ERROR ? SIM_COVER_ERROR_REFUSED : SIM_COVER_BLOCK_REFUSED);
  else if (full[policy] != 0)
    sim_cover (client->world, full[policy]);
}

static gboolean
client_names (const WireEnvelope *envelope, const char *word)
{
  return g_strstr_len ((const char *) envelope->detail.data, (gssize) envelope->detail.len, word) != NULL;
}

static gboolean
client_is_block_over (const WireEnvelope *envelope)
{
  return wire_span_equal (envelope->setting, WIRE_SPAN_LITERAL ("longest_block_us"));
}

static void
client_handle_error (SimClient *client, const WireEnvelope *envelope)
{
  g_hash_table_remove (client->asked, &envelope->answers);
  sim_will_answered (client, envelope, TRUE);
  if (envelope->status == WIRE_STATUS_NO_RESPONDERS
      && sim_confirms_was_held (client->world->confirms, client_frame_name (client, envelope)))
    sim_cover (client->world, SIM_COVER_HELD_UNHANDLED);
  client_expect (client, sim_requests_got_error (client->world->requests, client->number, envelope->answers));
  /* The report of a block that lasted too long is not an answer to the confirmation. */
  if (!client_is_block_over (envelope))
    client_expect (client, sim_confirms_got_error (client->world->confirms, client_frame_name (client, envelope),
                                                   envelope->status, client->world->now_us));
  sim_waiting_failed (client, envelope);
  sim_pages_failed (client, envelope);
  if (envelope->status == WIRE_STATUS_UNKNOWN)
    sim_cover (client->world, SIM_COVER_UNKNOWN);
  if (client_is_block_over (envelope))
    sim_cover (client->world,
               envelope->status == WIRE_STATUS_SLOW_CONSUMER ? SIM_COVER_STREAM_BLOCKED : SIM_COVER_BLOCK_EXPIRED);
  else if (envelope->status == WIRE_STATUS_BAD_PATTERN && client_names (envelope, "group-pattern"))
    sim_cover (client->world, SIM_COVER_JOIN_REFUSED);
  else if (envelope->status == WIRE_STATUS_DENIED && client_names (envelope, "group-own-type"))
    sim_cover (client->world, SIM_COVER_TYPE_REFUSED);
  else if (envelope->status == WIRE_STATUS_DENIED)
    sim_cover (client->world, SIM_COVER_DENIED);
  else if (envelope->status == WIRE_STATUS_LIMIT)
    sim_cover (client->world, envelope->answers != 0 ? SIM_COVER_LIMIT_REFUSED : SIM_COVER_PINNED);
  else if (envelope->status == WIRE_STATUS_TIMEOUT || envelope->status == WIRE_STATUS_RESPONDER_GONE)
    sim_cover (client->world, SIM_COVER_REQUEST_ENDED);
  else if (envelope->status == WIRE_STATUS_UNSUPPORTED && client_names (envelope, "group-strategy"))
    sim_cover (client->world, SIM_COVER_STRATEGY_REFUSED);
  else if (envelope->status == WIRE_STATUS_UNSUPPORTED && client_names (envelope, "group"))
    sim_cover (client->world, SIM_COVER_GROUP_POLICY);
}

static void
client_handle_joined (SimClient *client, const WireEnvelope *envelope)
{
  gpointer number = g_hash_table_lookup (client->joining, &envelope->answers);
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__SubscribeReply *reply;

  if (number == NULL)
    return;
  guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__subscribe_reply__descriptor, envelope->payload, 0, NULL);
  if (guard == NULL)
    {
      sim_world_fail (client->world, "a malformed answer to subscribe");
      return;
    }
  reply = wire_guard_message (guard);
  client_expect (client, sim_retains_answered (client->world->retained, client->number, GPOINTER_TO_UINT (number),
                                               reply->retained));
}

static void
client_handle_left (SimClient *client, const WireEnvelope *envelope)
{
  gpointer number = g_hash_table_lookup (client->left, &envelope->answers);
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__UnsubscribeReply *reply;

  if (number == NULL)
    return;
  guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__unsubscribe_reply__descriptor, envelope->payload, 0, NULL);
  if (guard == NULL)
    {
      sim_world_fail (client->world, "a malformed answer to unsubscribe");
      return;
    }
  reply = wire_guard_message (guard);
  if (!sim_watch_is_watching (client->world->watch, client->number, GPOINTER_TO_UINT (number)))
    sim_model_left (
        client->world->model, client->number, GPOINTER_TO_UINT (number),
        reply->delivered - sim_retains_counted (client->world->retained, client->number, GPOINTER_TO_UINT (number)),
        reply->missed - sim_lost_reported (client->world, client->number, GPOINTER_TO_UINT (number)), reply->discarded);
}

/* CANCEL: most responders stop then; others answer a request that has ended. */
static void
client_handle_cancel (SimClient *client, const WireEnvelope *envelope)
{
  client_expect (client, sim_requests_got_cancel (client->world->requests, client->number, envelope));
  sim_cover (client->world, SIM_COVER_CANCELLED);
  for (guint i = 0; envelope->route_id % 3 != 0 && i < client->routes->len; i++)
    if (g_array_index (client->routes, guint64, i) == envelope->route_id)
      g_array_remove_index (client->routes, i--);
}

static void
client_handle_reply (SimClient *client, guint8 flags, const WireEnvelope *envelope)
{
  static const SimSituation covered[] = {
    [SIM_REPLY_PART] = SIM_COVER_PART,
    [SIM_REPLY_MERGED] = SIM_COVER_MERGED,
    [SIM_REPLY_ANSWERED] = SIM_COVER_REPLIED,
    [SIM_REPLY_FAILED] = SIM_COVER_MEMBER_FAILED,
    [SIM_REPLY_END_OK] = SIM_COVER_MANY_ENDED,
    [SIM_REPLY_END_FIRST] = SIM_COVER_MANY_FIRST,
    [SIM_REPLY_END_PARTIAL] = SIM_COVER_MANY_PARTIAL,
  };
  SimReplyKind kind;

  client_expect (client, sim_requests_got_reply (client->world->requests, client->number, flags, envelope, &kind));
  if (kind != SIM_REPLY_FOREIGN)
    sim_cover (client->world, covered[kind]);
  if (g_hash_table_contains (client->refused, &envelope->answers))
    sim_world_fail (client->world, "R04: %s got a REPLY although its queue has no room for it", client->id);
  client_handle_joined (client, envelope);
  client_handle_left (client, envelope);
  sim_restart_verified (client, envelope);
  sim_will_answered (client, envelope, FALSE);
  sim_lost_answered (client, envelope);
  sim_waiting_replied (client, flags, envelope);
  sim_pages_replied (client, envelope);
  if (flags & WIRE_FLAG_FINAL)
    g_hash_table_remove (client->asked, &envelope->answers);
  sim_client_return_reply_credit (client, client->world->is_healing);
}

static void
client_handle (SimClient *client, const WireFrame *frame, const WireEnvelope *envelope)
{
  SimWorld *world = client->world;

  sim_hops_came (client, frame->kind, envelope);
  switch (frame->kind)
    {
    case WIRE_KIND_DELIVER:
      client_handle_deliver (client, frame->flags, envelope);
      break;
    case WIRE_KIND_GAP:
      if (sim_lost_gap (client, envelope))
        break;
      client_cover_gap (client, envelope);
      if (!sim_watch_gap (world, client->number, envelope->subscription, envelope))
        sim_model_gap (world->model, client->number, envelope->subscription, envelope->gap_from, envelope->gap_to,
                       envelope->gap_count, envelope->gap_reason);
      break;
    case WIRE_KIND_ACK:
      client_handle_ack (client, envelope);
      break;
    case WIRE_KIND_DELIVERED:
      sim_cover (world, sim_confirms_was_held (world->confirms, client_frame_name (client, envelope))
                            ? SIM_COVER_HELD_CONFIRMED
                            : SIM_COVER_CONFIRMED);
      client_expect (client, sim_confirms_got_delivered (world->confirms, client_frame_name (client, envelope)));
      break;
    case WIRE_KIND_CREDIT:
      client->granted_messages[envelope->credit_class % WIRE_N_CLASSES] = envelope->credit_messages;
      client->granted_bytes[envelope->credit_class % WIRE_N_CLASSES] = envelope->credit_bytes;
      break;
    case WIRE_KIND_REQUEST:
      client_handle_request (client, envelope);
      break;
    case WIRE_KIND_REPLY:
      client_handle_reply (client, frame->flags, envelope);
      break;
    case WIRE_KIND_CANCEL:
      client_handle_cancel (client, envelope);
      break;
    case WIRE_KIND_ERROR:
      client_handle_error (client, envelope);
      break;
    default:
      break;
    }
}

static void
client_handle_goodbye (SimClient *client, WireSpan body)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__goodbye__descriptor, body, 0, NULL);
  const Daemoneye__Eventbus__V1__Goodbye *goodbye = guard != NULL ? wire_guard_message (guard) : NULL;

  if (goodbye == NULL)
    sim_world_fail (client->world, "a malformed GOODBYE");
  else if (goodbye->status == WIRE_STATUS_SLOW_CONSUMER)
    sim_cover (client->world, SIM_COVER_CLOSED_SLOW);
  else if (goodbye->status == WIRE_STATUS_CREDIT_EXCEEDED)
    sim_cover (client->world, SIM_COVER_CREDIT_EXCEEDED);
  else if (goodbye->status == WIRE_STATUS_BAD_MESSAGE || goodbye->status == WIRE_STATUS_PROTOCOL_ORDER
           || goodbye->status == WIRE_STATUS_BAD_FRAME)
    sim_cover (client->world, SIM_COVER_HOSTILE_CLOSED);
}

void
sim_client_received (SimClient *client, const guint8 *bytes, gsize len)
{
  WireSpan input = wire_span (bytes, len);
  WireEnvelope envelope;
  WireFrame frame;
  WireFrameResult result;

  while ((result = wire_frame_reader_next (&client->reader, &input, &frame)) == WIRE_FRAME_COMPLETE)
    {
      if (client->had_goodbye)
        sim_world_fail (client->world, "a frame of kind %u came after GOODBYE", frame.kind);
      client->had_goodbye = frame.kind == WIRE_KIND_GOODBYE;
      if (frame.kind == WIRE_KIND_WELCOME)
        client_handle_welcome (client, frame.body);
      else if (frame.kind == WIRE_KIND_GOODBYE)
        client_handle_goodbye (client, frame.body);
      else if (wire_envelope_read (frame.body, frame.kind, WIRE_FROM_BROKER, &envelope).status != WIRE_STATUS_OK)
        sim_world_fail (client->world, "the broker sent a malformed frame of kind %u", frame.kind);
      else
        client_handle (client, &frame, &envelope);
    }
  if (result == WIRE_FRAME_BAD)
    sim_world_fail (client->world, "the broker sent bytes that are not a frame");
}

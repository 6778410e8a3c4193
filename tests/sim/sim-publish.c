/* SPDX-License-Identifier: Apache-2.0 */
#include "core-view.h"
#include "sim-will.h"
#include "sim-world.h"

/*
 * A frame that publishes. The models get it before the broker, because they must know the matching receivers when the broker sends
 * its events. Afterwards this file checks whether the broker should have accepted the message.
 */

/* The number of accepted messages of clients, without the broker's own events and last messages. */
static guint64
publish_count_accepted (const SimWorld *world)
{
  return sim_view_accept_seq (world) - sim_view_announced (world) - world->wills->published;
}

void
sim_publish_before (SimWorld *world, SimClient *client, SimFrame *frame, guint ahead, SimPublish *publish)
{
  *publish = (SimPublish){ .seq = sim_view_accept_seq (world) + 1 + ahead,
                           .accepted = publish_count_accepted (world) + ahead,
                           .received = sim_view_received (client) + ahead,
                           .may_wait = sim_view_may_wait (client),
                           .is_full = sim_view_is_full (client) };
  if (frame->message_id != 0)
    publish->resend = sim_resends_look_up (world->resends, client->slot, frame->message_id, &publish->first);
  if (publish->resend != SIM_RESEND_NEW)
    {
      frame->kind = SIM_FRAME_RESENT;
      return;
    }
  publish->matched = sim_model_publish (world->model, client->number, frame->topic, frame->number, frame->payload_len,
                                        frame->ttl_us, frame->broadcast, frame->at_least_once,
                                        frame->target[0] != '\0' ? frame->target : NULL, &frame->lineage, publish->seq);
  if (frame->hold)
    publish->n_held = sim_model_hold (world->model, frame->number);
  publish->matched += publish->n_held;
  publish->n_groups = sim_model_count_groups (world->model, frame->number);
  publish->n_vacant = frame->hold ? 0 : sim_model_count_vacant (world->model, frame->number);
  if (publish->n_vacant > 0)
    sim_cover (world, SIM_COVER_DRAIN_VACANT);
}

/* --- messages that were sent before --- */

static void
publish_after_resend (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimPublish *publish)
{
  gboolean waits = frame->is_confirmed && publish->resend == SIM_RESEND_KNOWN;

  if (publish_count_accepted (world) != publish->accepted)
    sim_world_fail (world, "K12: message %" G_GUINT64_FORMAT " of %s was accepted twice", frame->message_id,
                    client->id);
  sim_cover (world, publish->resend == SIM_RESEND_KNOWN ? SIM_COVER_RESENT : SIM_COVER_RESEND_REFUSED);
  if (publish->first >> 32 != client->number && publish->first != 0)
    sim_cover (world, SIM_COVER_RESENT_ELSEWHERE);
  if (publish->resend != SIM_RESEND_KNOWN || (waits && !publish->may_wait))
    return;
  sim_resends_repeated (world->resends, client->slot, frame->message_id, frame->number);
  if (sim_view_is_held (world, publish->first))
    sim_cover (world, SIM_COVER_HELD_RESENT);
  if (!waits)
    return;
  sim_confirms_ask_again (world->confirms, publish->first, (SimFrameName){ client->number, (guint32) frame->number });
  if (publish->first >> 32 != client->number)
    sim_cover (world, SIM_COVER_RESENT_WAITS);
}

/* --- messages --- */

/* TRUE if a confirmed or numbered message without at-least-once delivery has a reason to be refused. */
static gboolean
publish_may_be_refused (const SimFrame *frame, const SimPublish *publish)
{
  if (frame->at_least_once || frame->is_retained || frame->hold)
    return TRUE;
  if (frame->message_id != 0 && publish->is_full)
    return TRUE;
  return frame->is_confirmed
         && (!publish->may_wait
             || (frame->target[0] == '\0' ? publish->n_groups == 0 || publish->n_vacant > 0 : publish->matched == 0));
}

static void
publish_compare_refused (SimWorld *world,
                         const SimClient *client,
                         const SimFrame *frame,
                         const SimPublish *publish,
                         gboolean is_forbidden)
{
  gboolean is_direct = frame->target[0] != '\0';

  if (is_forbidden || (is_direct && publish->matched == 0))
    {
      sim_model_withdraw (world->model, frame->number);
      return;
    }
  if (!publish_may_be_refused (frame, publish) && !sim_view_is_closing (world))
    sim_world_fail (world, "a message of client %s was not accepted", client->id);
  if (frame->is_retained)
    sim_cover (world, SIM_COVER_RETAIN_REFUSED);
  sim_model_refuse (world->model, frame->number);
  if (publish->matched > 0)
    sim_cover (world, frame->at_least_once ? SIM_COVER_KEPT_REFUSED : SIM_COVER_CONFIRM_REFUSED);
}

static void
publish_note_retained (SimWorld *world, const SimClient *client, const SimFrame *frame, guint64 seq)
{
  guint lane = wire_class_of (WIRE_KIND_PUBLISH, wire_span_str (frame->topic), frame->payload_len, 0).lane;
  gint64 expires_us = frame->ttl_us != 0 ? world->now_us + (gint64) frame->ttl_us : 0;

  if (sim_retains_store (world->retained, client->number, frame->until_gone, client->id, frame->topic, frame->number,
                         seq, lane, &frame->lineage, expires_us))
    sim_cover (world, SIM_COVER_RETAINED_REPLACED);
}

static void
publish_note_accepted (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimPublish *publish)
{
  guint64 wait_us = frame->deadline_us != 0 ? frame->deadline_us : world->request_timeout_us;
  guint routes = frame->target[0] != '\0' ? 1 : publish->n_groups + publish->n_held;

  if (frame->message_id != 0)
    sim_resends_accepted (world->resends, client->slot, frame->message_id, frame->number, publish->seq);
  if (frame->is_confirmed && !publish->may_wait)
    sim_world_fail (world, "R06: %s waits for more answers than it may", client->id);
  if (frame->is_confirmed)
    sim_confirms_ask (world->confirms, frame->number, (SimFrameName){ client->number, (guint32) frame->number },
                      sim_view_is_closing (world) ? 0 : routes, world->now_us + (gint64) wait_us);
  if (frame->is_confirmed && frame->hold)
    sim_confirms_hold (world->confirms, frame->number, world->now_us + (gint64) frame->ttl_us, publish->n_held > 0);
  if (frame->target[0] != '\0' && publish->matched > 0)
    sim_cover (world, SIM_COVER_DIRECT);
  if (frame->is_retained)
    publish_note_retained (world, client, frame, publish->seq);
}

void
sim_publish_after (SimWorld *world,
                   const SimClient *client,
                   const SimFrame *frame,
                   const SimPublish *publish,
                   gboolean is_forbidden)
{
  gboolean is_accepted = publish_count_accepted (world) > publish->accepted;

  if (sim_view_received (client) <= publish->received)
    {
      sim_model_withdraw (world->model, frame->number); /* the broker is disconnecting its publisher */
      return;
    }
  if (frame->message_id != 0 && publish->resend != SIM_RESEND_NO_WINDOW
      && sim_resends_open (world->resends, client->slot))
    sim_cover (world, SIM_COVER_RESEND_MADE_ROOM);
  if (publish->resend != SIM_RESEND_NEW)
    publish_after_resend (world, client, frame, publish);
  else if (!is_accepted)
    publish_compare_refused (world, client, frame, publish, is_forbidden);
  else if (is_forbidden || (frame->target[0] != '\0' && publish->matched == 0)
           || (frame->is_confirmed && publish->matched == 0)
           || ((frame->is_confirmed || frame->at_least_once) && frame->target[0] == '\0' && publish->n_vacant > 0))
    sim_world_fail (world, "a message of client %s was accepted", client->id);
  else
    publish_note_accepted (world, client, frame, publish);
  if (sim_view_is_closing (world))
    sim_model_unsure (world->model, frame->number);
}

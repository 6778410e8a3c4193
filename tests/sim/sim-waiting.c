/* SPDX-License-Identifier: Apache-2.0 */
#include "control.pb-c.h"
#include "core-view.h"
#include "sim-world.h"
#include "wire-guard.h"

/*
 * Calls that wait for clients: reports to their model the calls that have reached the broker, and the answers that arrive.
 */

/* --- to the broker --- */

void
sim_waiting_reached (SimWorld *world, const SimClient *client, const SimFrame *frame, gboolean is_granted)
{
  gboolean waits = sim_view_call_waits (client, frame->number);

  /* Without memory the call is refused. If memory is missing only for the state, the watch exists; its state is sent later. */
  if (!waits && (!is_granted || frame->watches))
    {
      if (is_granted && !frame->may_fail)
        sim_world_fail (world, "K11: a watch of %s was refused", client->id);
      return;
    }
  sim_waits_begin (world->waits, &(const SimWait){ .connection = client->number,
                                                   .id = frame->number,
                                                   .slot = frame->watched_slot,
                                                   .watches = frame->watches,
                                                   .is_counted = !frame->may_fail,
                                                   .begun_at = world->passing.seq - 1 });
}

/* --- to the asker --- */

static void
waiting_expect (const SimClient *client, const char *problem)
{
  if (problem != NULL)
    sim_world_fail (client->world, "%s", problem);
}

void
sim_waiting_failed (const SimClient *client, const WireEnvelope *envelope)
{
  SimWaits *waits = client->world->waits;

  if (!sim_waits_is_known (waits, client->number, envelope->answers))
    return;
  if (envelope->status == WIRE_STATUS_TIMEOUT)
    sim_cover (client->world, SIM_COVER_WAIT_IN_VAIN);
  waiting_expect (client, sim_waits_got_error (waits, client->number, envelope->answers));
}

static void
waiting_take_rows (const SimClient *client, const Daemoneye__Eventbus__V1__WaitReply *reply, SimWaitNews *news)
{
  for (gsize i = 0; i < reply->n_peers && news->n < SIM_WAIT_ROWS; i++)
    news->rows[news->n++] = (SimWaitRow){ .slot = (guint) (reply->peers[i]->id[1] - '0'),
                                          .present = reply->peers[i]->present,
                                          .incarnation = reply->peers[i]->incarnation };
  if (news->n != reply->n_peers)
    sim_world_fail (client->world, "K11: the answer to wait names %zu peers", reply->n_peers);
}

void
sim_waiting_replied (const SimClient *client, guint8 flags, const WireEnvelope *envelope)
{
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__WaitReply *reply;
  SimWaits *waits = client->world->waits;
  SimWaitNews news;

  if (!sim_waits_is_known (waits, client->number, envelope->answers))
    return;
  guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__wait_reply__descriptor, envelope->payload, 0, NULL);
  reply = guard != NULL ? wire_guard_message (guard) : NULL;
  if (reply == NULL)
    {
      sim_world_fail (client->world, "a malformed answer to wait");
      return;
    }
  news = (SimWaitNews){ .seq = reply->accept_seq,
                        .restart = reply->restart,
                        .complete = reply->complete,
                        .is_final = (flags & WIRE_FLAG_FINAL) != 0 };
  waiting_take_rows (client, reply, &news);
  if (news.seq > sim_view_accept_seq (client->world))
    sim_world_fail (client->world, "K11: the sequence of an answer is larger than that of the newest message");
  waiting_expect (client, sim_waits_got_reply (waits, client->number, envelope->answers, &news));
  if (news.is_final)
    sim_cover (client->world, SIM_COVER_WAIT_ANSWERED);
  else if (sim_waits_was_behind (waits, client->number, envelope->answers))
    sim_cover (client->world, SIM_COVER_WATCH_BEHIND);
}

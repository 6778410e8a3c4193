/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "core-view.h"
#include "sim-world.h"

#include "peer/bus-peer.h"

/*
 * A rival: a second connection that says HELLO with the id of a client. It comes, its fate is compared with the rules of
 * takeover, and it leaves again, all in one step.
 */

typedef enum
{
  RIVAL_SAME_OBJECT,   /* takes over at once */
  RIVAL_OTHER_ACCOUNT, /* refused at once */
  RIVAL_ANSWERED,      /* the client sends a frame in time, and keeps its id */
  RIVAL_OTHER_OBJECT,  /* of the same process, which makes no difference: the same again */
  RIVAL_SILENT,        /* the client sends nothing for a second */
  RIVAL_N_KINDS
} RivalKind;

static void
rival_connect (SimWorld *world, const SimClient *client, SimClient *rival, RivalKind kind)
{
  BusCredentials who = client->peer->who;
  BusConnectRefusal refusal;

  if (kind != RIVAL_SAME_OBJECT && kind != RIVAL_OTHER_OBJECT)
    who.pid = 900;
  if (kind == RIVAL_OTHER_ACCOUNT)
    who.account += 50;
  sim_client_reset (rival);
  rival->role = client->role == SIM_AGENT ? SIM_AGENT : SIM_COLLECTOR;
  who.agent = client->role == SIM_AGENT;
  g_strlcpy (rival->id, client->id, sizeof rival->id);
  rival->number = kind == RIVAL_SAME_OBJECT ? client->number : ++world->next_client;
  rival->incarnation = kind == RIVAL_SAME_OBJECT ? client->incarnation : rival->number;
  rival->slot = client->slot;
  rival->peer = bus_core_connect (world->core, &who, rival, world->now_us, &refusal);
  if (rival->peer == NULL)
    sim_world_fail (world, "a rival was refused a connection");
  else
    sim_client_hello (rival);
}

static void
rival_say_hello (SimWorld *world, SimClient *rival)
{
  bus_core_received (world->core, rival->peer, rival->stream->data, rival->stream->len, world->now_us);
}

static void
rival_take_at_once (SimWorld *world, SimClient *client, SimClient *rival)
{
  SimEnds ends;

  sim_model_gone (world->model, client->number);
  sim_watch_end_all (world->watch, client->number);
  sim_check_before_end (world, client, 0, &ends);
  rival_say_hello (world, rival);
  sim_check_after_end (world, &ends);
  if (!bus_peer_is_ready (rival->peer) || client->peer->close_status != WIRE_STATUS_TAKEN_OVER)
    sim_world_fail (world, "K11: the same client object did not take %s over", client->id);
  sim_cover (world, SIM_COVER_TAKEN_OVER);
}

static void
rival_be_refused (SimWorld *world, SimClient *client, SimClient *rival)
{
  rival_say_hello (world, rival);
  if (rival->peer->close_status != WIRE_STATUS_DUPLICATE_ID || !bus_peer_is_ready (client->peer))
    sim_world_fail (world, "A01: another account was not refused the id %s", client->id);
  sim_cover (world, SIM_COVER_ID_REFUSED);
}

static void
rival_be_answered (SimWorld *world, SimClient *client, SimClient *rival)
{
  const SimFrame other = { .kind = SIM_FRAME_OTHER };
  WireEnvelope ping;

  rival_say_hello (world, rival);
  if (sim_view_is_taken_over (client))
    sim_world_fail (world, "K11: another client object took %s over at once", client->id);
  wire_envelope_init (&ping);
  sim_client_put (client, WIRE_KIND_PING, 0, &ping, &other);
  sim_world_feed (world, client, G_MAXSIZE);
  if (client->peer == NULL)
    return; /* something that it sent before has ended it */
  if (rival->peer != NULL)
    sim_world_fail (world, "A01: a rival was not refused although %s answered", client->id);
  sim_cover (world, SIM_COVER_ID_KEPT);
}

static void
rival_wait (SimWorld *world, SimClient *client, SimClient *rival)
{
  rival_say_hello (world, rival);
  sim_world_advance (world, G_TIME_SPAN_SECOND / 2);
  if (world->is_tick_due)
    return; /* the broker is late */
  if (client->peer != NULL || rival->peer == NULL || !bus_peer_is_ready (rival->peer))
    sim_world_fail (world, "K11: the id of %s was not taken over after a second of silence", client->id);
  sim_cover (world, SIM_COVER_TAKEN_OVER_SILENT);
}

void
sim_rival_run (SimWorld *world, SimClient *client)
{
  static void (*const runs[RIVAL_N_KINDS]) (SimWorld * world, SimClient * client, SimClient * rival) = {
    [RIVAL_SAME_OBJECT] = rival_take_at_once,
    [RIVAL_OTHER_ACCOUNT] = rival_be_refused,
    [RIVAL_ANSWERED] = rival_be_answered,
    [RIVAL_OTHER_OBJECT] = rival_be_answered,
    [RIVAL_SILENT] = rival_wait,
  };
  SimClient *rival = &world->rival;
  RivalKind kind = (RivalKind) sim_below (&world->random, RIVAL_N_KINDS);

  if (bus_peer_is_closing (client->peer))
    return;
  world->fail_allocations = 0; /* without memory for its HELLO or WELCOME a rival is refused */
  rival_connect (world, client, rival, kind);
  if (!sim_world_failed (world))
    runs[kind](world, client, rival);
  sim_world_close_peers (world);
  if (rival->peer != NULL && bus_peer_is_ready (rival->peer))
    {
      sim_resends_join (world->resends, rival->slot, rival->peer->who.account, rival->incarnation, 0);
      rival->is_known = TRUE;
      sim_waits_changed (world->waits, rival->slot);
    }
  if (rival->peer != NULL)
    sim_world_disconnect (world, rival);
  sim_world_close_peers (world);
}

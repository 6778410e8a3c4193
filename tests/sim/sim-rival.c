/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "core-view.h"
#include "sim-peers.h"
#include "sim-rival.h"

#include "peer/bus-peer.h"

/*
 * A rival: a second connection that sends HELLO with the id of a client. Within one step, the broker's decision is compared
 * with the rules of takeover. Then the rival disconnects; or, if it took the id over, it stays as the connection of that
 * client, which restores its subscriptions like any client that reconnects.
 *
 * The same client object takes over at once: its account, process, incarnation and token are equal. Another process or
 * another incarnation of the account takes over from a connection that is silent for a second; a newer and an older incarnation
 * are treated alike. Any other client is refused at once, with any incarnation.
 */

typedef enum
{
  RIVAL_IS_REFUSED,
  RIVAL_TAKES_OVER,
  RIVAL_WAITS,
} RivalRule;

static RivalRule
rival_rule (RivalWho who, RivalIncarnation incarnation)
{
  if (who >= RIVAL_OTHER_ACCOUNT)
    return RIVAL_IS_REFUSED;
  return who == RIVAL_SAME_PROCESS && incarnation == RIVAL_EQUAL ? RIVAL_TAKES_OVER : RIVAL_WAITS;
}

/* The incarnations of clients are between the incarnations of older and of newer rivals. None is used twice. */
static guint64
rival_incarnation (const SimClient *client, RivalIncarnation incarnation, guint number)
{
  return incarnation == RIVAL_EQUAL   ? client->incarnation
         : incarnation == RIVAL_NEWER ? 2 * SIM_INCARNATIONS + number
                                      : number;
}

void
sim_rival_connect (SimWorld *world,
                   const SimClient *client,
                   SimClient *rival,
                   RivalWho who,
                   RivalIncarnation incarnation,
                   const SimClient *same_as)
{
  BusCredentials credentials = client->peer->who;
  BusConnectRefusal refusal;

  if (who == RIVAL_OTHER_PROCESS)
    credentials.pid++;
  if (who == RIVAL_OTHER_ACCOUNT)
    credentials.account += 50;
  if (who == RIVAL_OTHER_SOCKET)
    credentials.agent = !credentials.agent;
  sim_client_reset (rival);
  rival->role = credentials.agent           ? SIM_AGENT
                : client->role == SIM_AGENT ? SIM_COLLECTOR
                : who < RIVAL_OTHER_ACCOUNT ? client->role
                                            : SIM_COLLECTOR;
  rival->type = client->type;
  g_strlcpy (rival->id, client->id, sizeof rival->id);
  rival->has_token = who == RIVAL_OTHER_TOKEN;
  rival->number = ++world->next_client;
  rival->incarnation = same_as != NULL ? same_as->incarnation : rival_incarnation (client, incarnation, rival->number);
  rival->last_known = incarnation == RIVAL_EQUAL ? client->last_known : 0;
  rival->slot = client->slot;
  rival->peer = bus_core_connect (world->core, &credentials, rival, world->now_us, &refusal);
  if (rival->peer == NULL)
    sim_world_fail (world, "a rival was refused a connection");
  else
    sim_client_hello (rival);
}

void
sim_rival_send_hello (SimWorld *world, SimClient *rival)
{
  bus_core_received (world->core, rival->peer, rival->stream->data, rival->stream->len, world->now_us);
}

/* --- the decision of the broker --- */

void
sim_rival_take_at_once (SimWorld *world, SimClient *client, SimClient *rival)
{
  GArray *routes;
  SimEnds ends;

  sim_check_cover_replaced (world, client);
  sim_model_gone (world->model, client->number);
  sim_watch_end_all (world->watch, client->number);
  sim_check_before_end (world, client, 0, &ends);
  routes = sim_check_before_requests (world);
  sim_rival_send_hello (world, rival);
  sim_check_after_requests (world, routes, client->number);
  sim_check_after_end (world, &ends);
  if (!bus_peer_is_ready (rival->peer) || client->peer->close_status != WIRE_STATUS_TAKEN_OVER)
    sim_world_fail (world, "K11: the same client object did not take %s over", client->id);
  sim_cover (world, SIM_COVER_TAKEN_OVER);
}

static void
rival_check_refused (SimWorld *world, SimClient *client, SimClient *rival)
{
  sim_rival_send_hello (world, rival);
  if (rival->peer->close_status != WIRE_STATUS_DUPLICATE_ID || !bus_peer_is_ready (client->peer))
    sim_world_fail (world, "A01: another account was not refused the id %s", client->id);
  sim_cover (world, SIM_COVER_ID_REFUSED);
}

void
sim_rival_answer (SimWorld *world, SimClient *client)
{
  const SimFrame other = { .kind = SIM_FRAME_OTHER };
  WireEnvelope ping;

  wire_envelope_init (&ping);
  sim_client_put (client, WIRE_KIND_PING, 0, &ping, &other);
  sim_world_feed (world, client, G_MAXSIZE);
}

static void
rival_check_kept (SimWorld *world, SimClient *client, SimClient *rival)
{
  sim_rival_answer (world, client);
  if (client->peer == NULL)
    return; /* an earlier frame of it ended the connection */
  if (rival->peer != NULL)
    sim_world_fail (world, "A01: a rival was not refused although %s answered", client->id);
  sim_cover (world, SIM_COVER_ID_KEPT);
}

static void
rival_wait_for_silence (SimWorld *world, SimClient *client, SimClient *rival)
{
  sim_check_cover_replaced (world, client);
  sim_world_advance (world, G_TIME_SPAN_SECOND / 2);
  if (world->is_tick_due)
    return; /* the timer of the broker is late */
  if (client->peer != NULL || rival->peer == NULL || !bus_peer_is_ready (rival->peer))
    sim_world_fail (world, "K11: the id of %s was not taken over after a second of silence", client->id);
  sim_cover (world, SIM_COVER_TAKEN_OVER_SILENT);
}

static void
rival_wait (SimWorld *world, SimClient *client, SimClient *rival)
{
  sim_rival_send_hello (world, rival);
  if (sim_view_is_taken_over (client))
    sim_world_fail (world, "K11: another client object took %s over at once", client->id);
  else if (sim_chance (&world->random, 60))
    rival_check_kept (world, client, rival);
  else
    rival_wait_for_silence (world, client, rival);
}

/* --- it has the id --- */

/* Another client object begins with nothing. */
static void
rival_renew (SimClient *client, guint64 incarnation)
{
  client->incarnation = incarnation;
  client->next_message_id = client->last_known = 0;
  g_array_set_size (client->numbered, 0);
  sim_restart_forget (client);
}

/* Its connection becomes that of the client. It has sent only its HELLO, and has not received WELCOME yet. */
void
sim_rival_stay (SimWorld *world, SimClient *client, SimClient *rival)
{
  const SimFrame hello = *(const SimFrame *) g_queue_peek_head (&rival->frames);

  if (rival->incarnation != client->incarnation)
    rival_renew (client, rival->incarnation);
  client->number = rival->number;
  client->peer = g_steal_pointer (&rival->peer);
  client->peer->link = client;
  sim_client_reset (rival);
  sim_world_accepted_hello (world, client, &hello);
  sim_cover (world, SIM_COVER_RIVAL_STAYED);
}

void
sim_rival_note (SimWorld *world, SimClient *rival)
{
  const SimFrame *hello = g_queue_peek_head (&rival->frames);

  sim_resends_join (world->resends, rival->slot, rival->peer->who.account, rival->incarnation, hello->number);
  rival->is_known = TRUE;
  sim_waits_changed (world->waits, rival->slot);
  sim_peers_connected (world->peers, rival->slot, rival->incarnation, sim_view_accept_seq (world));
}

void
sim_rival_leave (SimWorld *world, SimClient *rival)
{
  if (bus_peer_is_ready (rival->peer))
    sim_rival_note (world, rival);
  sim_world_disconnect (world, rival);
}

static void
rival_cover (SimWorld *world, RivalWho who, RivalIncarnation incarnation)
{
  if (who == RIVAL_SAME_PROCESS && incarnation == RIVAL_NEWER)
    sim_cover (world, SIM_COVER_RIVAL_NEWER);
  else if (who == RIVAL_SAME_PROCESS && incarnation == RIVAL_OLDER)
    sim_cover (world, SIM_COVER_RIVAL_OLDER);
  else if (who == RIVAL_OTHER_PROCESS && incarnation == RIVAL_EQUAL)
    sim_cover (world, SIM_COVER_RIVAL_OTHER_PROCESS);
  else if (who == RIVAL_OTHER_ACCOUNT && incarnation == RIVAL_EQUAL)
    sim_cover (world, SIM_COVER_RIVAL_OTHER_ACCOUNT);
  else if (who == RIVAL_OTHER_TOKEN && incarnation == RIVAL_EQUAL)
    sim_cover (world, SIM_COVER_RIVAL_OTHER_TOKEN);
}

void
sim_rival_run (SimWorld *world, SimClient *client)
{
  static void (*const runs[]) (SimWorld * world, SimClient * client, SimClient * rival) = {
    [RIVAL_IS_REFUSED] = rival_check_refused,
    [RIVAL_TAKES_OVER] = sim_rival_take_at_once,
    [RIVAL_WAITS] = rival_wait,
  };
  SimClient *rival = &world->rivals[0];
  RivalWho who = (RivalWho) sim_below (&world->random, RIVAL_N_WHO);
  RivalIncarnation incarnation = (RivalIncarnation) sim_below (&world->random, RIVAL_N_INCARNATIONS);

  if (bus_peer_is_closing (client->peer))
    return;
  if (who == RIVAL_SAME_PROCESS && sim_chance (&world->random, 50))
    incarnation = RIVAL_EQUAL;
  world->fail_allocations = 0; /* a rival is refused if there is no memory for its HELLO or WELCOME */
  rival_cover (world, who, incarnation);
  sim_rival_connect (world, client, rival, who, incarnation, NULL);
  if (!sim_world_failed (world))
    runs[rival_rule (who, incarnation)](world, client, rival);
  sim_world_close_peers (world);
  if (rival->peer != NULL && bus_peer_is_ready (rival->peer) && client->peer == NULL && sim_chance (&world->random, 60))
    sim_rival_stay (world, client, rival);
  else if (rival->peer != NULL)
    sim_rival_leave (world, rival);
  sim_world_close_peers (world);
}

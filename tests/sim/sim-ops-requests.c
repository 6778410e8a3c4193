/* SPDX-License-Identifier: Apache-2.0 */
#include "core-view.h"
#include "sim-hops.h"
#include "sim-ops-private.h"

#include <string.h>

/* Operations on requests: requests to one or many servers, CANCEL, and answers in parts. */

/* A client in whose control lane messages wait, or @client: a reply to it must not overtake them. */
static SimClient *
ops_find_behind (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      SimClient *other = &world->clients[(client->number + i) % SIM_CLIENTS];

      if (other->is_ready && sim_view_control_waits (other))
        return other;
    }
  return client;
}

/* Options of a request of a peer with the feature STREAM: many servers, a window, a longest pause. */
static void
ops_draw_streams (SimRandom *random, WireEnvelope *envelope)
{
  if (sim_chance (random, 40))
    envelope->expect = sim_chance (random, 50) ? G_MAXUINT32 : 1 + sim_below (random, 4);
  if (sim_chance (random, 60))
    {
      envelope->credit_messages = 1 + sim_below (random, 4);
      envelope->credit_bytes = 100 + sim_below (random, 30000);
    }
  if (sim_chance (random, 20))
    envelope->stall_us = 1000 + sim_below (random, 100000);
}

void
sim_op_request (SimWorld *world, SimClient *client)
{
  static guint8 payload[SIM_PAYLOAD_MAX];
  guint len = sim_chance (&world->random, 10) ? 17000 : 16;
  WireEnvelope envelope;
  guint64 key, id;

  if (sim_chance (&world->random, 50))
    client = ops_find_behind (world, client);
  if (!sim_client_has_credit (client, len > 16384 ? WIRE_CLASS_MAY_DROP : WIRE_CLASS_CONTROL))
    return;
  wire_envelope_init (&envelope);
  envelope.id = ++client->next_id;
  envelope.topic = wire_span_str (SIM_SERVED);
  envelope.deadline_us = 1000 + sim_below (&world->random, 300000);
  if (client->has_streams)
    ops_draw_streams (&world->random, &envelope);
  key = (guint64) client->number << 32 | envelope.id;
  sim_hops_ask (world, key, &envelope);
  memcpy (payload, &key, sizeof key);
  envelope.payload = wire_span (payload, len);
  sim_requests_ask (world->requests, client->number, envelope.id, envelope.expect, envelope.credit_messages,
                    envelope.credit_bytes, sim_chance (&world->random, 50));
  id = sim_client_put (client, WIRE_KIND_REQUEST, 0, &envelope, SIM_OTHER_FRAME);
  g_hash_table_add (client->asked, g_memdup2 (&id, sizeof id));
}

/* Cancels the latest request. The broker may already have answered it. */
void
sim_op_cancel (SimWorld *world, SimClient *client)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  for (envelope.id = client->next_id; envelope.id > 0; envelope.id--)
    if (g_hash_table_contains (client->asked, &envelope.id)
        && sim_requests_is_asked (world->requests, client->number, envelope.id))
      {
        g_hash_table_remove (client->asked, &envelope.id);
        sim_client_put (client, WIRE_KIND_CANCEL, 0, &envelope,
                        &(const SimFrame){ .kind = SIM_FRAME_CANCEL, .number = envelope.id });
        return;
      }
}

/* A client that has a request to answer, or @client. */
static SimClient *
ops_find_asked (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      SimClient *other = &world->clients[(client->number + i) % SIM_CLIENTS];

      if (other->is_ready && other->routes->len > 0)
        return other;
    }
  return client;
}

void
sim_op_reply (SimWorld *world, SimClient *client)
{
  static guint8 payload[SIM_PAYLOAD_MAX];
  SimRandom *random = &world->random;
  guint len = sim_chance (random, 10) ? 17000 : (guint) sizeof (SimReplyMark) + sim_below (random, 300);
  gboolean is_final = sim_chance (random, 40);
  gboolean is_progress = !is_final && sim_chance (random, 50);
  SimFrame frame = { .kind = SIM_FRAME_REPLY };
  WireEnvelope envelope;
  SimReplyMark mark;

  if (sim_chance (random, 50))
    client = ops_find_asked (world, client);
  if (client->routes->len == 0
      || !sim_client_has_credit (client, len > 16384 ? WIRE_CLASS_MAY_DROP : WIRE_CLASS_CONTROL))
    return;
  wire_envelope_init (&envelope);
  frame.number = envelope.route = g_array_index (client->routes, guint64, 0);
  if (is_final)
    g_array_remove_index (client->routes, 0);
  mark = sim_requests_next_reply (world->requests, envelope.route, is_progress, is_final);
  frame.is_later = mark.place > 1;
  memcpy (payload, &mark, sizeof mark);
  sim_hops_answer (world, envelope.route, mark.place, &envelope);
  envelope.payload = wire_span (payload, len);
  sim_client_put (client, WIRE_KIND_REPLY,
                  is_final      ? WIRE_FLAG_FINAL
                  : is_progress ? WIRE_FLAG_PROGRESS
                                : 0,
                  &envelope, &frame);
}

/* The responder does not want to answer. */
void
sim_op_decline (SimWorld *world, SimClient *client)
{
  WireEnvelope envelope;

  client = ops_find_asked (world, client);
  if (client->routes->len == 0)
    return;
  wire_envelope_init (&envelope);
  envelope.route = g_array_index (client->routes, guint64, 0);
  g_array_remove_index (client->routes, 0);
  sim_client_put (client, WIRE_KIND_CANCEL, 0, &envelope, &(const SimFrame){ .kind = SIM_FRAME_DECLINE });
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core-view.h"
#include "sim-ops-private.h"

#include <string.h>

/* Operations on confirmations: messages whose publisher waits until they were handled, and messages that are sent again. */

#define RECENT 8u /* only this many of the newest numbered messages are sent again */

void
sim_ops_draw_assurance (SimWorld *world, SimClient *client, SimFrame *frame, WireEnvelope *envelope, guint8 *flags)
{
  SimRandom *random = &world->random;
  SimNumbered numbered = { .frame = frame->number,
                           .topic = frame->topic,
                           .held_us = frame->hold ? frame->ttl_us : 0,
                           .at_least_once = frame->at_least_once };

  if (!frame->broadcast && sim_chance (random, frame->hold ? 50 : 15))
    {
      frame->is_confirmed = numbered.is_confirmed = TRUE;
      frame->deadline_us = envelope->deadline_us
          = sim_chance (random, 30) ? 2 * (500 + sim_below (random, frame->hold ? 1500000 : 100000)) : 0;
      *flags |= WIRE_FLAG_WANT_DELIVERED;
    }
  if (!world->numbers || !sim_chance (random, 30))
    return;
  frame->message_id = envelope->message_id = numbered.message_id = ++client->next_message_id;
  g_array_append_val (client->numbered, numbered);
}

/* The route of a message that waits for the client. 0: there is none */
static guint64
ops_unsent_route (const SimWorld *world, const SimClient *client)
{
  guint64 route, number;

  if (!sim_view_unsent (client, &route, &number))
    return 0;
  sim_confirms_learn (world->confirms, route, number);
  return route;
}

/* A route that another client has received. 0: there is none */
static guint64
ops_foreign_route (const SimWorld *world, const SimClient *client)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      const SimClient *other = &world->clients[i];

      if (other != client && other->confirming->len > 0)
        return g_array_index (other->confirming, guint64, 0);
    }
  return 0;
}

void
sim_op_confirm (SimWorld *world, SimClient *client)
{
  SimFrame frame = { .kind = SIM_FRAME_CONFIRM };
  WireEnvelope envelope;

  if (!sim_chance (&world->random, 10))
    {
      for (guint i = 0; i < SIM_CLIENTS; i++)
        if (world->clients[i].peer != NULL && world->clients[i].confirming->len > 0)
          sim_client_confirm (&world->clients[i], sim_below (&world->random, world->clients[i].confirming->len));
      return;
    }
  wire_envelope_init (&envelope);
  frame.number = ops_unsent_route (world, client);
  if (frame.number == 0)
    frame.number = ops_foreign_route (world, client);
  if (frame.number == 0)
    return;
  envelope.route = frame.number;
  sim_cover (world, SIM_COVER_CONFIRM_FOREIGN);
  sim_client_put (client, WIRE_KIND_DELIVERED, 0, &envelope, &frame);
}

/* A client that has reconnected and has not sent its newest message again, or @client. */
static SimClient *
ops_find_reconnected (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      SimClient *other = &world->clients[(client->number + i) % SIM_CLIENTS];
      guint n = other->numbered->len;

      if (other->is_ready && n > 0 && g_array_index (other->numbered, SimNumbered, n - 1).frame >> 32 != other->number)
        return other;
    }
  return client;
}

void
sim_op_resend (SimWorld *world, SimClient *client)
{
  static guint8 payload[16];
  guint8 flags = WIRE_FLAG_WANT_ACK;
  WireEnvelope envelope;
  SimNumbered *numbered;
  SimFrame frame;
  guint n;

  if (sim_chance (&world->random, 50))
    client = ops_find_reconnected (world, client);
  n = MIN (client->numbered->len, RECENT);
  if (n == 0)
    return;
  numbered = &g_array_index (client->numbered, SimNumbered, client->numbered->len - 1 - sim_below (&world->random, n));
  /* A connection does not send a message again while the first frame still waits for its answer. */
  if (numbered->is_confirmed && numbered->frame >> 32 == client->number)
    return;
  if (!sim_client_has_credit (
          client, wire_class_of (WIRE_KIND_PUBLISH, wire_span_str (numbered->topic), sizeof payload, 0).credit_class))
    return;
  wire_envelope_init (&envelope);
  envelope.id = ++client->next_id;
  envelope.topic = wire_span_str (numbered->topic);
  envelope.message_id = numbered->message_id;
  numbered->frame = (guint64) client->number << 32 | envelope.id;
  memcpy (payload, &numbered->frame, sizeof numbered->frame);
  envelope.payload = wire_span (payload, sizeof payload);
  if (numbered->is_confirmed)
    flags |= WIRE_FLAG_WANT_DELIVERED;
  envelope.delivery
      = (numbered->at_least_once ? WIRE_DELIVERY_AT_LEAST_ONCE : 0) | (numbered->held_us != 0 ? WIRE_DELIVERY_HOLD : 0);
  envelope.ttl_us = numbered->held_us;
  frame = (SimFrame){ .kind = SIM_FRAME_PUBLISH,
                      .topic = numbered->topic,
                      .payload_len = sizeof payload,
                      .number = numbered->frame,
                      .message_id = numbered->message_id,
                      .is_confirmed = numbered->is_confirmed,
                      .at_least_once = numbered->at_least_once,
                      .hold = numbered->held_us != 0,
                      .ttl_us = numbered->held_us };
  sim_client_put (client, WIRE_KIND_PUBLISH, flags, &envelope, &frame);
}

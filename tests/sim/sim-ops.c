/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-lost.h"
#include "sim-ops-private.h"
#include "sim-storm.h"
#include "sim-will.h"

#include <string.h>

/*
 * Operations: valid and invalid actions of clients, and faults around them. Each step of a seed draws one from a
 * table with weights, for a random client.
 */

void
sim_ops_call (SimClient *client, const char *topic, const ProtobufCMessage *message, const SimFrame *frame)
{
  guint8 bytes[SIM_CALL_MAX];
  WireSpan call;

  g_assert (protobuf_c_message_get_packed_size (message) <= sizeof bytes);
  call = wire_span (bytes, protobuf_c_message_pack (message, bytes));
  sim_client_call (client, topic, call, frame);
  if (frame->kind == SIM_FRAME_SUBSCRIBE)
    sim_restart_save (client, frame, call);
}

static void
op_stats (SimWorld *world, SimClient *client)
{
  Daemoneye__Eventbus__V1__StatsRequest request;

  daemoneye__eventbus__v1__stats_request__init (&request);
  request.subscriptions = request.groups = request.domains = TRUE;
  request.slow = sim_chance (&world->random, 50);
  sim_ops_call (client, "control.bus.stats", &request.base, SIM_OTHER_FRAME);
}

static void
op_ping (SimWorld *world, SimClient *client)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  sim_client_put (client, WIRE_KIND_PING, 0, &envelope, SIM_OTHER_FRAME);
}

/* --- operations that are not allowed --- */

static void
op_denied (SimWorld *world, SimClient *client)
{
  static const char *const refused[] = { "system.x", "events..x", "nobody.knows", "control.agent.policy" };
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (refused[sim_below (&world->random, client->role == SIM_COLLECTOR ? 4 : 3)]);
  if (sim_client_has_credit (client, wire_class_of (WIRE_KIND_PUBLISH, envelope.topic, 0, 0).credit_class))
    sim_client_put (client, WIRE_KIND_PUBLISH, 0, &envelope, SIM_OTHER_FRAME);
}

static void
op_hostile (SimWorld *world, SimClient *client)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  switch (sim_below (&world->random, 4))
    {
    case 0: /* only the broker delivers */
      sim_client_put (client, WIRE_KIND_DELIVER, 0, &envelope, SIM_OTHER_FRAME);
      break;
    case 1: /* more credit than the window */
      envelope.subscription = 1;
      envelope.credit_messages = G_MAXUINT32;
      envelope.credit_bytes = G_MAXUINT32;
      sim_client_put (client, WIRE_KIND_CREDIT, 0, &envelope, SIM_OTHER_FRAME);
      break;
    case 2: /* a field of the broker */
      envelope.sender = WIRE_SPAN_LITERAL ("bus");
      envelope.topic = WIRE_SPAN_LITERAL ("health.status");
      sim_client_put (client, WIRE_KIND_PUBLISH, 0, &envelope, SIM_OTHER_FRAME);
      break;
    default: /* without credit */
      if (sim_client_has_credit (client, WIRE_CLASS_MUST_KEEP) || client->role == SIM_COLLECTOR)
        return;
      envelope.topic
          = WIRE_SPAN_LITERAL ("tasks..x"); /* not valid, so that it is refused even if credit has arrived before it */
      sim_client_put (client, WIRE_KIND_PUBLISH, 0, &envelope, SIM_OTHER_FRAME);
    }
}

/* --- faults around clients --- */

static void
op_freeze (SimWorld *world, SimClient *client)
{
  client->is_frozen = !client->is_frozen;
}

static void
op_delay (SimWorld *world, SimClient *client)
{
  client->is_late = !client->is_late;
}

static void
op_disconnect (SimWorld *world, SimClient *client)
{
  sim_world_disconnect (world, client);
}

static void
op_advance (SimWorld *world, SimClient *client)
{
  sim_world_advance (world, sim_chance (&world->random, 90) ? 1 + sim_below (&world->random, 5000)
                                                            : 1 + sim_below (&world->random, 2000000));
}

/* Only for whole frames, so that the queues of the broker run out of memory, not its frame reader. */
static void
op_no_memory (SimWorld *world, SimClient *client)
{
  world->fail_allocations = 1 + sim_below (&world->random, 3);
}

static const struct
{
  guint weight;
  void (*run) (SimWorld *world, SimClient *client);
} ops[] = {
  { 300, sim_op_publish }, { 60, sim_op_subscribe }, { 20, sim_op_watch },     { 12, sim_op_unsubscribe },
  { 12, sim_op_adjust },   { 90, sim_op_credit },    { 10, sim_op_serve },     { 60, sim_op_request },
  { 120, sim_op_reply },   { 12, sim_op_cancel },    { 4, sim_op_decline },    { 6, op_stats },
  { 15, op_ping },         { 6, op_denied },         { 2, op_hostile },        { 40, op_freeze },
  { 15, op_delay },        { 4, op_disconnect },     { 4, sim_rival_run },     { 60, op_advance },
  { 30, sim_op_confirm },  { 25, sim_op_resend },    { 12, sim_op_fill_lane }, { 25, sim_op_large },
  { 12, sim_drain_run },   { 10, sim_op_wait },      { 3, sim_restart_run },   { 3, sim_restart_verify },
  { 8, op_no_memory },     { 10, sim_op_begin },     { 15, sim_will_run },     { 2, sim_will_send_goodbye },
  { 20, sim_lost_run },    { 8, sim_storm_run },     { 4, sim_op_flood },
};

/* Some operations exist only in some seeds. */
static guint
ops_weight (const SimWorld *world, guint at)
{
  gboolean is_of_wills = ops[at].run == sim_will_run || ops[at].run == sim_will_send_goodbye;

  if ((is_of_wills && !world->has_wills) || (ops[at].run == sim_lost_run && !world->loses)
      || (ops[at].run == sim_storm_run && !world->storms))
    return 0;
  return ops[at].weight;
}

void
sim_ops_one (SimWorld *world)
{
  SimClient *client = &world->clients[sim_below (&world->random, SIM_CLIENTS)];
  guint sum = 0;
  guint dice;

  if (client->peer == NULL)
    {
      sim_world_connect (world, client);
      return;
    }
  if (!client->is_ready)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
    sum += ops_weight (world, i);
  dice = sim_below (&world->random, sum);
  for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
    {
      if (dice < ops_weight (world, i))
        {
          ops[i].run (world, client);
          return;
        }
      dice -= ops_weight (world, i);
    }
}

void
sim_ops_limits (SimRandom *random, BusLimits *limits)
{
  limits->max_payload = 65536;
  limits->queue_soft_bytes = 65536;
  limits->queue_hard_bytes = 100000 + sim_below (random, 400000);
  limits->queue_hard_messages = sim_chance (random, 50) ? 16 + sim_below (random, 100) : 65536;
  limits->queue_soft_timeout_us = 100000 + sim_below (random, 1000000);
  limits->control_queue_bytes = sim_chance (random, 40) ? 4000 + sim_below (random, 20000) : 65536;
  limits->broker_bytes = sim_chance (random, 30) ? 300000 + sim_below (random, 500000) : 50331648;
  limits->uid_bytes = sim_chance (random, 20) ? 200000 + sim_below (random, 300000) : 50331648;
  limits->quota_soft_percent = 1 + sim_below (random, 100);
  limits->publish_window_control_bytes = 32768;
  limits->publish_window_must_keep_bytes = 3000 + sim_below (random, 30000);
  limits->publish_window_may_drop_bytes = 65536;
  limits->publish_window_messages = 16 + sim_below (random, 100);
  limits->max_pending_requests = 1 + sim_below (random, 8);
  limits->max_request_members = 1 + sim_below (random, 20);
  limits->longest_block_us = 1000 + sim_below (random, 300000);
  limits->request_timeout_us = 1000000;
  limits->resend_windows = sim_chance (random, 50) ? 3 + sim_below (random, 6) : 1024;
  limits->settle_timeout_us = 1000 + sim_below (random, 300000);
  limits->unsettled_messages = sim_chance (random, 50) ? 1 + sim_below (random, 10) : 1000;
  limits->delivery_attempts = 1 + sim_below (random, 4);
  limits->max_subscriptions = sim_chance (random, 20) ? 3 : 1024;
  limits->task_heartbeat_us = 300 * G_TIME_SPAN_SECOND; /* the family sim-tasks tests health */
  limits->topic_cache = 16;
  limits->timeline_bytes = 4096 + sim_below (random, 12000);
}

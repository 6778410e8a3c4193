/* SPDX-License-Identifier: Apache-2.0 */
#include "gathers-world.h"

#include "envelope.pb-c.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "wire-feature.h"

/*
 * Passes inputs to the core, one at a time, and compares its state before and after each.
 */

#define MAGIC   0x42594544u
#define VERSION (1u << 16)
#define SPANS   64u

void
gathers_fail (GathersWorld *world, const char *format, ...)
{
  va_list args;

  if (gathers_failed (world))
    return;
  va_start (args, format);
  g_vsnprintf (world->failure, sizeof world->failure, format, args);
  va_end (args);
}

const char *
gathers_name (const GathersWorld *world, guint slot)
{
  return slot < GATHERS_CLIENTS ? world->clients[slot].id : "nobody";
}

guint
gathers_slot_of (const GathersWorld *world, const char *id)
{
  for (guint i = 0; id != NULL && i < GATHERS_NAMES; i++)
    if (strcmp (gathers_name (world, i), id) == 0)
      return i;
  return GATHERS_NAMES;
}

/* --- before and after an input --- */

static void
world_before (GathersWorld *world, const GathersInput *input)
{
  world->now_us++;
  gathers_compare_before (world, input);
}

static void
world_close_peers (GathersWorld *world)
{
  BusPeer *peer;

  while ((peer = bus_core_next_closing (world->core)) != NULL)
    {
      GathersClient *client = bus_peer_link (peer);

      if (!client->has_left)
        gathers_fail (world, "the broker closed the connection of %s: %s", client->id,
                      bus_peer_extra (peer)->close_detail);
      gathers_world_disconnect (world, client);
    }
  while ((peer = bus_core_next_writable (world->core)) != NULL)
    ((GathersClient *) bus_peer_link (peer))->is_writable = TRUE;
}

static void
world_after (GathersWorld *world, const GathersInput *input)
{
  gathers_compare_after (world, input);
  world_close_peers (world);
}

/* --- bytes out --- */

void
gathers_world_put (GathersClient *client, guint8 kind, guint8 flags, WireSpan body, const GathersInput *input)
{
  GathersWorld *world = client->world;
  g_autofree guint8 *frame = g_malloc (WIRE_FRAME_HEADER_LEN + body.len);

  if (client->peer == NULL || gathers_failed (world))
    return;
  wire_frame_put_header (frame, kind, flags, (guint32) body.len);
  if (body.len > 0)
    memcpy (frame + WIRE_FRAME_HEADER_LEN, body.data, body.len);
  world_before (world, input);
  bus_core_received (world->core, client->peer, frame, WIRE_FRAME_HEADER_LEN + body.len, world->now_us);
  world_after (world, input);
}

guint64
gathers_world_send (GathersClient *client, guint8 kind, guint8 flags, WireEnvelope *envelope, const GathersInput *input)
{
  g_autofree guint8 *body = NULL;
  guint8 *end;

  if (envelope->id == 0 && kind != WIRE_KIND_REPLY)
    envelope->id = ++client->next_id;
  body = g_malloc (wire_envelope_size (envelope) + envelope->payload.len + 1);
  end = wire_envelope_write (envelope, body);
  if (envelope->payload.len > 0)
    memcpy (end, envelope->payload.data, envelope->payload.len);
  gathers_world_put (client, kind, flags, wire_span (body, (gsize) (end - body) + envelope->payload.len), input);
  return envelope->id;
}

guint64
gathers_world_call (GathersClient *client,
                    const char *topic,
                    const char *method,
                    const ProtobufCMessage *request,
                    const GathersInput *input)
{
  g_autofree guint8 *payload = g_malloc (protobuf_c_message_get_packed_size (request) + 1);
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.method = wire_span_str (method);
  envelope.payload = wire_span (payload, protobuf_c_message_pack (request, payload));
  return gathers_world_send (client, WIRE_KIND_REQUEST, 0, &envelope, input);
}

/* --- connections --- */

static void
world_hello (GathersClient *client)
{
  Daemoneye__Eventbus__V1__Hello hello = DAEMONEYE__EVENTBUS__V1__HELLO__INIT;
  guint8 body[WIRE_HELLO_MAX];

  hello.magic = MAGIC;
  hello.oldest_version = hello.newest_version = VERSION;
  hello.id = client->id;
  hello.type = (char *) (gsize) client->type;
  hello.role = client->slot == 1 ? 2 : 1;
  hello.incarnation = client->incarnation;
  hello.features = WIRE_FEATURE_DELIVERY | WIRE_FEATURE_STREAM;
  gathers_world_put (client, WIRE_KIND_HELLO, 0, wire_span (body, daemoneye__eventbus__v1__hello__pack (&hello, body)),
                     &(const GathersInput){ .kind = GATHERS_INPUT_OTHER, .client = client });
}

void
gathers_world_connect (GathersWorld *world, GathersClient *client)
{
  const GathersInput input = { .kind = GATHERS_INPUT_OTHER, .client = client };
  BusCredentials who = { .account = client->uid, .pid = 100 + client->slot, .agent = client->slot == 0 };
  char name[16];
  BusConnectRefusal refusal;

  g_snprintf (name, sizeof name, "u%u", client->uid);
  who.account_name = name;
  client->incarnation = ++world->last_incarnation;
  world_before (world, &input);
  client->peer = bus_core_connect (world->core, &who, client, world->now_us, &refusal);
  world_after (world, &input);
  if (client->peer == NULL)
    {
      gathers_fail (world, "a connection was refused: %s", wire_status_name (refusal.status));
      return;
    }
  world_hello (client);
  if (client->peer == NULL)
    return;
  if (client->slot != GATHERS_OLD)
    client->peer->features |= WIRE_FEATURE_TASKS;
  if (gathers_is_collector (client))
    gathers_collector_begin (client);
}

void
gathers_world_disconnect (GathersWorld *world, GathersClient *client)
{
  const GathersInputKind kind = client->has_left || !client->is_registered ? GATHERS_INPUT_LEAVES : GATHERS_INPUT_EOF;
  const GathersInput input
      = { .kind = client->slot < GATHERS_ASKERS ? GATHERS_INPUT_ENDS_QUESTION : kind, .client = client };
  BusPeer *peer = client->peer;

  world_before (world, &input);
  client->peer = NULL;
  bus_core_disconnected (world->core, peer, WIRE_STATUS_ABSENT, world->now_us);
  gathers_compare_after (world, &input);
  gathers_client_reset (client);
  world_close_peers (world);
}

/* --- bytes in --- */

static void
world_hash (GathersWorld *world, WireSpan bytes)
{
  for (gsize i = 0; i < bytes.len; i++)
    world->hash = (world->hash ^ bytes.data[i]) * 0x100000001b3u; /* FNV-1a */
}

void
gathers_world_drain (GathersWorld *world, GathersClient *client)
{
  const GathersInput input = { .kind = GATHERS_INPUT_OTHER, .client = client };
  WireSpan spans[SPANS];
  guint n;

  client->is_writable = FALSE;
  while (client->peer != NULL && !gathers_failed (world)
         && (n = bus_core_gather (world->core, client->peer, spans, SPANS)) > 0)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();

      for (guint i = 0; i < n; i++)
        {
          world_hash (world, spans[i]);
          g_byte_array_append (bytes, spans[i].data, (guint) spans[i].len);
        }
      world_before (world, &input);
      bus_core_sent (world->core, client->peer, bytes->len, world->now_us);
      world_after (world, &input);
      if (client->peer != NULL)
        gathers_client_received (client, bytes->data, bytes->len);
    }
}

/* --- time --- */

static void
world_tick (GathersWorld *world, gint64 now_us)
{
  const GathersInput input = { .kind = GATHERS_INPUT_TICK };

  world->now_us = MAX (world->now_us, now_us - 1);
  world_before (world, &input);
  bus_core_tick (world->core, world->now_us);
  world_after (world, &input);
}

void
gathers_world_advance (GathersWorld *world, gint64 us)
{
  const gint64 end_us = world->now_us + us;

  while (!gathers_failed (world) && bus_core_next_tick_us (world->core) <= end_us)
    world_tick (world, bus_core_next_tick_us (world->core));
  world->now_us = MAX (world->now_us, end_us);
}

/* --- another broker --- */

static void
world_forget (GathersClient *client)
{
  gathers_client_reset (client);
  client->gone_us = 0;
}

void
gathers_world_restart (GathersWorld *world)
{
  for (guint i = 0; i < GATHERS_CLIENTS; i++)
    {
      GathersClient *client = &world->clients[i];

      if (client->peer != NULL)
        bus_core_disconnected (world->core, client->peer, WIRE_STATUS_ABSENT, world->now_us);
      client->peer = NULL;
      world_forget (client);
    }
  bus_core_free (world->core);
  memset (world->questions, 0, sizeof world->questions);
  memset (world->expected, 0, sizeof world->expected);
  world->is_paused = FALSE;
  world->limit = 0;
  world->options.epoch++;
  world->started_us = world->now_us;
  world->core = bus_core_new (&world->options, world->now_us);
  gathers_cover (world, GATHERS_COVER_RESTART);
}

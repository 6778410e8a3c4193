/* SPDX-License-Identifier: Apache-2.0 */
#include "envelope.pb-c.h"
#include "sim-world.h"
#include "wire-feature.h"

#include <string.h>

/*
 * A client, which is a stream of bytes: its start and end, the frames that it sends, and its credit. sim-client-receive decodes
 * the frames that it receives.
 */

#define MAGIC   0x42594544u
#define VERSION (1u << 16)

void
sim_client_init (SimClient *client, SimWorld *world, guint slot)
{
  client->world = world;
  client->slot = slot;
  client->role = slot == 0 ? SIM_AGENT : slot == 1 ? SIM_TOOL : SIM_COLLECTOR;
  client->type = slot % 2 == 0 ? "procmond" : "netmond";
  g_snprintf (client->id, sizeof client->id, "c%u", slot);
  client->stream = g_byte_array_new ();
  client->asked = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  client->refused = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  client->joining = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  client->left = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  client->routes = g_array_new (FALSE, FALSE, sizeof (guint64));
  client->confirming = g_array_new (FALSE, FALSE, sizeof (guint64));
  client->numbered = g_array_new (FALSE, FALSE, sizeof (SimNumbered));
  g_queue_init (&client->frames);
}

void
sim_client_reset (SimClient *client)
{
  g_queue_clear_full (&client->frames, g_free);
  g_byte_array_set_size (client->stream, 0);
  g_hash_table_remove_all (client->asked);
  g_hash_table_remove_all (client->refused);
  g_hash_table_remove_all (client->joining);
  g_hash_table_remove_all (client->left);
  g_array_set_size (client->routes, 0);
  g_array_set_size (client->confirming, 0);
  wire_frame_reader_clear (&client->reader);
  wire_frame_reader_init (&client->reader, 1u << 26);
  memset (client->subs, 0, sizeof client->subs);
  memset (client->granted_messages, 0, sizeof client->granted_messages);
  memset (client->granted_bytes, 0, sizeof client->granted_bytes);
  memset (client->used_messages, 0, sizeof client->used_messages);
  memset (client->used_bytes, 0, sizeof client->used_bytes);
  client->has_streams = client->is_known = FALSE;
  client->is_ready = client->is_frozen = client->is_late = client->is_writable = client->had_goodbye = FALSE;
  client->next_id = 0;
  client->next_subscription = 0;
  client->verified = 0;
}

void
sim_client_clear (SimClient *client)
{
  sim_client_reset (client);
  wire_frame_reader_clear (&client->reader);
  g_byte_array_unref (client->stream);
  g_hash_table_unref (client->asked);
  g_hash_table_unref (client->refused);
  g_hash_table_unref (client->joining);
  g_hash_table_unref (client->left);
  g_array_unref (client->routes);
  g_array_unref (client->confirming);
  g_array_unref (client->numbered);
  sim_restart_forget (client);
}

/* --- frames out --- */

static void
client_append (SimClient *client, guint8 kind, guint8 flags, const guint8 *body, gsize len, const SimFrame *frame)
{
  SimFrame *copy = g_memdup2 (frame, sizeof *frame);
  guint8 header[WIRE_FRAME_HEADER_LEN];

  wire_frame_put_header (header, kind, flags, (guint32) len);
  g_byte_array_append (client->stream, header, sizeof header);
  g_byte_array_append (client->stream, body, (guint) len);
  copy->size = copy->left = sizeof header + len;
  g_queue_push_tail (&client->frames, copy);
}

guint64
sim_client_put (SimClient *client, guint8 kind, guint8 flags, WireEnvelope *envelope, const SimFrame *frame)
{
  g_autofree guint8 *body = NULL;
  WireClass credit_class = WIRE_CLASS_NONE;
  gsize len;

  if (envelope->id == 0 && kind != WIRE_KIND_CREDIT && kind != WIRE_KIND_REPLY)
    envelope->id = ++client->next_id;
  len = wire_envelope_size (envelope) + envelope->payload.len;
  body = g_malloc (len + 1);
  if (envelope->payload.len > 0)
    memcpy (wire_envelope_write (envelope, body), envelope->payload.data, envelope->payload.len);
  else
    wire_envelope_write (envelope, body);
  client_append (client, kind, flags, body, len, frame);
  /* A REPLY of the simulator always answers a control call. */
  if (kind == WIRE_KIND_REPLY)
    credit_class
        = wire_class_of (WIRE_KIND_REQUEST, WIRE_SPAN_LITERAL ("health"), envelope->payload.len, 0).credit_class;
  else
    credit_class = wire_class_of (kind, envelope->topic, envelope->payload.len, 0).credit_class;
  client->used_messages[credit_class]++;
  client->used_bytes[credit_class] += WIRE_FRAME_HEADER_LEN + len;
  return envelope->id;
}

gboolean
sim_client_has_credit (const SimClient *client, WireClass credit_class)
{
  return client->granted_messages[credit_class] > client->used_messages[credit_class]
         && client->granted_bytes[credit_class] > client->used_bytes[credit_class];
}

void
sim_client_hello (SimClient *client)
{
  static char nothing[] = "";
  static guint8 token[] = { 1, 2, 3 };
  const SimFrame frame = { .kind = SIM_FRAME_HELLO,
                           .number = sim_chance (&client->world->random, 50)
                                         ? sim_below (&client->world->random, (guint) client->last_known + 1)
                                         : 0 };
  Daemoneye__Eventbus__V1__Hello hello;
  guint8 body[256];

  daemoneye__eventbus__v1__hello__init (&hello);
  hello.magic = MAGIC;
  hello.oldest_version = hello.newest_version = VERSION;
  hello.id = client->id;
  hello.type = client->role == SIM_COLLECTOR ? (char *) (gsize) client->type : nothing;
  hello.role = client->role == SIM_TOOL ? SIM_TOOL : SIM_COLLECTOR;
  hello.incarnation = client->incarnation;
  hello.token.data = client->has_token ? token : NULL;
  hello.token.len = client->has_token ? sizeof token : 0;
  hello.last_message = frame.number;
  hello.features = (client->world->retains ? WIRE_FEATURE_RETAIN : 0) | WIRE_FEATURE_DELIVERY
                   | (client->number % 5 != 0 ? WIRE_FEATURE_STREAM : 0);
  client_append (client, WIRE_KIND_HELLO, 0, body, daemoneye__eventbus__v1__hello__pack (&hello, body), &frame);
}

void
sim_client_goodbye (SimClient *client)
{
  static char detail[] = "done";
  Daemoneye__Eventbus__V1__Goodbye goodbye;
  guint8 body[32];

  daemoneye__eventbus__v1__goodbye__init (&goodbye);
  goodbye.detail = detail;
  client_append (client, WIRE_KIND_GOODBYE, 0, body, daemoneye__eventbus__v1__goodbye__pack (&goodbye, body),
                 &(const SimFrame){ .kind = SIM_FRAME_GOODBYE });
}

void
sim_client_call (SimClient *client, const char *topic, WireSpan payload, const SimFrame *frame)
{
  WireEnvelope envelope;
  guint64 id;

  if (!sim_client_has_credit (client, WIRE_CLASS_CONTROL))
    return;
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.payload = payload;
  id = sim_client_put (client, WIRE_KIND_REQUEST, 0, &envelope, frame);
  g_hash_table_add (client->asked, g_memdup2 (&id, sizeof id));
  if (frame->kind == SIM_FRAME_SUBSCRIBE)
    g_hash_table_insert (client->joining, g_memdup2 (&id, sizeof id), GUINT_TO_POINTER (frame->subscription));
}

/* --- receive windows --- */

void
sim_client_return_credit (SimClient *client, guint place, gboolean half)
{
  SimSub *sub = &client->subs[place];
  const SimFrame frame = { .kind = SIM_FRAME_CREDIT, .place = place, .subscription = sub->number };
  guint64 messages
      = half ? sub->returned_messages + (sub->got_messages - sub->returned_messages + 1) / 2 : sub->got_messages;
  WireEnvelope credit;

  if (!sub->exists || messages == sub->returned_messages)
    return;
  sub->returned_messages = messages;
  sub->returned_bytes = sub->got_bytes;
  wire_envelope_init (&credit);
  credit.subscription = sub->number;
  credit.credit_messages = sub->window_messages + messages;
  credit.credit_bytes = sub->window_bytes + sub->got_bytes;
  sim_client_put (client, WIRE_KIND_CREDIT, 0, &credit, &frame);
}

void
sim_client_return_reply_credit (SimClient *client, gboolean all)
{
  WireEnvelope credit;

  wire_envelope_init (&credit);
  while (sim_requests_return_credit (client->world->requests, client->number, all, &credit.id, &credit.credit_messages,
                                     &credit.credit_bytes))
    sim_client_put (client, WIRE_KIND_CREDIT, 0, &credit, &(const SimFrame){ .kind = SIM_FRAME_OTHER });
}

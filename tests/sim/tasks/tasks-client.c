/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-world.h"

#include "control.pb-c.h"
#include "envelope.pb-c.h"
#include "wire-feature.h"
#include "wire-guard.h"

/*
 * A client, which is a stream of bytes: the frames that it sends and receives. tasks-collector and tasks-submitter interpret
 * them.
 */

#define MAGIC   0x42594544u
#define VERSION (1u << 16)

static void
client_free_job (gpointer job)
{
  g_free (job);
}

void
tasks_client_init_streams (TasksWorld *world, TasksClient *client)
{
  client->world = world;
  client->stream = g_byte_array_new ();
  wire_frame_reader_init (&client->reader, 1u << 26);
  client->jobs = g_ptr_array_new_with_free_func (client_free_job);
  client->old_jobs = g_ptr_array_new_with_free_func (client_free_job);
  client->calls = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
}

void
tasks_client_init (TasksWorld *world, guint slot)
{
  TasksClient *client = &world->clients[slot];

  tasks_client_init_streams (world, client);
  client->slot = slot;
  client->health_shown = BUS_HEALTH_GONE;
  client->is_collector = slot >= TASKS_SUBMITTERS;
  client->type = client->is_collector ? tasks_types[1 + slot % 2] : tasks_types[0];
  client->account = slot == 2 ? 1 : 0;
  client->uid = client->is_collector ? 1000 : client->account * 500;
  g_snprintf (client->id, sizeof client->id, "%c%u", client->is_collector ? 'm' : 's', slot);
}

static void
client_keep_jobs (TasksClient *client)
{
  for (guint i = 0; i < client->jobs->len; i++)
    g_ptr_array_add (client->old_jobs, g_memdup2 (g_ptr_array_index (client->jobs, i), sizeof (TasksJob)));
  while (client->old_jobs->len > TASKS_OLD_JOBS)
    g_ptr_array_remove_index (client->old_jobs, 0);
  g_ptr_array_set_size (client->jobs, 0);
}

void
tasks_client_reset (TasksClient *client)
{
  g_queue_clear_full (&client->frames, g_free);
  g_byte_array_set_size (client->stream, 0);
  g_hash_table_remove_all (client->calls);
  client_keep_jobs (client);
  wire_frame_reader_clear (&client->reader);
  wire_frame_reader_init (&client->reader, 1u << 26);
  client->is_ready = client->is_frozen = client->is_late = client->is_writable = FALSE;
  client->is_registered = client->is_serving = client->is_draining = client->expects_exit = FALSE;
  client->has_left = client->has_await = FALSE;
  client->registration_id = client->next_id = client->forgotten_route = 0;
  client->serves_standing = FALSE;
  client->apply_route = client->applied = 0;
  client->most_slots = 0;
  client->health = (TasksHealth){ 0 };
  client->hangs_until_us = client->stops_until_us = 0;
  client->owes_pong = FALSE;
}

void
tasks_client_clear (TasksClient *client)
{
  tasks_client_reset (client);
  wire_frame_reader_clear (&client->reader);
  g_byte_array_unref (client->stream);
  g_ptr_array_unref (client->jobs);
  g_ptr_array_unref (client->old_jobs);
  g_hash_table_unref (client->calls);
}

/* --- frames out --- */

static TasksFrame *
client_append (TasksClient *client, guint8 kind, guint8 flags, WireSpan body, const TasksFrame *frame)
{
  TasksFrame *copy = g_memdup2 (frame, sizeof *frame);
  guint8 header[WIRE_FRAME_HEADER_LEN];

  wire_frame_put_header (header, kind, flags, (guint32) body.len);
  g_byte_array_append (client->stream, header, sizeof header);
  g_byte_array_append (client->stream, body.data, (guint) body.len);
  copy->size = sizeof header + body.len;
  g_queue_push_tail (&client->frames, copy);
  return copy;
}

guint64
tasks_client_put (TasksClient *client, guint8 kind, guint8 flags, WireEnvelope *envelope, const TasksFrame *frame)
{
  g_autofree guint8 *body = NULL;
  guint8 *end;

  if (envelope->id == 0 && kind != WIRE_KIND_REPLY)
    envelope->id = ++client->next_id;
  body = g_malloc (wire_envelope_size (envelope) + envelope->payload.len + 1);
  end = wire_envelope_write (envelope, body);
  if (envelope->payload.len > 0)
    memcpy (end, envelope->payload.data, envelope->payload.len);
  client_append (client, kind, flags, wire_span (body, (gsize) (end - body) + envelope->payload.len), frame)->id
      = envelope->id;
  return envelope->id;
}

void
tasks_client_hello (TasksClient *client)
{
  Daemoneye__Eventbus__V1__Hello hello = DAEMONEYE__EVENTBUS__V1__HELLO__INIT;
  guint8 body[WIRE_HELLO_MAX];

  hello.magic = MAGIC;
  hello.oldest_version = hello.newest_version = VERSION;
  hello.id = client->id;
  hello.type = (char *) (gsize) client->type;
  hello.role = client->is_collector || client->slot == 0 ? 1 : 2;
  hello.incarnation = client->incarnation;
  hello.features = WIRE_FEATURE_DELIVERY | WIRE_FEATURE_STREAM;
  client_append (client, WIRE_KIND_HELLO, 0, wire_span (body, daemoneye__eventbus__v1__hello__pack (&hello, body)),
                 &(const TasksFrame){ .kind = TASKS_FRAME_HELLO });
}

void
tasks_client_goodbye (TasksClient *client)
{
  Daemoneye__Eventbus__V1__Goodbye goodbye = DAEMONEYE__EVENTBUS__V1__GOODBYE__INIT;
  char detail[] = "done";
  guint8 body[32];

  goodbye.detail = detail;
  client_append (client, WIRE_KIND_GOODBYE, 0,
                 wire_span (body, daemoneye__eventbus__v1__goodbye__pack (&goodbye, body)),
                 &(const TasksFrame){ .kind = TASKS_FRAME_GOODBYE });
}

void
tasks_client_call (TasksClient *client,
                   const char *topic,
                   const char *method,
                   const ProtobufCMessage *request,
                   const TasksFrame *frame)
{
  g_autofree guint8 *payload = g_malloc (protobuf_c_message_get_packed_size (request) + 1);
  WireEnvelope envelope;
  guint64 id;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.method = wire_span_str (method);
  envelope.payload = wire_span (payload, protobuf_c_message_pack (request, payload));
  if (frame->kind == TASKS_FRAME_AWAIT)
    envelope.deadline_us = 20 * G_TIME_SPAN_SECOND;
  id = tasks_client_put (client, WIRE_KIND_REQUEST, 0, &envelope, frame);
  g_hash_table_insert (client->calls, g_memdup2 (&id, sizeof id), g_memdup2 (frame, sizeof *frame));
}

/* --- frames in --- */

static void
client_handle_reply (TasksClient *client, guint8 flags, const WireEnvelope *envelope)
{
  gboolean is_final = (flags & WIRE_FLAG_PROGRESS) == 0;
  const TasksFrame *call = g_hash_table_lookup (client->calls, &envelope->answers);

  if (call == NULL)
    {
      tasks_fail (client->world, "%s got an answer without a request", client->id);
      return;
    }
  if (client->is_watcher)
    tasks_operator_got_reply (client->world, call, envelope->payload);
  else if (client->is_collector)
    tasks_registration_got_reply (client, call, envelope->payload);
  else
    tasks_submitter_got_reply (client, call, is_final, envelope->payload);
  if (is_final)
    g_hash_table_remove (client->calls, &envelope->answers);
}

static void
client_handle_error (TasksClient *client, const WireEnvelope *envelope)
{
  const TasksFrame *call = g_hash_table_lookup (client->calls, &envelope->answers);

  if (envelope->status == WIRE_STATUS_STALE_LEASE)
    tasks_cover (client->world, TASKS_COVER_STALE_ANSWER);
  if (call != NULL && call->kind == TASKS_FRAME_AWAIT)
    client->has_await = FALSE;
  if (call != NULL && client->is_watcher)
    tasks_operator_got_error (client->world, call, envelope->status);
  g_hash_table_remove (client->calls, &envelope->answers);
}

static void
client_handle_welcome (TasksClient *client)
{
  client->is_ready = TRUE;
  if (client->is_watcher)
    tasks_operator_ready (client);
  else if (client->is_collector)
    tasks_registration_ready (client);
  else
    tasks_submitter_ready (client);
}

static void
client_handle (TasksClient *client, const WireFrame *frame)
{
  WireEnvelope envelope;

  if (wire_envelope_read (frame->body, frame->kind, WIRE_FROM_BROKER, &envelope).status != WIRE_STATUS_OK)
    {
      tasks_fail (client->world, "the broker sent an envelope that cannot be read");
      return;
    }
  switch (frame->kind)
    {
    case WIRE_KIND_REQUEST:
      if (tasks_standing_is_apply (&envelope))
        tasks_standing_got_apply (client, &envelope);
      else
        tasks_collector_got_execute (client, &envelope);
      break;
    case WIRE_KIND_DELIVER:
      if (client->is_watcher)
        tasks_news_got (client->world, &envelope);
      else
        tasks_registration_got_lifecycle (client, envelope.payload);
      break;
    case WIRE_KIND_DELIVERED:
      tasks_collector_got_delivered (client, &envelope);
      break;
    case WIRE_KIND_CANCEL:
      if (!tasks_standing_got_cancel (client, envelope.route_id))
        tasks_collector_got_cancel (client, &envelope);
      break;
    case WIRE_KIND_REPLY:
      client_handle_reply (client, frame->flags, &envelope);
      break;
    case WIRE_KIND_ERROR:
      client_handle_error (client, &envelope);
      break;
    case WIRE_KIND_PING:
      tasks_health_got_ping (client);
      break;
    default:
      break;
    }
}

void
tasks_client_received (TasksClient *client, const guint8 *bytes, gsize len)
{
  WireSpan input = wire_span (bytes, len);
  WireFrame frame;
  WireFrameResult result;

  while ((result = wire_frame_reader_next (&client->reader, &input, &frame)) == WIRE_FRAME_COMPLETE)
    {
      if (frame.kind == WIRE_KIND_WELCOME)
        client_handle_welcome (client);
      else if (frame.kind != WIRE_KIND_GOODBYE)
        client_handle (client, &frame);
    }
  if (result == WIRE_FRAME_BAD)
    tasks_fail (client->world, "the broker sent bytes that are not a frame");
}

void
tasks_client_act (TasksClient *client, const TasksAct *acts, guint n_acts)
{
  guint sum = 0;
  guint dice;

  for (guint i = 0; i < n_acts; i++)
    sum += acts[i].weight;
  dice = sim_below (&client->world->random, sum);
  while (dice >= acts->weight)
    dice -= (acts++)->weight;
  acts->run (client->world, client);
}

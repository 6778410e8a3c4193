/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"

#include "control.pb-c.h"
#include "envelope.pb-c.h"
#include "introspection.pb-c.h"
#include "wire-guard.h"

#define AGENT_UID     0u
#define COLLECTOR_UID 1000u

void
core_setup (Core *core, gconstpointer limits_or_null)
{
  guint32 tool_uids[] = { AGENT_UID };
  BusCoreOptions options = { .tool_accounts = tool_uids,
                             .n_tool_accounts = G_N_ELEMENTS (tool_uids),
                             .epoch = 77,
                             .seed = 1,
                             .wall_us = 1000000,
                             .software_version = "test" };

  bus_limits_init (&options.limits);
  if (limits_or_null != NULL)
    options.limits = *(const BusLimits *) limits_or_null;
  core->now_us = 1;
  core->core = bus_core_new (&options, core->now_us);
  core->clients = g_ptr_array_new ();
}

static void
client_free (Client *client)
{
  Got *got;

  client_disconnect (client);
  while ((got = g_queue_pop_head (&client->got)) != NULL)
    got_free (got);
  wire_frame_reader_clear (&client->reader);
  g_hash_table_unref (client->accounts);
  g_free (client->goodbye_detail);
  g_free (client);
}

void
core_teardown (Core *core, G_GNUC_UNUSED gconstpointer data)
{
  BusCoreStats stats;
  BusNote note;

  core_flush (core);
  for (guint i = 0; i < core->clients->len; i++)
    client_free (g_ptr_array_index (core->clients, i));
  g_ptr_array_unref (core->clients);

  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.connections, ==, 0);
  g_assert_cmpuint (stats.charged_bytes, ==, 0);
  g_assert_cmpuint (stats.subscriptions, ==, 0);
  g_assert_cmpuint (stats.groups, ==, 0);
  g_assert_cmpuint (stats.pending_requests, ==, 0);
  while (bus_core_next_note (core->core, &note, NULL))
    g_assert_true (g_utf8_validate (note.detail, -1, NULL));
  bus_core_free (core->core);
}

static Client *
client_connect (Core *core, guint32 uid, guint32 pid, gboolean agent)
{
  g_autofree char *name = g_strdup_printf ("account-%u", uid);
  BusCredentials who = { .account = uid, .account_name = name, .pid = pid, .agent = agent };
  Client *client = g_new0 (Client, 1);

  client->core = core;
  wire_frame_reader_init (&client->reader, 1u << 26);
  client->accounts = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  client->peer = bus_core_connect (core->core, &who, client, core->now_us, &client->refusal);
  client->closed = client->peer == NULL;
  g_ptr_array_add (core->clients, client);
  return client;
}

Client *
client_new (Core *core, guint32 uid, gboolean agent)
{
  return client_connect (core, uid, 4321, agent);
}

Client *
client_new_process (Core *core, guint32 uid, guint32 pid)
{
  return client_connect (core, uid, pid, FALSE);
}

void
client_disconnect (Client *client)
{
  if (client->peer == NULL)
    return;
  bus_core_disconnected (client->core->core, client->peer, WIRE_STATUS_ABSENT, client->core->now_us);
  client->peer = NULL;
  client->closed = TRUE;
}

/* --- frames from the broker --- */

void
got_free (Got *got)
{
  g_free (got->bytes);
  g_free (got);
}

static void
read_goodbye (Client *client, WireSpan body)
{
  g_autoptr (WireGuard) guard = wire_guard_unpack (&daemoneye__eventbus__v1__goodbye__descriptor, body, 0, NULL);
  const Daemoneye__Eventbus__V1__Goodbye *goodbye;

  g_assert_nonnull (guard);
  goodbye = wire_guard_message (guard);
  client->goodbye = goodbye->status;
  g_free (client->goodbye_detail);
  client->goodbye_detail = g_strdup (goodbye->detail);
  client->goodbye_retry_us = goodbye->retry_us;
}

static void
count_delivery (Client *client, const WireEnvelope *envelope)
{
  WireSpan ids = envelope->subscriptions;
  guint32 id;

  while (wire_envelope_next_u32 (&ids, &id))
    {
      ClientAccount *account = g_hash_table_lookup (client->accounts, GUINT_TO_POINTER (id));

      if (account == NULL)
        continue; /* unsubscribed a moment ago */
      account->messages++;
      account->bytes += envelope->payload.len;
    }
}

static void
keep_frame (Client *client, const WireFrame *frame)
{
  Got *got = g_new0 (Got, 1);

  got->kind = frame->kind;
  got->flags = frame->flags;
  got->bytes = g_memdup2 (frame->body.data, frame->body.len);
  got->body = wire_span (got->bytes, frame->body.len);
  if (frame->kind == WIRE_KIND_GOODBYE)
    read_goodbye (client, got->body);
  else if (frame->kind != WIRE_KIND_WELCOME)
    {
      WireReadResult result = wire_envelope_read (got->body, frame->kind, WIRE_FROM_BROKER, &got->envelope);

      g_assert_cmpint (result.status, ==, WIRE_STATUS_OK);
    }
  if (frame->kind == WIRE_KIND_DELIVER)
    count_delivery (client, &got->envelope);
  g_queue_push_tail (&client->got, got);
}

static void
feed (Client *client, WireSpan bytes)
{
  WireFrame frame;
  WireFrameResult result;

  while ((result = wire_frame_reader_next (&client->reader, &bytes, &frame)) == WIRE_FRAME_COMPLETE)
    keep_frame (client, &frame);
  g_assert_cmpint (result, ==, WIRE_FRAME_MORE);
}

static void
client_drain (Client *client)
{
  WireSpan spans[16];
  guint n;

  while (client->peer != NULL && (n = bus_core_gather (client->core->core, client->peer, spans, 16)) > 0)
    {
      gsize total = 0;

      for (guint i = 0; i < n; i++)
        {
          feed (client, spans[i]);
          total += spans[i].len;
        }
      bus_core_sent (client->core->core, client->peer, total, client->core->now_us);
    }
}

void
core_flush (Core *core)
{
  BusPeer *peer;

  while ((peer = bus_core_next_writable (core->core)) != NULL)
    ((Client *) bus_peer_link (peer))->has_bytes = TRUE;
  for (guint i = 0; i < core->clients->len; i++)
    {
      Client *client = g_ptr_array_index (core->clients, i);

      if (client->is_stopped || !client->has_bytes)
        continue;
      client_drain (client);
      client->has_bytes = FALSE;
    }
  while ((peer = bus_core_next_closing (core->core)) != NULL)
    {
      Client *client = bus_peer_link (peer);

      client_drain (client);
      client_disconnect (client);
    }
}

void
core_advance (Core *core, gint64 us)
{
  core->now_us += us;
  bus_core_tick (core->core, core->now_us);
  core_flush (core);
}

Got *
client_take (Client *client, guint8 kind)
{
  for (GList *link = client->got.head; link != NULL; link = link->next)
    {
      Got *got = link->data;

      if (got->kind == kind)
        {
          g_queue_delete_link (&client->got, link);
          return got;
        }
    }
  return NULL;
}

guint
client_count (Client *client, guint8 kind)
{
  guint n = 0;

  for (GList *link = client->got.head; link != NULL; link = link->next)
    n += ((Got *) link->data)->kind == kind;
  return n;
}

void
client_expect_error (Client *client, guint64 id, WireStatus status)
{
  g_autoptr (Got) got = client_take (client, WIRE_KIND_ERROR);

  g_assert_nonnull (got);
  g_assert_cmpuint (got->envelope.answers, ==, id);
  g_assert_cmpstr (wire_status_name (got->envelope.status), ==, wire_status_name (status));
  g_assert_cmpuint (got->envelope.detail.len, >, 0);
}

/* --- frames to the broker --- */

void
client_send_bytes (Client *client, const void *bytes, gsize len)
{
  const gsize piece = client->piece > 0 ? client->piece : len;

  if (client->batch != NULL)
    {
      g_byte_array_append (client->batch, bytes, (guint) len);
      return;
    }
  for (gsize at = 0; at < len && client->peer != NULL; at += piece)
    bus_core_received (client->core->core, client->peer, (const guint8 *) bytes + at, MIN (piece, len - at),
                       client->core->now_us);
  core_flush (client->core);
}

void
client_begin_batch (Client *client)
{
  client->batch = g_byte_array_new ();
}

void
client_end_batch (Client *client)
{
  g_autoptr (GByteArray) batch = g_steal_pointer (&client->batch);

  client_send_bytes (client, batch->data, batch->len);
}

void
client_send_frame (Client *client, guint8 kind, guint8 flags, WireSpan body)
{
  g_autofree guint8 *frame = g_malloc (WIRE_FRAME_HEADER_LEN + body.len);

  wire_frame_put_header (frame, kind, flags, (guint32) body.len);
  if (body.len > 0)
    memcpy (frame + WIRE_FRAME_HEADER_LEN, body.data, body.len);
  client_send_bytes (client, frame, WIRE_FRAME_HEADER_LEN + body.len);
}

guint64
client_send (Client *client, guint8 kind, guint8 flags, WireEnvelope *envelope)
{
  g_autofree guint8 *body = NULL;
  guint8 *end;

  if (envelope->id == 0)
    envelope->id = ++client->next_id;
  body = g_malloc (wire_envelope_size (envelope) + envelope->payload.len + 1);
  end = wire_envelope_write (envelope, body);
  if (envelope->payload.len > 0)
    memcpy (end, envelope->payload.data, envelope->payload.len);
  client_send_frame (client, kind, flags, wire_span (body, (gsize) (end - body) + envelope->payload.len));
  return envelope->id;
}

static void
client_send_hello (Client *client, const Daemoneye__Eventbus__V1__Hello *hello)
{
  guint8 body[WIRE_HELLO_MAX];

  client_send_frame (client, WIRE_KIND_HELLO, 0, wire_span (body, daemoneye__eventbus__v1__hello__pack (hello, body)));
}

void
client_hello_again (Client *client, const char *id, guint64 incarnation, const char *token_or_null)
{
  Daemoneye__Eventbus__V1__Hello hello = DAEMONEYE__EVENTBUS__V1__HELLO__INIT;
  char type[] = "procmond";

  hello.magic = 0x42594544;
  hello.oldest_version = hello.newest_version = 1 << 16;
  hello.id = (char *) id;
  hello.type = type;
  hello.role = 1;
  hello.incarnation = incarnation;
  if (token_or_null != NULL)
    hello.token = (ProtobufCBinaryData){ strlen (token_or_null), (guint8 *) (gsize) token_or_null };
  client_send_hello (client, &hello);
}

void
client_hello (Client *client, const char *id, const char *type, guint32 role, guint32 oldest, guint32 newest)
{
  Daemoneye__Eventbus__V1__Hello hello = DAEMONEYE__EVENTBUS__V1__HELLO__INIT;

  hello.magic = 0x42594544;
  hello.oldest_version = oldest;
  hello.newest_version = newest;
  hello.id = (char *) id;
  hello.type = (char *) type;
  hello.role = role;
  hello.incarnation = 9;
  hello.features = client->core->features;
  client_send_hello (client, &hello);
}

static Client *
ready (Client *client, const char *id, const char *type, guint32 role)
{
  g_autoptr (Got) welcome = NULL;

  client_hello (client, id, type, role, 1 << 16, 1 << 16);
  welcome = client_take (client, WIRE_KIND_WELCOME);
  g_assert_nonnull (welcome);
  return client;
}

Client *
client_ready (Core *core, const char *id, const char *type)
{
  return ready (client_new (core, COLLECTOR_UID, FALSE), id, type, 1);
}

Client *
agent_ready (Core *core)
{
  return ready (client_new (core, AGENT_UID, TRUE), "daemoneye-agent", "", 1);
}

Client *
tool_ready (Core *core, const char *id)
{
  return ready (client_new (core, AGENT_UID, FALSE), id, "", 2);
}

static void
open_account (Client *client, guint32 subscription, WireSpan payload)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__subscribe_reply__descriptor, payload, 0, NULL);
  const Daemoneye__Eventbus__V1__SubscribeReply *reply;
  ClientAccount *account = g_new0 (ClientAccount, 1);

  g_assert_nonnull (guard);
  reply = wire_guard_message (guard);
  account->window_messages = reply->window_messages;
  account->window_bytes = reply->window_bytes;
  g_hash_table_replace (client->accounts, GUINT_TO_POINTER (subscription), account);
}

guint64
client_subscribe_asked (Client *client, const Asked *asked)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;
  g_autoptr (Got) reply = NULL;

  request.subscription = asked->subscription;
  request.pattern = (char *) asked->pattern;
  request.group = (char *) (asked->group != NULL ? asked->group : "");
  request.serve = asked->serve;
  request.policy = asked->policy;
  request.queue_messages = asked->queue_messages;
  request.queue_bytes = asked->queue_bytes;
  request.window_messages = asked->window_messages;
  request.window_bytes = asked->window_bytes;
  reply = client_call (client, "control.bus.subscribe", &request.base, asked->want);
  if (reply != NULL)
    open_account (client, asked->subscription, reply->envelope.payload);
  return client->next_id;
}

guint64
client_subscribe_full (Client *client,
                       guint32 subscription,
                       const char *pattern,
                       const char *group,
                       gboolean serve,
                       guint64 window_messages,
                       guint64 window_bytes,
                       WireStatus want)
{
  return client_subscribe_with (client, .subscription = subscription, .pattern = pattern, .group = group,
                                .serve = serve, .window_messages = window_messages, .window_bytes = window_bytes,
                                .want = want);
}

void
client_subscribe (Client *client, guint32 subscription, const char *pattern, const char *group)
{
  client_subscribe_full (client, subscription, pattern, group, FALSE, 0, 0, WIRE_STATUS_OK);
}

void
client_serve (Client *client, guint32 subscription, const char *topic)
{
  client_subscribe_full (client, subscription, topic, NULL, TRUE, 0, 0, WIRE_STATUS_OK);
}

Got *
client_call (Client *client, const char *topic, const ProtobufCMessage *request, WireStatus want)
{
  g_autofree guint8 *payload = g_malloc (protobuf_c_message_get_packed_size (request) + 1);
  WireEnvelope envelope;
  Got *reply;
  guint64 id;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.payload = wire_span (payload, protobuf_c_message_pack (request, payload));
  id = client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
  reply = client_take (client, WIRE_KIND_REPLY);
  if (want != WIRE_STATUS_OK)
    {
      g_assert_null (reply);
      client_expect_error (client, id, want);
      return NULL;
    }
  g_assert_nonnull (reply);
  g_assert_cmpuint (reply->envelope.answers, ==, id);
  g_assert_cmpuint (reply->flags, ==, WIRE_FLAG_FINAL);
  return reply;
}

WireGuard *
client_introspect (Client *client, guint section, const char *after, guint limit, const char *peer, WireStatus want)
{
  Daemoneye__Eventbus__V1__BusIntrospectRequest request = DAEMONEYE__EVENTBUS__V1__BUS_INTROSPECT_REQUEST__INIT;
  g_autoptr (Got) reply = NULL;
  WireGuard *guard;

  request.section = section;
  request.after = (char *) (after != NULL ? after : "");
  request.limit = limit;
  request.peer = (char *) (peer != NULL ? peer : "");
  reply = client_call (client, "control.bus.introspect", &request.base, want);
  if (reply == NULL)
    return NULL;
  g_assert_cmpmem (reply->envelope.type_name.data, reply->envelope.type_name.len,
                   "daemoneye.eventbus.v1.BusIntrospectReply", 40);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__bus_introspect_reply__descriptor, reply->envelope.payload, 0,
                             NULL);
  g_assert_nonnull (guard);
  return guard;
}

guint64
client_publish (Client *client, const char *topic, guint8 flags, const void *payload, gsize len)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.payload = wire_span (payload, len);
  return client_send (client, WIRE_KIND_PUBLISH, flags, &envelope);
}

guint64
client_request (Client *client, const char *topic, const char *target, gint64 deadline_us)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.target = wire_span_str (target);
  envelope.deadline_us = (guint64) deadline_us;
  envelope.payload = WIRE_SPAN_LITERAL ("question");
  return client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
}

void
client_reply (Client *client, guint64 route, const char *text)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.route = route;
  envelope.payload = wire_span_str (text);
  client_send (client, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope);
}

void
client_credit (Client *client, guint32 subscription, guint64 messages, guint64 bytes)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.subscription = subscription;
  envelope.credit_messages = messages;
  envelope.credit_bytes = bytes;
  client_send (client, WIRE_KIND_CREDIT, 0, &envelope);
}

static guint
names (const Got *got, guint32 subscription)
{
  WireSpan ids = got->envelope.subscriptions;
  guint32 id;
  guint n = 0;

  while (wire_envelope_next_u32 (&ids, &id))
    n += id == subscription;
  return n;
}

void
client_sum (Client *client, guint32 subscription, guint64 *delivered, guint64 *missed)
{
  GList *next;

  *delivered = 0;
  *missed = 0;
  for (GList *link = client->got.head; link != NULL; link = next)
    {
      Got *got = link->data;

      next = link->next;
      if (got->kind == WIRE_KIND_DELIVER)
        *delivered += names (got, subscription);
      else if (got->kind == WIRE_KIND_GAP && got->envelope.subscription == subscription)
        *missed += got->envelope.gap_count;
      else
        continue;
      g_queue_delete_link (&client->got, link);
      got_free (got);
    }
}

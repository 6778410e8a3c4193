/* SPDX-License-Identifier: Apache-2.0 */
#include "member-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-registry.h"
#include "work/bus-trust.h"

typedef Daemoneye__Eventbus__V1__CollectorEvent CollectorEvent;
typedef Daemoneye__Eventbus__V1__CollectorRecord CollectorRecord;
typedef Daemoneye__Eventbus__V1__CollectorsReply CollectorsReply;

/* --- calls --- */

guint64
member_ask (Client *client, const char *topic, const char *method, const ProtobufCMessage *request, guint64 deadline_us)
{
  g_autofree guint8 *payload = g_malloc (protobuf_c_message_get_packed_size (request) + 1);
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.method = wire_span_str (method);
  envelope.deadline_us = deadline_us;
  envelope.payload = wire_span (payload, protobuf_c_message_pack (request, payload));
  return client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
}

gpointer
member_call (Client *client,
             const char *topic,
             const char *method,
             const ProtobufCMessage *request,
             const ProtobufCMessageDescriptor *type,
             WireStatus want)
{
  guint64 id = member_ask (client, topic, method, request, 0);
  g_autoptr (Got) got = NULL;

  if (want != WIRE_STATUS_OK)
    {
      client_expect_error (client, id, want);
      return NULL;
    }
  got = client_take (client, WIRE_KIND_REPLY);
  g_assert_nonnull (got);
  g_assert_cmpuint (got->envelope.answers, ==, id);
  return protobuf_c_message_unpack (type, NULL, got->envelope.payload.len, got->envelope.payload.data);
}

void
member_done (gpointer message)
{
  protobuf_c_message_free_unpacked (message, NULL);
}

Client *
member_new (Core *core, const char *id)
{
  Client *client = client_ready (core, id, "procmond");

  client->peer->features |= WIRE_FEATURE_TASKS;
  return client;
}

Client *
member_agent (Core *core)
{
  Client *client = agent_ready (core);

  client->peer->features |= WIRE_FEATURE_TASKS | WIRE_FEATURE_RETAIN;
  return client;
}

void
member_fill (RegisterRequest *request, Client *client, Operation *operation, Operation **list, const char *name)
{
  MSG (register_request__init) (request);
  MSG (operation__init) (operation);
  operation->name = (char *) (gsize) name;
  list[0] = operation;
  request->type = client->peer->type;
  request->incarnation = client->peer->incarnation;
  request->n_operations = 1;
  request->operations = list;
  request->max_concurrent = 2;
}

guint64
member_enrol (Client *client, const char *operation_name)
{
  RegisterRequest request;
  Operation operation, *operations[1];
  RegisterReply *reply;
  guint64 id;

  member_fill (&request, client, &operation, operations, operation_name);
  reply
      = member_call (client, REGISTERED, "Register", &request.base, &MSG (register_reply__descriptor), WIRE_STATUS_OK);
  id = reply->registration_id;
  member_done (reply);
  return id;
}

void
member_serve (Client *client)
{
  g_autofree char *topic = g_strconcat ("control.collector.task.procmond.", client->peer->id, NULL);

  client_serve (client, 99, topic);
}

Client *
member_ready (Core *core, const char *id)
{
  Client *client = member_new (core, id);

  member_enrol (client, "scan");
  member_serve (client);
  return client;
}

char *
member_list_with (Client *client, CollectorsRequest *request, char **cursor)
{
  CollectorsReply *reply = member_call (client, "control.bus.collectors", "List", &request->base,
                                        &MSG (collectors_reply__descriptor), WIRE_STATUS_OK);
  g_autoptr (GString) text = g_string_new (NULL);

  for (gsize i = 0; i < reply->n_collectors; i++)
    g_string_append_printf (text, "%s%s=%s", i > 0 ? " " : "", reply->collectors[i]->id,
                            bus_member_state_name ((BusMemberState) (reply->collectors[i]->state - 1)));
  if (cursor != NULL)
    *cursor = g_strdup (reply->next_cursor);
  member_done (reply);
  return g_strdup (text->str);
}

char *
member_list (Client *client)
{
  CollectorsRequest request = DAEMONEYE__EVENTBUS__V1__COLLECTORS_REQUEST__INIT;

  return member_list_with (client, &request, NULL);
}

static void
write_news (GString *text, const Got *got)
{
  g_autofree char *topic = g_strndup ((const char *) got->envelope.topic.data, got->envelope.topic.len);
  const char *word = strrchr (topic, '.') + 1;
  gboolean is_event
      = wire_span_equal (got->envelope.type_name, WIRE_SPAN_LITERAL ("daemoneye.eventbus.v1.CollectorEvent"));
  CollectorEvent *event = NULL;
  CollectorRecord *record = NULL;

  if (is_event)
    event = MSG (collector_event__unpack) (NULL, got->envelope.payload.len, got->envelope.payload.data);
  else
    record = MSG (collector_record__unpack) (NULL, got->envelope.payload.len, got->envelope.payload.data);
  if (is_event)
    g_string_append_printf (text, "%s(%s) ", word, event->collector->id);
  else
    g_string_append_printf (text, "%s=%s ", word, bus_member_state_name ((BusMemberState) (record->state - 1)));
  member_done (is_event ? (gpointer) event : (gpointer) record);
}

char *
member_take_news (Client *client)
{
  g_autoptr (GString) text = g_string_new (NULL);
  Got *got;

  core_flush (client->core);
  while ((got = client_take (client, WIRE_KIND_DELIVER)) != NULL)
    {
      if (got->envelope.retained && got->envelope.topic.len == 0)
        g_string_append (text, ". ");
      else
        write_news (text, got);
      got_free (got);
    }
  g_string_truncate (text, text->len > 0 ? text->len - 1 : 0);
  return g_strdup (text->str);
}

BusMember *
member_of (Core *core, const char *id)
{
  return bus_registry_find (core->core->work, wire_span_str (id));
}

void
member_strike (Core *core, const char *id)
{
  bus_trust_strike (core->core, member_of (core, id), "it did not answer");
  core_advance (core, 1000);
}

void
member_pass_time (Core *core, gint64 us, Client *silent)
{
  for (; us > 0; us -= 2 * SECOND)
    {
      core_advance (core, MIN (us, 2 * SECOND));
      for (guint i = 0; i < core->clients->len; i++)
        {
          Client *client = g_ptr_array_index (core->clients, i);
          WireEnvelope pong;

          if (client == silent || client->closed)
            continue;
          wire_envelope_init (&pong);
          pong.id = 1;
          client_send (client, WIRE_KIND_PONG, 0, &pong);
        }
    }
}

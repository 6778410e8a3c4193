/* SPDX-License-Identifier: Apache-2.0 */
#include "services-fixture.h"

GPtrArray *
services_fixture_receive (Fixture *f)
{
  GPtrArray *frames = client_fixture_receive (f);

  while (frames->len == 0)
    {
      g_ptr_array_unref (frames);
      g_main_context_iteration (f->context, TRUE);
      frames = client_fixture_receive (f);
    }
  return frames;
}

void
services_fixture_connect_until_asked (Fixture *f, ClientResult *result)
{
  g_autoptr (GPtrArray) hello = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const SubscribeRequest *request;

  deye_bus_client_connect_async (f->client, NULL, client_result_set, result);
  hello = services_fixture_receive (f);
  script_welcome (f->in, &with_methods);
  client_fixture_send (f);
  frames = services_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 1);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__subscribe_request__descriptor,
                             ((ScriptFrame *) frames->pdata[0])->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  request = wire_guard_message (guard);
  g_assert_cmpstr (request->pattern, ==, TOPIC);
  g_assert_true (request->serve);
  g_assert_true (request->methods);
  g_assert_cmpuint (request->subscription, ==, 1);
  client_fixture_settle (f);
  g_assert_cmpuint (result->calls, ==, 0); /* the client is connected only when its methods are served */
}

void
services_fixture_connect_served (Fixture *f)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  services_fixture_connect_until_asked (f, &result);
  script_subscribe_reply (f->in, 2, 100, 100000);
  client_fixture_send (f);
  client_fixture_wait (f, result.calls == 1);
  g_assert_true (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_no_error (error);
}

GPtrArray *
services_fixture_call (Fixture *f, const char *method, const char *payload)
{
  GPtrArray *frames;

  g_ptr_array_unref (client_fixture_receive (f));
  script_request (f->in, 1, 700, TOPIC, method, payload);
  client_fixture_send (f);
  frames = services_fixture_receive (f);
  g_assert_cmpint (((ScriptFrame *) frames->pdata[frames->len - 1])->kind, ==, WIRE_KIND_REPLY);
  return frames;
}

const WireEnvelope *
services_fixture_last (GPtrArray *frames)
{
  return &((ScriptFrame *) frames->pdata[frames->len - 1])->envelope;
}

void
services_fixture_assert_span (WireSpan span, const char *text)
{
  g_autofree char *got = g_strndup ((const char *) span.data, span.len);

  g_assert_cmpstr (got, ==, text);
}

void
services_fixture_assert_error (Fixture *f, const char *method, const char *payload, const char *name)
{
  g_autoptr (GPtrArray) frames = services_fixture_call (f, method, payload);

  g_assert_cmpuint (services_fixture_last (frames)->status, ==, WIRE_STATUS_FAILED);
  services_fixture_assert_span (services_fixture_last (frames)->error_name, name);
  g_assert_cmpuint (services_fixture_last (frames)->detail.len, >, 10);
}

WireGuard *
services_fixture_call_for (Fixture *f, const char *method, const char *payload, const ProtobufCMessageDescriptor *type)
{
  g_autoptr (GPtrArray) frames = services_fixture_call (f, method, payload);
  WireGuard *guard;

  g_assert_cmpuint (services_fixture_last (frames)->status, ==, 0);
  services_fixture_assert_span (services_fixture_last (frames)->type_name, type->name);
  guard = wire_guard_unpack (type, services_fixture_last (frames)->payload, 0, NULL);
  g_assert_nonnull (guard);
  return guard;
}

Watch *
services_fixture_new_watch (void)
{
  static Watch watch;

  watch = (Watch){ 0 };
  return &watch;
}

void
services_fixture_on_call (DeyeBusClient *client, DeyeBusMessage *request, gpointer data)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (request);
  g_autoptr (GError) error = NULL;

  ((Watch *) data)->calls++;
  g_assert_true (deye_bus_client_respond (client, request, payload, NULL, &error));
  g_assert_no_error (error);
}

static void
on_destroyed (gpointer data)
{
  ((Watch *) data)->destroyed++;
}

static void
add_value (DeyeBusService *service, const char *name, GType type, gint64 number, const char *text, gboolean writable)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (GValue) converted = G_VALUE_INIT;

  if (type == G_TYPE_STRING)
    g_value_set_string (g_value_init (&value, type), text);
  else
    g_value_set_int64 (g_value_init (&value, G_TYPE_INT64), number);
  g_value_init (&converted, type);
  g_assert_true (g_value_transform (&value, &converted));
  deye_bus_service_add_property (service, name, &converted, writable, "doc");
}

DeyeBusService *
services_fixture_new_service (Watch *watch)
{
  DeyeBusService *service = deye_bus_service_new ("org.example.Disk", "Disks.");
  g_autoptr (GBytes) types = g_bytes_new_static (TYPES, sizeof TYPES - 1);

  deye_bus_service_add_method (service, "List", "org.example.Query", "org.example.Disks", "All.",
                               services_fixture_on_call, watch, on_destroyed);
  deye_bus_service_add_topic (service, "Task", "control.collector.task.disk", "disks", "a.B", NULL, NULL);
  deye_bus_service_add_event (service, "Worn", "events.disk.worn", "org.example.Disk", NULL);
  add_value (service, "small", G_TYPE_INT, -3, NULL, TRUE);
  add_value (service, "large", G_TYPE_UINT, 3, NULL, TRUE);
  add_value (service, "label", G_TYPE_STRING, 0, "none", FALSE);
  add_value (service, "ratio", G_TYPE_FLOAT, 2, NULL, TRUE);
  add_value (service, "active", G_TYPE_BOOLEAN, 1, NULL, TRUE);
  deye_bus_service_add_types (service, types);
  return service;
}

DeyeBusService *
services_fixture_connect_with_service (Fixture *f, Watch *watch)
{
  DeyeBusService *service = services_fixture_new_service (watch);
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_client_add_service (f->client, service, &error));
  g_assert_no_error (error);
  services_fixture_connect_served (f);
  return service;
}

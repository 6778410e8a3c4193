/* SPDX-License-Identifier: Apache-2.0 */
#include "retain-fixture.h"

#include "control.pb-c.h"
#include "wire-feature.h"

void
retain_set_up (Core *core, gconstpointer data)
{
  BusLimits limits;

  bus_limits_init (&limits);
  limits.retained_messages = 4;
  limits.retained_bytes = 8192;
  core_setup (core, &limits);
  core->features = WIRE_FEATURE_RETAIN;
}

guint64
client_send_retained (Client *client, const char *topic, const char *text, guint32 delivery, gint64 ttl_us)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.payload = wire_span_str (text);
  envelope.delivery = delivery;
  envelope.ttl_us = (guint64) ttl_us;
  return client_send (client, WIRE_KIND_PUBLISH, WIRE_FLAG_RETAIN, &envelope);
}

void
client_retain (Client *client, const char *topic, const char *text)
{
  client_send_retained (client, topic, text, 0, 0);
  g_assert_cmpuint (client_count (client, WIRE_KIND_ERROR), ==, 0);
}

void
client_publish_text (Client *client, const char *topic, const char *text)
{
  client_publish (client, topic, 0, text, strlen (text));
}

gboolean
got_is_end (const Got *got)
{
  return got->envelope.retained && got->envelope.subscriptions.len == 0;
}

char *
client_take_all (Client *client)
{
  GString *all = g_string_new (NULL);
  Got *got;

  while ((got = client_take (client, WIRE_KIND_DELIVER)) != NULL)
    {
      if (all->len > 0)
        g_string_append_c (all, ' ');
      if (got_is_end (got))
        g_string_append_c (all, '.');
      g_string_append_len (all, (const char *) got->envelope.payload.data, (gssize) got->envelope.payload.len);
      if (got->envelope.retained && !got_is_end (got))
        g_string_append_c (all, '*');
      got_free (got);
    }
  return g_string_free (all, FALSE);
}

void
client_subscribe_stopped (Client *client, guint32 subscription, const char *pattern)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;
  guint8 payload[64];
  WireEnvelope envelope;

  client->is_stopped = TRUE;
  request.subscription = subscription;
  request.pattern = (char *) pattern;
  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.subscribe");
  envelope.payload = wire_span (payload, daemoneye__eventbus__v1__subscribe_request__pack (&request, payload));
  client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"

#include "control.pb-c.h"

/* A frame that needs a feature beyond those in WELCOME is refused with UNSUPPORTED and has no effect, and the connection
 * stays open. The HELLO of the clients here has no feature, as in the first version. */

#define TOPIC "health.x"

typedef struct
{
  const char *path;
  guint8 kind;
  guint8 flags;
  guint32 delivery;
  guint32 depth;
  guint64 credit_messages;
} NotGranted;

static const NotGranted not_granted[] = {
  { "/core/features/M27-retain", WIRE_KIND_PUBLISH, WIRE_FLAG_RETAIN, 0, 0, 0 },
  { "/core/features/M27-retain-connected", WIRE_KIND_PUBLISH, 0, WIRE_DELIVERY_RETAIN_CONNECTED, 0, 0 },
  { "/core/features/M27-at-least-once", WIRE_KIND_PUBLISH, 0, WIRE_DELIVERY_AT_LEAST_ONCE, 0, 0 },
  { "/core/features/M27-hold", WIRE_KIND_PUBLISH, 0, WIRE_DELIVERY_HOLD, 0, 0 },
  { "/core/features/M27-unnumbered", WIRE_KIND_PUBLISH, 0, 1u << 31, 0, 0 },
  { "/core/features/M27-depth", WIRE_KIND_PUBLISH, 0, 0, 1, 0 },
  { "/core/features/M27-answer-window", WIRE_KIND_REQUEST, 0, 0, 0, 10 },
};

static void
features_set_up (Core *core, gconstpointer data)
{
  core_setup (core, NULL);
}

static void
test_not_granted (Core *core, gconstpointer data)
{
  const NotGranted *c = data;
  Client *client = client_ready (core, "one", "procmond");
  Client *reader = client_ready (core, "two", "procmond");
  WireEnvelope envelope;

  client_subscribe (reader, 1, "health.#", NULL);
  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL (TOPIC);
  envelope.delivery = c->delivery;
  envelope.depth = c->depth;
  envelope.credit_messages = c->credit_messages;
  client_expect_error (client, client_send (client, c->kind, c->flags, &envelope), WIRE_STATUS_UNSUPPORTED);
  g_assert_false (client->closed);
  g_assert_cmpuint (client_count (reader, WIRE_KIND_DELIVER), ==, 0);
}

static void
refuse_subscribe (Client *client, const Daemoneye__Eventbus__V1__SubscribeRequest *request)
{
  g_assert_null (client_call (client, "control.bus.subscribe", &request->base, WIRE_STATUS_UNSUPPORTED));
}

static void
test_subscribe (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "one", "procmond");
  Daemoneye__Eventbus__V1__SubscribeRequest plain = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;
  Daemoneye__Eventbus__V1__SubscribeRequest with;
  Daemoneye__Eventbus__V1__Filter filter = DAEMONEYE__EVENTBUS__V1__FILTER__INIT;

  plain.subscription = 1;
  plain.pattern = (char *) TOPIC;
  plain.group = (char *) "workers";
  with = plain;
  with.strategy = DAEMONEYE__EVENTBUS__V1__STRATEGY__STRATEGY_RANDOM;
  refuse_subscribe (client, &with);
  with = plain;
  with.weight = 2;
  refuse_subscribe (client, &with);
  with = plain;
  with.in_flight = 1;
  refuse_subscribe (client, &with);
  with = plain;
  with.filter = &filter;
  refuse_subscribe (client, &with);
  client_subscribe (client, 1, TOPIC, "workers");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (not_granted); i++)
    g_test_add (not_granted[i].path, Core, &not_granted[i], features_set_up, test_not_granted, core_teardown);
  g_test_add ("/core/features/M27-subscribe", Core, NULL, features_set_up, test_subscribe, core_teardown);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"

#include "control.pb-c.h"
#include "wire-feature.h"
#include "wire-guard.h"

/* The client's part of the share of a member in its group, and of draining. */

typedef ClientFixture Fixture;

static const ScriptWelcome old_broker = { .features = 0 };
static const ScriptWelcome new_broker = { .features = WIRE_FEATURE_DELIVERY };

static void
on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer user_data)
{
}

static DeyeBusSubscription *
join (Fixture *f, DeyeBusSubscribeOptions *options, GError **error)
{
  return deye_bus_client_subscribe_full (f->client, "events.#", "workers", options, on_message, NULL, NULL, NULL,
                                         error);
}

/* The request contains the values of the options, also after a copy. */
static void
test_share (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscribeOptions) options = deye_bus_subscribe_options_new ();
  g_autoptr (DeyeBusSubscribeOptions) copy = NULL;
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__SubscribeRequest *request;

  client_fixture_connect (f, &new_broker);
  deye_bus_subscribe_options_set_strategy (options, DEYE_BUS_STRATEGY_LEAST_LOADED);
  deye_bus_subscribe_options_set_weight (options, 7);
  deye_bus_subscribe_options_set_in_flight (options, 3);
  copy = deye_bus_subscribe_options_copy (options);
  script_subscribe_reply (f->in, 2, 3, 4096);
  client_fixture_send (f);
  subscription = join (f, copy, NULL);
  g_assert_nonnull (subscription);
  frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__subscribe_request__descriptor,
                             script_find (frames, WIRE_KIND_REQUEST)->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  request = wire_guard_message (guard);
  g_assert_cmpint (request->strategy, ==, DAEMONEYE__EVENTBUS__V1__STRATEGY__STRATEGY_LEAST_LOADED);
  g_assert_cmpuint (request->weight, ==, 7);
  g_assert_cmpuint (request->in_flight, ==, 3);
}

static void
test_wrong_values (Fixture *f, gconstpointer data)
{
  client_fixture_connect (f, &new_broker);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (DeyeBusSubscribeOptions) options = deye_bus_subscribe_options_new ();
      g_autoptr (GError) error = NULL;

      if (i == 0)
        deye_bus_subscribe_options_set_strategy (options, (DeyeBusStrategy) 5);
      else
        deye_bus_subscribe_options_set_weight (options, 1001);
      g_assert_null (join (f, options, &error));
      g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
    }
}

/* These options are not sent to an old broker. */
static void
test_unsupported (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, &old_broker);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (DeyeBusSubscribeOptions) options = deye_bus_subscribe_options_new ();
      g_autoptr (GError) error = NULL;

      deye_bus_subscribe_options_set_strategy (options, i == 0 ? DEYE_BUS_STRATEGY_RANDOM : DEYE_BUS_STRATEGY_DEFAULT);
      deye_bus_subscribe_options_set_weight (options, i == 1 ? 2 : 0);
      deye_bus_subscribe_options_set_in_flight (options, i == 2 ? 1 : 0);
      g_assert_null (join (f, options, &error));
      g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
    }
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_REQUEST), ==, 0);
}

/* Draining fails with an old broker before a frame is sent. */
static void
test_drain_unsupported (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (GPtrArray) asked = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &old_broker);
  script_subscribe_reply (f->in, 2, 10, 4096);
  client_fixture_send (f);
  subscription = join (f, NULL, NULL);
  g_assert_nonnull (subscription);
  asked = client_fixture_receive (f);
  deye_bus_subscription_drain_async (subscription, NULL, client_result_set, &result);
  client_fixture_wait (f, result.calls > 0);
  g_assert_false (deye_bus_subscription_drain_finish (subscription, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_REQUEST), ==, 0);
}

static void
note_drain (DeyeBusSubscription *subscription, gpointer data)
{
  g_string_append_printf (data, "%d ", (int) deye_bus_subscription_get_drain_state (subscription));
}

static void
script_drain (Fixture *f, guint32 subscription, guint32 status, guint64 left)
{
  WireEnvelope notice;

  wire_envelope_init (&notice);
  notice.subscription = subscription;
  notice.status = status;
  notice.value = left;
  script_frame (f->in, WIRE_KIND_ACK, 0, &notice);
}

/* An operator drains the member: the application is notified of the beginning, of the end, and when the member takes part again.
 * Of changes that arrive together, only the last one is reported. */
static void
test_drain_noticed (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (GString) states = g_string_new (NULL);
  guint32 id;

  client_fixture_connect (f, &new_broker);
  script_subscribe_reply (f->in, 2, 10, 4096);
  client_fixture_send (f);
  subscription = join (f, NULL, NULL);
  g_assert_nonnull (subscription);
  id = deye_bus_subscription_get_id (subscription);
  g_signal_connect (subscription, "drain-changed", G_CALLBACK (note_drain), states);
  g_assert_cmpint (deye_bus_subscription_get_drain_state (subscription), ==, DEYE_BUS_DRAIN_NONE);
  script_drain (f, id, WIRE_STATUS_DRAINING, 3);
  script_drain (f, id + 1, WIRE_STATUS_DRAINING, 0); /* of another subscription */
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (states->str, ==, "1 ");
  script_drain (f, id, WIRE_STATUS_DRAINING, 1); /* no change */
  client_fixture_send_and_settle (f);
  script_drain (f, id, WIRE_STATUS_DRAINING, 0);
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (states->str, ==, "1 2 ");
  script_drain (f, id, WIRE_STATUS_OK, 0);
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (states->str, ==, "1 2 0 ");
  script_drain (f, id, WIRE_STATUS_DRAINING, 2);
  script_drain (f, id, WIRE_STATUS_DRAINING, 0);
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (states->str, ==, "1 2 0 2 ");
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/share/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M07-share", test_share);
  ADD ("wrong-values", test_wrong_values);
  ADD ("M30-unsupported", test_unsupported);
  ADD ("M30-drain-unsupported", test_drain_unsupported);
  ADD ("K14-drain-noticed", test_drain_noticed);
  return g_test_run ();
}

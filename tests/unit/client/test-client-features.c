/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"

#include "deye-bus-client-private.h"
#include "session/deye-bus-session-send.h"
#include "wire-feature.h"

/*
 * A new client and an old broker: a call that needs a feature fails with UNSUPPORTED, without a frame, if WELCOME did not grant
 * it. The broker here grants no feature, as brokers of the first version did.
 */

typedef ClientFixture Fixture;

static const ScriptWelcome old_broker = { .features = 0 };

static void
test_frame (Fixture *f, gconstpointer data)
{
  const DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .flags = WIRE_FLAG_RETAIN, .topic = "health.x" };
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &old_broker);
  g_assert_false (deye_bus_session_call (f->client->session, &call, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "RETAIN"));
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_PUBLISH), ==, 0);
}

/* Neither the option nor the confirmation of a group is sent to a broker that does not know it. */
static void
test_delivery (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &old_broker);
  deye_bus_options_set_at_least_once (options, TRUE);
  g_assert_false (deye_bus_client_publish (f->client, "health.x", NULL, options, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  g_clear_error (&error);
  g_assert_false (deye_bus_client_publish_confirmed (f->client, "health.x", NULL, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "DELIVERY"));
  g_clear_error (&error);
  deye_bus_options_set_at_least_once (options, FALSE);
  deye_bus_options_set_hold (options, TRUE);
  deye_bus_options_set_ttl (options, G_TIME_SPAN_MINUTE);
  g_assert_false (deye_bus_client_publish (f->client, "health.x", NULL, options, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_PUBLISH), ==, 0);
}

static void
test_check (Fixture *f, gconstpointer data)
{
  static const guint64 features[]
      = { WIRE_FEATURE_STREAM, WIRE_FEATURE_RETAIN, WIRE_FEATURE_TASKS, WIRE_FEATURE_DELIVERY };

  client_fixture_connect (f, &old_broker);
  for (guint i = 0; i < G_N_ELEMENTS (features); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (deye_bus_session_check_features (f->client->session, features[i], &error));
      g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, wire_feature_name (features[i])));
    }
  g_assert_true (deye_bus_session_check_features (f->client->session, 0, NULL));
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/features/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M27-frame", test_frame);
  ADD ("M27-check", test_check);
  ADD ("M27-delivery", test_delivery);
  return g_test_run ();
}

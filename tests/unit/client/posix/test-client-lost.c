/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/reconnect-fixture.h"

#include "control.pb-c.h"
#include "wire-feature.h"
#include "wire-guard.h"

#include <sys/socket.h>

/*
 * The report of messages that the stash has lost, control.bus.lost. It is sent when the client is ready, in calls of 32 topics,
 * and again on the next connection if the broker did not answer.
 */

typedef ReconnectFixture Fixture;
typedef Daemoneye__Eventbus__V1__LostRequest LostRequest;

#define AT_ONCE 32u

static const ScriptWelcome new_broker = { .features = WIRE_FEATURE_DELIVERY };

/* Publishes @per_topic messages to each of @n topics, which expire before the client is ready. */
static void
lose (Fixture *f, guint n, guint per_topic)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  gint64 start_us = g_get_monotonic_time ();

  deye_bus_options_set_ttl (options, 1);
  deye_bus_client_set_reconnect (f->client, TRUE);
  deye_bus_client_connect_async (f->client, NULL, NULL, NULL);
  for (guint i = 0; i < n * per_topic; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.lost.t%u", i / per_topic);

      g_assert_true (deye_bus_client_publish (f->client, topic, NULL, options, NULL, NULL, NULL));
    }
  while (g_get_monotonic_time () <= start_us + 1)
    continue;
}

/* Receives until there is a request; takes it and the frames before it. */
static GPtrArray *
await_request (Fixture *f)
{
  g_autoptr (GByteArray) got = g_byte_array_new ();
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) script_frame_free);

  while (script_find (all, WIRE_KIND_REQUEST) == NULL)
    {
      guint8 bytes[65536];
      gssize n = recv (f->peer, bytes, sizeof bytes, MSG_DONTWAIT);

      if (n > 0)
        g_byte_array_append (got, bytes, (guint) n);
      else
        g_main_context_iteration (f->context, TRUE);
      g_ptr_array_extend_and_steal (all, script_take (got));
    }
  return all;
}

/* Asserts that the next request reports @n topics with @per_topic messages each. Returns its id. */
static guint64
expect_report (Fixture *f, guint n, guint per_topic)
{
  g_autoptr (GPtrArray) frames = await_request (f);
  const ScriptFrame *frame = script_find (frames, WIRE_KIND_REQUEST);
  g_autoptr (WireGuard) guard = NULL;
  const LostRequest *request;

  g_assert_true (wire_span_equal (frame->envelope.topic, WIRE_SPAN_LITERAL ("control.bus.lost")));
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__lost_request__descriptor, frame->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  request = wire_guard_message (guard);
  g_assert_cmpuint (request->n_lost, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (request->lost[i]->count, ==, per_topic);
  g_assert_true (g_str_has_prefix (request->lost[0]->topic, "events.lost."));
  return frame->envelope.id;
}

static void
answer (Fixture *f, guint64 id, guint32 status)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  if (status == WIRE_STATUS_OK)
    script_reply (bytes, id, "");
  else
    script_error (bytes, id, status);
  reconnect_fixture_send (f, bytes);
  reconnect_fixture_settle (f);
}

static void
end (Fixture *f)
{
  deye_bus_client_close (f->client, NULL, NULL);
  reconnect_fixture_settle (f);
}

/* Asserts that there is no report: it would arrive before a request of the test. */
static void
expect_no_report (Fixture *f)
{
  g_autoptr (GPtrArray) frames = NULL;

  deye_bus_client_request_async (f->client, "tasks.a", NULL, NULL, NULL, NULL, NULL);
  frames = await_request (f);
  g_assert_true (
      wire_span_equal (script_find (frames, WIRE_KIND_REQUEST)->envelope.topic, WIRE_SPAN_LITERAL ("tasks.a")));
}

static void
test_reported (Fixture *f, gconstpointer data)
{
  lose (f, 1, 3);
  reconnect_fixture_listen (f, 4);
  reconnect_fixture_welcome (f, &new_broker);
  answer (f, expect_report (f, 1, 3), WIRE_STATUS_OK);
  expect_no_report (f);
  end (f);
}

static void
test_old_broker (Fixture *f, gconstpointer data)
{
  lose (f, 1, 3);
  reconnect_fixture_listen (f, 4);
  reconnect_fixture_welcome (f, NULL);
  expect_no_report (f);
  end (f);
}

/* The second part is sent when the first one is answered. */
static void
test_in_parts (Fixture *f, gconstpointer data)
{
  lose (f, AT_ONCE + 1, 1);
  reconnect_fixture_listen (f, 4);
  reconnect_fixture_welcome (f, &new_broker);
  answer (f, expect_report (f, AT_ONCE, 1), WIRE_STATUS_OK);
  answer (f, expect_report (f, 1, 1), WIRE_STATUS_OK);
  end (f);
}

static void
test_interrupted (Fixture *f, gconstpointer data)
{
  lose (f, 1, 3);
  reconnect_fixture_listen (f, 4);
  reconnect_fixture_welcome (f, &new_broker);
  (void) expect_report (f, 1, 3);
  shutdown (f->peer, SHUT_RDWR);
  client_fixture_wait (f, deye_bus_client_get_state (f->client) != DEYE_BUS_CLIENT_STATE_READY);
  reconnect_fixture_welcome (f, &new_broker);
  answer (f, expect_report (f, 1, 3), WIRE_STATUS_OK);
  end (f);
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  lose (f, 1, 3);
  reconnect_fixture_listen (f, 4);
  reconnect_fixture_welcome (f, &new_broker);
  answer (f, expect_report (f, 1, 3), WIRE_STATUS_DENIED);
  expect_no_report (f);
  end (f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define LOST_TEST(name, function)                                                                                      \
  g_test_add ("/client/lost/M16-" name, Fixture, NULL, reconnect_fixture_set_up, function, reconnect_fixture_tear_down)
  LOST_TEST ("reported", test_reported);
  LOST_TEST ("old-broker", test_old_broker);
  LOST_TEST ("in-parts", test_in_parts);
  LOST_TEST ("interrupted", test_interrupted);
  LOST_TEST ("refused", test_refused);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-overflow.h"
#include "bus-state.h"
#include "core-pressure.h"

/* Pressure where two rules meet: a message of one peer alone and a group, a lane that goes and one that stands, an end of
 * the connection and what still waits. */

#define TOPIC "events.process.lifecycle"

static void
publish_direct (Client *publisher, const char *topic, const char *target)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.target = wire_span_str (target);
  client_send (publisher, WIRE_KIND_PUBLISH, 0, &envelope);
}

/* --- groups --- */

/* What was said to one member is nobody else's when he goes. */
static void
test_direct_is_not_handed_over (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *first = client_ready (core, "first", "netmond");
  Client *second = client_ready (core, "second", "netmond");

  client_subscribe_with (first, .subscription = 1, .pattern = TOPIC, .group = "workers", .window_messages = 1);
  client_subscribe (second, 1, TOPIC, "workers");
  publish_direct (publisher, TOPIC, "first");
  publish_direct (publisher, TOPIC, "first");
  g_assert_cmpuint (client_count (first, WIRE_KIND_DELIVER), ==, 1);
  client_disconnect (first);
  core_flush (core);
  g_assert_cmpuint (client_count (second, WIRE_KIND_DELIVER), ==, 0);
}

/* --- ends --- */

/* GOODBYE is the last frame, whatever answers still wait. */
static void
test_nothing_after_goodbye (Core *core, gconstpointer data)
{
  Client *server = client_ready (core, "netmond-1", "netmond");
  Client *asker = tool_ready (core, "asker");
  g_autofree char *text = g_strnfill (60000, 'x');
  const Got *last;

  client_serve (server, 1, "health.echo");
  asker->is_stopped = TRUE;
  for (guint i = 0; i < 12; i++)
    {
      Got *request;

      client_request (asker, "health.echo", "", 0);
      request = client_take (server, WIRE_KIND_REQUEST);
      client_reply (server, request->envelope.route_id, text);
      got_free (request);
    }
  client_send_frame (asker, WIRE_KIND_DELIVER, 0, wire_span (NULL, 0)); /* not for a client to send */
  core_flush (core);
  g_assert_true (asker->closed);
  last = g_queue_peek_tail (&asker->got);
  g_assert_nonnull (last);
  g_assert_cmpuint (last->kind, ==, WIRE_KIND_GOODBYE);
}

#define ADD(path, function) g_test_add ("/core/corners/" path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("direct-is-not-handed-over", test_direct_is_not_handed_over);
  ADD ("nothing-after-goodbye", test_nothing_after_goodbye);
  return g_test_run ();
}

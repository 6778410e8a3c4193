/* SPDX-License-Identifier: Apache-2.0 */
#include "gather-fixture.h"

/* The request of a gather: its fields, and the gathers for which none is sent. */

typedef ClientFixture Fixture;

static void
test_request (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusGatherSpec) spec = deye_bus_gather_spec_new ("scan");
  g_autoptr (GBytes) payload = g_bytes_new_static ("what", 4);
  g_autoptr (DeyeBusGather) gather = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  const ScriptFrame *frame;
  Daemoneye__Eventbus__V1__GatherRequest *request;

  deye_bus_gather_spec_set_collector_type (spec, "procmond");
  deye_bus_gather_spec_set_payload (spec, payload, "org.example.What");
  deye_bus_gather_spec_ask_some (spec, 3);
  deye_bus_gather_spec_set_require_at_least (spec, 2);
  deye_bus_gather_spec_set_timeout (spec, 5 * G_TIME_SPAN_SECOND);
  deye_bus_gather_spec_set_stall (spec, 7);
  deye_bus_gather_spec_set_priority (spec, 9);
  deye_bus_gather_spec_add_tag (spec, "site", "here");
  client_fixture_connect (f, &with_gather);
  gather = deye_bus_client_gather_begin (f->client, spec, &error);
  g_assert_no_error (error);
  frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  frame = frames->pdata[0];
  g_assert_true (wire_span_equal (frame->envelope.topic, WIRE_SPAN_LITERAL ("control.bus.gather")));
  g_assert_true (wire_span_equal (frame->envelope.method, WIRE_SPAN_LITERAL ("Gather")));
  g_assert_cmpuint (frame->envelope.deadline_us, ==, 6 * G_TIME_SPAN_SECOND); /* the manifest is due at 5 s */
  request = daemoneye__eventbus__v1__gather_request__unpack (NULL, frame->envelope.payload.len,
                                                             frame->envelope.payload.data);
  g_assert_nonnull (request);
  g_assert_cmpstr (request->operation, ==, "scan");
  g_assert_cmpstr (request->type, ==, "procmond");
  g_assert_cmpmem (request->payload.data, request->payload.len, "what", 4);
  g_assert_cmpstr (request->payload_type, ==, "org.example.What");
  g_assert_cmpint (request->mode, ==, DAEMONEYE__EVENTBUS__V1__GATHER_MODE__GATHER_SOME);
  g_assert_cmpuint (request->n, ==, 3);
  g_assert_cmpint (request->require, ==, DAEMONEYE__EVENTBUS__V1__GATHER_REQUIRE__GATHER_REQUIRE_AT_LEAST);
  g_assert_cmpuint (request->require_n, ==, 2);
  g_assert_cmpuint (request->deadline_us, ==, 5 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (request->stall_us, ==, 7);
  g_assert_cmpuint (request->priority, ==, 9);
  g_assert_cmpuint (request->n_tags, ==, 1);
  g_assert_cmpstr (request->tags[0], ==, "site=here");
  daemoneye__eventbus__v1__gather_request__free_unpacked (request, NULL);
}

static void
mistake_nothing (DeyeBusGatherSpec *spec)
{
}

static void
mistake_no_number (DeyeBusGatherSpec *spec)
{
  deye_bus_gather_spec_set_require_all (spec);
  deye_bus_gather_spec_ask_some (spec, 0);
}

static void
mistake_no_shards (DeyeBusGatherSpec *spec)
{
  deye_bus_gather_spec_set_require_all (spec);
  deye_bus_gather_spec_ask_shards (spec, 0);
}

static void
mistake_at_least_none (DeyeBusGatherSpec *spec)
{
  deye_bus_gather_spec_set_require_all (spec);
  deye_bus_gather_spec_set_require_at_least (spec, 0);
}

static void
mistake_more_than_asked (DeyeBusGatherSpec *spec)
{
  deye_bus_gather_spec_ask_some (spec, 2);
  deye_bus_gather_spec_set_require_at_least (spec, 3);
}

static void
mistake_stall (DeyeBusGatherSpec *spec)
{
  deye_bus_gather_spec_set_require_all (spec);
  deye_bus_gather_spec_set_stall (spec, -1);
}

static void
mistake_type (DeyeBusGatherSpec *spec)
{
  deye_bus_gather_spec_set_require_all (spec);
  deye_bus_gather_spec_set_collector_type (spec, "No Name");
}

static void (*const mistakes[]) (DeyeBusGatherSpec *)
    = { mistake_nothing,         mistake_no_number, mistake_no_shards, mistake_at_least_none,
        mistake_more_than_asked, mistake_stall,     mistake_type };

/* A request with wrong options is not sent. A copy of the options has the same error. */
static void
test_mistakes (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, &with_gather);
  for (guint i = 0; i < G_N_ELEMENTS (mistakes); i++)
    {
      g_autoptr (DeyeBusGatherSpec) spec = deye_bus_gather_spec_new ("scan");
      g_autoptr (DeyeBusGatherSpec) copy = NULL;
      g_autoptr (GError) error = NULL;

      mistakes[i](spec);
      copy = deye_bus_gather_spec_copy (spec);
      g_assert_null (deye_bus_client_gather (f->client, copy, NULL, &error));
      g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
    }
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 0);
}

static void
test_old_broker (Fixture *f, gconstpointer data)
{
  static const ScriptWelcome old = { .features = WIRE_FEATURE_STREAM };
  g_autoptr (DeyeBusGatherSpec) spec = deye_bus_gather_spec_new ("scan");
  g_autoptr (GError) error = NULL;

  deye_bus_gather_spec_set_require_all (spec);
  client_fixture_connect (f, &old);
  g_assert_null (deye_bus_client_gather (f->client, spec, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/gather/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M12-request", test_request);
  ADD ("mistakes", test_mistakes);
  ADD ("old-broker", test_old_broker);
  return g_test_run ();
}

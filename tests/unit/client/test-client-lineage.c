/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"

#include "control.pb-c.h"
#include "deye-bus-message-private.h"
#include "deye-bus-options-private.h"
#include "wire-feature.h"
#include "wire-guard.h"

/*
 * Lineage at the client: trace contexts as text, options of messages that were caused by another message, bounds, and the filter
 * of a subscription.
 */

typedef ClientFixture Fixture;

static const ScriptWelcome old_broker = { .features = 0 };
static const ScriptWelcome new_broker = { .features = WIRE_FEATURE_DELIVERY };

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN   "00f067aa0ba902b7"
#define PARENT "00-" TRACE "-" SPAN "-01"

/* --- trace contexts --- */

/* From the W3C recommendation Trace Context and its tests. */
static const struct
{
  const char *text;
  gboolean is_valid;
} traceparents[] = {
  { PARENT, TRUE },
  { "00-" TRACE "-" SPAN "-00", TRUE },
  { "00-" TRACE "-" SPAN "-ff", TRUE }, /* flags without a meaning yet */
  { "cc-" TRACE "-" SPAN "-01", TRUE }, /* a later version */
  { "cc-" TRACE "-" SPAN "-01-what-the-future-will-be-like", TRUE },
  { "cc-" TRACE "-" SPAN "-01.what-the-future-will-be-like", FALSE },
  { "cc-" TRACE "-" SPAN "-01-", TRUE },
  { "00-" TRACE "-" SPAN "-01-what", FALSE }, /* version 00 ends with the flags */
  { "00-" TRACE "-" SPAN "-01-", FALSE },
  { "ff-" TRACE "-" SPAN "-01", FALSE },
  { "0-" TRACE "-" SPAN "-01", FALSE },
  { "000-" TRACE "-" SPAN "-01", FALSE },
  { ".0-" TRACE "-" SPAN "-01", FALSE },
  { "0A-" TRACE "-" SPAN "-01", FALSE },
  { "00-00000000000000000000000000000000-" SPAN "-01", FALSE },
  { "00-" TRACE "-0000000000000000-01", FALSE },
  { "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", FALSE },
  { "00-" TRACE "-00F067AA0BA902B7-01", FALSE },
  { "00-" TRACE "-" SPAN "-0A", FALSE },
  { "00-" TRACE "-" SPAN "-.0", FALSE },
  { "00-" TRACE "-" SPAN "-1", FALSE },
  { "00-" TRACE "-" SPAN "-", FALSE },
  { "00-" TRACE "-" SPAN, FALSE },
  { "00-" TRACE "0-" SPAN "-01", FALSE },
  { "00-" TRACE "-" SPAN "0-01", FALSE },
  { "00_" TRACE "-" SPAN "-01", FALSE },
  { "00-" TRACE "_" SPAN "-01", FALSE },
  { " " PARENT, FALSE },
  { PARENT " ", FALSE },
  { "00-ugly2f3577b34da6a3ce929d0e0e4736-" SPAN "-01", FALSE },
  { "00", FALSE },
  { "", FALSE },
};

static void
test_traceparents (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (traceparents); i++)
    {
      g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", traceparents[i].text);
      g_assert_cmpint (deye_bus_traceparent_is_valid (traceparents[i].text), ==, traceparents[i].is_valid);
      deye_bus_options_set_traceparent (options, traceparents[i].text);
      g_assert_cmpint (deye_bus_options_check (options, &error), ==, traceparents[i].is_valid);
      if (!traceparents[i].is_valid)
        g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
      g_assert_cmpint (options->trace_id != NULL, ==, traceparents[i].is_valid);
    }
}

/* Returns a message that was sent with @options, as it arrives. */
static DeyeBusMessage *
message_of (const DeyeBusOptions *options)
{
  g_autofree guint8 *bytes = NULL;
  WireEnvelope envelope, got;
  WireFrame frame;
  WireFrameReader reader;
  WireSpan input;
  DeyeBusMessage *message;
  gsize len;

  wire_envelope_init (&envelope);
  deye_bus_options_fill (options, &envelope);
  envelope.topic = wire_span_str ("events.a");
  len = wire_envelope_size (&envelope);
  bytes = g_malloc (WIRE_FRAME_HEADER_LEN + len);
  wire_frame_put_header (bytes, WIRE_KIND_DELIVER, 0, (guint32) len);
  wire_envelope_write (&envelope, bytes + WIRE_FRAME_HEADER_LEN);
  input = wire_span (bytes, WIRE_FRAME_HEADER_LEN + len);
  wire_frame_reader_init (&reader, 1 << 20);
  g_assert_cmpint (wire_frame_reader_next (&reader, &input, &frame), ==, WIRE_FRAME_COMPLETE);
  g_assert_cmpint (wire_envelope_read (frame.body, frame.kind, WIRE_FROM_BROKER, &got).status, ==, WIRE_STATUS_OK);
  message = deye_bus_message_new (NULL, &reader, &frame, &got);
  wire_frame_reader_clear (&reader);
  return message;
}

static char *
traceparent_of (const DeyeBusOptions *options)
{
  g_autoptr (DeyeBusMessage) message = message_of (options);

  return deye_bus_message_dup_traceparent (message);
}

/* A parsed context is written as the same text, in version 00, with only the flag "sampled". */
static void
test_round_trip (void)
{
  static const char *const rows[][2] = {
    { PARENT, PARENT },
    { "00-" TRACE "-" SPAN "-00", "00-" TRACE "-" SPAN "-00" },
    { "00-" TRACE "-" SPAN "-ff", PARENT },
    { "cc-" TRACE "-" SPAN "-03-later", PARENT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
      g_autoptr (DeyeBusOptions) copy = NULL;
      g_autofree char *text = NULL;

      deye_bus_options_set_traceparent (options, rows[i][0]);
      copy = deye_bus_options_copy (options);
      text = traceparent_of (copy);
      g_assert_cmpstr (text, ==, rows[i][1]);
      deye_bus_options_set_traceparent (options, NULL);
      g_assert_null (traceparent_of (options));
    }
}

static void
test_no_traceparent (void)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GBytes) trace = g_bytes_new_static ("0123456789abcdef", 16);
  g_autoptr (GBytes) zeros = g_bytes_new_static ("\0\0\0\0\0\0\0", 8);

  g_assert_null (traceparent_of (options));
  deye_bus_options_set_trace (options, trace, NULL);
  g_assert_null (traceparent_of (options));
  deye_bus_options_set_trace (options, trace, zeros);
  g_assert_null (traceparent_of (options));
}

/* --- children --- */

/* The first message of a chain is the root of the messages that it causes. */
static void
test_child_of_root (void)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (DeyeBusMessage) message = NULL;
  g_autoptr (DeyeBusOptions) child = NULL;
  g_autoptr (DeyeBusOptions) sibling = NULL;

  deye_bus_options_set_correlation_id (options, "first");
  message = message_of (options);
  child = deye_bus_options_child_of (NULL, message);
  g_assert_cmpstr (child->parent_id, ==, "first");
  g_assert_cmpstr (child->root_id, ==, "first");
  g_assert_cmpuint (child->depth, ==, 1);
  g_assert_true (g_uuid_string_is_valid (child->correlation_id));
  g_assert_null (child->trace_id);
  sibling = deye_bus_options_child_of (NULL, message);
  g_assert_cmpstr (sibling->correlation_id, !=, child->correlation_id);
}

/* A child keeps root, trace and flags, has a new span, and keeps the options that were set before. */
static void
test_child_of_child (void)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (DeyeBusOptions) begin = deye_bus_options_new ();
  g_autoptr (DeyeBusMessage) message = NULL;
  g_autoptr (DeyeBusOptions) child = NULL;
  g_autofree char *text = NULL;

  deye_bus_options_set_correlation_id (options, "second");
  deye_bus_options_set_parent_id (options, "first");
  deye_bus_options_set_root_id (options, "first");
  deye_bus_options_set_traceparent (options, PARENT);
  deye_bus_options_set_depth (options, 1);
  message = message_of (options);
  g_assert_cmpuint (deye_bus_message_get_depth (message), ==, 1);

  deye_bus_options_set_correlation_id (begin, "third");
  deye_bus_options_set_stage (begin, "enrich");
  deye_bus_options_set_parent_id (begin, "somebody else");
  child = deye_bus_options_child_of (begin, message);
  g_assert_cmpstr (child->correlation_id, ==, "third");
  g_assert_cmpstr (child->parent_id, ==, "second");
  g_assert_cmpstr (child->root_id, ==, "first");
  g_assert_cmpstr (child->stage, ==, "enrich");
  g_assert_cmpuint (child->depth, ==, 2);
  text = traceparent_of (child);
  g_assert_true (g_str_has_prefix (text, "00-" TRACE "-"));
  g_assert_true (g_str_has_suffix (text, "-01"));
  g_assert_null (strstr (text, SPAN));
  g_assert_cmpstr (begin->parent_id, ==, "somebody else"); /* only a copy was changed */
}

/* The depth of a message does not depend on its ids. */
static void
test_child_of_a_message_without_ids (void)
{
  g_autoptr (DeyeBusMessage) message = message_of (NULL);
  g_autoptr (DeyeBusOptions) child = deye_bus_options_child_of (NULL, message);

  g_assert_null (child->parent_id);
  g_assert_null (child->root_id);
  g_assert_cmpuint (child->depth, ==, 1);
}

/* --- bounds --- */

static void
assert_limit (Fixture *f, DeyeBusOptions *options, const char *limit)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (deye_bus_client_publish (f->client, "events.a", NULL, options, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_assert_nonnull (strstr (error->message, limit));
}

/* A message at a bound is sent, and above the bound it is refused. */
static void
test_bounds (Fixture *f, gconstpointer data)
{
  static void (*const setters[]) (DeyeBusOptions * options, const char *text)
      = { deye_bus_options_set_correlation_id, deye_bus_options_set_parent_id, deye_bus_options_set_root_id,
          deye_bus_options_set_stage };
  static const guint most[] = { 256, 256, 256, 128 };
  g_autofree char *text = g_strnfill (2000, 'x');
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (DeyeBusOptions) key = deye_bus_options_new ();
  g_autoptr (DeyeBusOptions) value = deye_bus_options_new ();
  g_autoptr (DeyeBusOptions) fits = deye_bus_options_new ();

  client_fixture_connect (f, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (setters); i++)
    {
      g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
      g_autofree char *limit = g_strdup_printf ("limit %u, value %u", most[i], most[i] + 1);

      setters[i](options, text + 2000 - most[i] - 1);
      assert_limit (f, options, limit);
      setters[i](fits, text + 2000 - most[i]);
    }
  deye_bus_options_add_tag (key, text + 2000 - 129, "");
  assert_limit (f, key, "limit 128, value 129");
  deye_bus_options_add_tag (value, "key", text + 2000 - 1025);
  assert_limit (f, value, "limit 1024, value 1025");
  deye_bus_options_add_tag (fits, text + 2000 - 128, text + 2000 - 1024);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, fits, NULL, NULL, NULL));
  frames = client_fixture_receive_one (f, WIRE_KIND_PUBLISH);
}

/* --- features --- */

static void
assert_unsupported (Fixture *f, DeyeBusOptions *options)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (deye_bus_client_publish (f->client, "events.a", NULL, options, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
}

static void
on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  g_assert_not_reached ();
}

/* These fields are not sent to an old broker. */
static void
test_unsupported (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) depth = deye_bus_options_new ();
  g_autoptr (DeyeBusOptions) sampled = deye_bus_options_new ();
  g_autoptr (DeyeBusSubscribeOptions) filter = deye_bus_subscribe_options_new ();
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &old_broker);
  deye_bus_options_set_depth (depth, 1);
  assert_unsupported (f, depth);
  deye_bus_options_set_traceparent (sampled, PARENT);
  assert_unsupported (f, sampled);
  deye_bus_subscribe_options_set_filter_stage (filter, "scan");
  g_assert_null (
      deye_bus_client_subscribe_full (f->client, "events.#", NULL, filter, on_message, NULL, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_PUBLISH) + script_count (frames, WIRE_KIND_REQUEST), ==, 0);
}

/* --- the filter --- */

/* The request contains the values of the options, also after a copy. */
static void
test_filter (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscribeOptions) options = deye_bus_subscribe_options_new ();
  g_autoptr (DeyeBusSubscribeOptions) copy = NULL;
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__SubscribeRequest *request;

  client_fixture_connect (f, &new_broker);
  deye_bus_subscribe_options_set_filter_correlation_id (options, "c");
  deye_bus_subscribe_options_set_filter_root_id (options, "r");
  deye_bus_subscribe_options_set_filter_stage (options, "s");
  deye_bus_subscribe_options_add_filter_tag (options, "host", "a=b");
  deye_bus_subscribe_options_add_filter_tag (options, "rule", NULL);
  copy = deye_bus_subscribe_options_copy (options);
  g_clear_pointer (&options, deye_bus_subscribe_options_free);
  script_subscribe_reply (f->in, 2, 10, 4096);
  client_fixture_send (f);
  subscription = deye_bus_client_subscribe_full (f->client, "events.#", NULL, copy, on_message, NULL, NULL, NULL, NULL);
  g_assert_nonnull (subscription);
  frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__subscribe_request__descriptor,
                             script_find (frames, WIRE_KIND_REQUEST)->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  request = wire_guard_message (guard);
  g_assert_nonnull (request->filter);
  g_assert_cmpstr (request->filter->correlation_id, ==, "c");
  g_assert_cmpstr (request->filter->root_id, ==, "r");
  g_assert_cmpstr (request->filter->stage, ==, "s");
  g_assert_cmpuint (request->filter->n_tags, ==, 2);
  g_assert_cmpstr (request->filter->tags[0], ==, "host=a=b");
  g_assert_cmpstr (request->filter->tags[1], ==, "rule");
}

static void
test_wrong_filter (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 4; i++)
    {
      const char *group = i == 3 ? "workers" : NULL;
      g_autoptr (DeyeBusSubscribeOptions) options = deye_bus_subscribe_options_new ();
      g_autoptr (GError) error = NULL;

      if (i == 0)
        client_fixture_connect (f, &new_broker);
      if (i < 2)
        deye_bus_subscribe_options_add_filter_tag (options, i == 0 ? "" : "a=b", "c");
      else
        deye_bus_subscribe_options_set_filter_stage (options, i == 2 ? "\xff" : "scan");
      g_assert_null (
          deye_bus_client_subscribe_full (f->client, "events.#", group, options, on_message, NULL, NULL, NULL, &error));
      g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
    }
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/lineage/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/lineage/M24-traceparents", test_traceparents);
  g_test_add_func ("/client/lineage/M24-round-trip", test_round_trip);
  g_test_add_func ("/client/lineage/no-traceparent", test_no_traceparent);
  g_test_add_func ("/client/lineage/M30-child-of-root", test_child_of_root);
  g_test_add_func ("/client/lineage/M30-child-of-child", test_child_of_child);
  g_test_add_func ("/client/lineage/child-of-a-message-without-ids", test_child_of_a_message_without_ids);
  ADD ("M24-bounds", test_bounds);
  ADD ("M27-unsupported", test_unsupported);
  ADD ("M24-filter", test_filter);
  ADD ("wrong-filter", test_wrong_filter);
  return g_test_run ();
}

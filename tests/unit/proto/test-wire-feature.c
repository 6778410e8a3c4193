/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-feature.h"

#include "wire-frame.h"

/* The feature that a frame of a client needs. */

typedef struct
{
  const char *path;
  guint8 kind;
  guint8 flags;
  guint32 delivery;
  guint32 depth;
  guint64 credit_messages;
  guint64 id;
  guint32 subscription;
  guint64 features;
} FeatureCase;

static const FeatureCase feature_cases[] = {
  { "publish", WIRE_KIND_PUBLISH, WIRE_FLAG_WANT_ACK, 0, 0, 0, 1, 0, 0 },
  { "retain", WIRE_KIND_PUBLISH, WIRE_FLAG_RETAIN, 0, 0, 0, 1, 0, WIRE_FEATURE_RETAIN },
  { "retain-connected", WIRE_KIND_PUBLISH, 0, WIRE_DELIVERY_RETAIN_CONNECTED, 0, 0, 1, 0, WIRE_FEATURE_RETAIN },
  { "at-least-once", WIRE_KIND_PUBLISH, 0, WIRE_DELIVERY_AT_LEAST_ONCE, 0, 0, 1, 0, WIRE_FEATURE_DELIVERY },
  { "hold", WIRE_KIND_PUBLISH, 0, WIRE_DELIVERY_HOLD, 0, 0, 1, 0, WIRE_FEATURE_DELIVERY },
  { "depth", WIRE_KIND_REQUEST, 0, 0, 1, 0, 1, 0, WIRE_FEATURE_DELIVERY },
  { "unnumbered-bit", WIRE_KIND_PUBLISH, 0, 8, 0, 0, 1, 0, WIRE_FEATURE_UNNUMBERED },
  { "request", WIRE_KIND_REQUEST, 0, 0, 0, 0, 1, 0, 0 },
  { "answer-window", WIRE_KIND_REQUEST, 0, 0, 0, 1, 1, 0, WIRE_FEATURE_STREAM },
  { "credit-of-answers", WIRE_KIND_CREDIT, 0, 0, 0, 1, 1, 0, WIRE_FEATURE_STREAM },
  { "credit-of-subscription", WIRE_KIND_CREDIT, 0, 0, 0, 1, 0, 1, 0 },
  { "two", WIRE_KIND_PUBLISH, WIRE_FLAG_RETAIN, 0, 1, 0, 1, 0, WIRE_FEATURE_RETAIN | WIRE_FEATURE_DELIVERY },
};

/* The time of the sender's call needs a feature, because older brokers do not know the field; the request for hops does not. */
static void
test_hops (void)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.want_hops = 1;
  g_assert_cmphex (wire_feature_of_frame (WIRE_KIND_PUBLISH, 0, &envelope), ==, 0);
  envelope.hops_before = WIRE_SPAN_LITERAL ("\x01");
  g_assert_cmphex (wire_feature_of_frame (WIRE_KIND_PUBLISH, 0, &envelope), ==, WIRE_FEATURE_DELIVERY);
  g_assert_cmphex (wire_feature_of_frame (WIRE_KIND_REPLY, 0, &envelope), ==, WIRE_FEATURE_DELIVERY);
}

static void
test_of_frame (gconstpointer data)
{
  const FeatureCase *c = data;
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.delivery = c->delivery;
  envelope.depth = c->depth;
  envelope.credit_messages = c->credit_messages;
  envelope.id = c->id;
  envelope.subscription = c->subscription;
  g_assert_cmphex (wire_feature_of_frame (c->kind, c->flags, &envelope), ==, c->features);
}

/* The bits of features never change. */
static void
test_of_method (void)
{
  g_assert_cmpuint (wire_feature_of_method (WIRE_SPAN_LITERAL ("control.bus.drain")), ==, WIRE_FEATURE_DELIVERY);
  g_assert_cmpuint (wire_feature_of_method (WIRE_SPAN_LITERAL ("control.bus.wait")), ==,
                    WIRE_FEATURE_DELIVERY | WIRE_FEATURE_STREAM);
  g_assert_cmpuint (wire_feature_of_method (WIRE_SPAN_LITERAL ("control.bus.collectors")), ==, WIRE_FEATURE_TASKS);
  g_assert_cmpuint (wire_feature_of_method (WIRE_SPAN_LITERAL ("control.bus.task")), ==, WIRE_FEATURE_TASKS);
  g_assert_cmpuint (wire_feature_of_method (WIRE_SPAN_LITERAL ("control.collector.task")), ==, 0);
  g_assert_cmpuint (wire_feature_of_method (WIRE_SPAN_LITERAL ("control.bus.ping")), ==, 0);
  g_assert_cmpuint (wire_feature_of_method (WIRE_SPAN_LITERAL ("control.bus.drain.x")), ==, 0);
  g_assert_cmpuint (wire_feature_of_method (WIRE_SPAN_LITERAL ("control.bus.")), ==, 0);
}

static void
test_numbers (void)
{
  g_assert_cmphex (WIRE_FEATURE_PEER_METHODS, ==, 1);
  g_assert_cmphex (WIRE_FEATURE_STREAM, ==, 2);
  g_assert_cmphex (WIRE_FEATURE_RETAIN, ==, 4);
  g_assert_cmphex (WIRE_FEATURE_TASKS, ==, 8);
  g_assert_cmphex (WIRE_FEATURE_DELIVERY, ==, 16);
  g_assert_cmphex (WIRE_FEATURES_KNOWN, ==, 31);
  g_assert_cmpstr (wire_feature_name (WIRE_FEATURE_DELIVERY | WIRE_FEATURE_RETAIN), ==, "RETAIN");
  g_assert_cmpstr (wire_feature_name (WIRE_FEATURE_UNNUMBERED), ==, "UNNUMBERED");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (feature_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/proto/feature/M27-%s", feature_cases[i].path);

      g_test_add_data_func (path, &feature_cases[i], test_of_frame);
    }
  g_test_add_func ("/wire/feature/hops", test_hops);
  g_test_add_func ("/proto/feature/M27-of-method", test_of_method);
  g_test_add_func ("/proto/feature/M27-numbers", test_numbers);
  return g_test_run ();
}

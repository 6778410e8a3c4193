/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-feature.h"

#include "wire-frame.h"

static const struct
{
  guint32 bits; /* of the field `delivery` */
  guint64 feature;
} delivery_features[] = {
  { WIRE_DELIVERY_AT_LEAST_ONCE | WIRE_DELIVERY_HOLD, WIRE_FEATURE_DELIVERY },
  { WIRE_DELIVERY_RETAIN_CONNECTED, WIRE_FEATURE_RETAIN },
  { ~(WIRE_DELIVERY_AT_LEAST_ONCE | WIRE_DELIVERY_HOLD | WIRE_DELIVERY_RETAIN_CONNECTED), WIRE_FEATURE_UNNUMBERED },
};

static const struct
{
  guint64 feature;
  const char *name;
} feature_names[] = {
  { WIRE_FEATURE_PEER_METHODS, "PEER_METHODS" },
  { WIRE_FEATURE_STREAM, "STREAM" },
  { WIRE_FEATURE_RETAIN, "RETAIN" },
  { WIRE_FEATURE_TASKS, "TASKS" },
  { WIRE_FEATURE_DELIVERY, "DELIVERY" },
};

#define METHOD_PREFIX "control.bus."

static const struct
{
  const char *topic;
  guint64 features;
} method_features[] = {
  { METHOD_PREFIX "clear", WIRE_FEATURE_RETAIN },
  { METHOD_PREFIX "collectors", WIRE_FEATURE_TASKS },
  { METHOD_PREFIX "drain", WIRE_FEATURE_DELIVERY },
  { METHOD_PREFIX "gather", WIRE_FEATURE_TASKS | WIRE_FEATURE_STREAM },
  { METHOD_PREFIX "health", WIRE_FEATURE_TASKS },
  { METHOD_PREFIX "lost", WIRE_FEATURE_DELIVERY },
  { METHOD_PREFIX "standing", WIRE_FEATURE_TASKS },
  { METHOD_PREFIX "task", WIRE_FEATURE_TASKS },
  { METHOD_PREFIX "timeline", WIRE_FEATURE_DELIVERY },
  { METHOD_PREFIX "wait", WIRE_FEATURE_DELIVERY | WIRE_FEATURE_STREAM },
  { METHOD_PREFIX "will", WIRE_FEATURE_DELIVERY },
};

static guint64
feature_of_delivery (guint32 delivery)
{
  guint64 features = 0;

  for (guint i = 0; i < G_N_ELEMENTS (delivery_features); i++)
    if (delivery & delivery_features[i].bits)
      features |= delivery_features[i].feature;
  return features;
}

/* TRUE: the frame sets the window of a request's answers, or returns credit for answers. */
static gboolean
feature_has_answer_window (guint8 kind, const WireEnvelope *envelope)
{
  if (kind == WIRE_KIND_CREDIT)
    return envelope->id != 0 && envelope->subscription == 0;
  return kind == WIRE_KIND_REQUEST && (envelope->credit_messages | envelope->credit_bytes) != 0;
}

guint64
wire_feature_of_frame (guint8 kind, guint8 flags, const WireEnvelope *envelope)
{
  guint64 features = 0;

  if (envelope->delivery != 0)
    features |= feature_of_delivery (envelope->delivery);
  if ((envelope->depth | envelope->trace_flags) != 0 || envelope->hops_before.len > 0)
    features |= WIRE_FEATURE_DELIVERY;
  if (kind == WIRE_KIND_PUBLISH && (flags & WIRE_FLAG_RETAIN))
    features |= WIRE_FEATURE_RETAIN;
  if (kind == WIRE_KIND_PUBLISH && (flags & WIRE_FLAG_WANT_DELIVERED) && envelope->target.len == 0)
    features |= WIRE_FEATURE_DELIVERY;
  if (feature_has_answer_window (kind, envelope))
    features |= WIRE_FEATURE_STREAM;
  return features;
}

guint64
wire_feature_of_method (WireSpan topic)
{
  const WireSpan prefix = WIRE_SPAN_LITERAL (METHOD_PREFIX);

  if (topic.len <= prefix.len || memcmp (topic.data, prefix.data, prefix.len) != 0)
    return 0;
  for (guint i = 0; i < G_N_ELEMENTS (method_features); i++)
    if (wire_span_equal (topic, wire_span_str (method_features[i].topic)))
      return method_features[i].features;
  return 0;
}

const char *
wire_feature_name (guint64 features)
{
  for (guint i = 0; i < G_N_ELEMENTS (feature_names); i++)
    if (features & feature_names[i].feature)
      return feature_names[i].name;
  return "UNNUMBERED";
}

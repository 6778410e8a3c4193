/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-class.h"

#include "wire-feature.h"
#include "wire-hot.h"

#define CONTROL                                                                                                        \
  {                                                                                                                    \
    WIRE_LANE_CONTROL, WIRE_CLASS_CONTROL                                                                              \
  }
#define MUST_KEEP                                                                                                      \
  {                                                                                                                    \
    WIRE_LANE_DATA, WIRE_CLASS_MUST_KEEP                                                                               \
  }
#define MAY_DROP                                                                                                       \
  {                                                                                                                    \
    WIRE_LANE_DATA, WIRE_CLASS_MAY_DROP                                                                                \
  }
#define DOMAIN(text)                                                                                                   \
  {                                                                                                                    \
    (const guint8 *) text, sizeof text - 1                                                                             \
  }

static const struct
{
  WireSpan domain;
  WireClassOf small; /* payload <= WIRE_CONTROL_PAYLOAD_MAX */
  WireClassOf large;
} rows[] = {
  { DOMAIN ("control"), CONTROL, MAY_DROP },    { DOMAIN ("health"), CONTROL, MAY_DROP },
  { DOMAIN ("system"), CONTROL, MAY_DROP },     { DOMAIN ("tasks"), MUST_KEEP, MUST_KEEP },
  { DOMAIN ("results"), MUST_KEEP, MUST_KEEP },
};

/* TRUE: with the feature TASKS, requests to @topic assign a task to a collector. They use the same class at any size. */
static gboolean
class_is_task (WireSpan topic, guint64 features)
{
  const WireSpan prefix = WIRE_SPAN_LITERAL ("control.collector.task.");

  return (features & WIRE_FEATURE_TASKS) != 0 && topic.len > prefix.len
         && memcmp (topic.data, prefix.data, prefix.len) == 0;
}

WIRE_HOT static WireClassOf
class_of_topic (WireSpan topic, gsize payload_len, guint64 features)
{
  if (class_is_task (topic, features))
    return (WireClassOf) MUST_KEEP;
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      gsize len = rows[i].domain.len;

      if (topic.len >= len && memcmp (topic.data, rows[i].domain.data, len) == 0
          && (topic.len == len || topic.data[len] == '.'))
        return payload_len <= WIRE_CONTROL_PAYLOAD_MAX ? rows[i].small : rows[i].large;
    }
  return (WireClassOf) MAY_DROP;
}

WireClassOf
wire_class_of (guint8 kind, WireSpan topic, gsize payload_len, guint64 features)
{
  WireClassOf class_of = { WIRE_LANE_CONTROL, WIRE_CLASS_NONE };

  switch (kind)
    {
    case WIRE_KIND_PUBLISH:
    case WIRE_KIND_DELIVER:
    case WIRE_KIND_REQUEST:
    case WIRE_KIND_REPLY:
      return class_of_topic (topic, payload_len, features);
    case WIRE_KIND_DELIVERED:
      class_of.lane = class_of_topic (topic, payload_len, features).lane;
      return class_of;
    case WIRE_KIND_GAP:
      class_of.lane = WIRE_LANE_DATA;
      return class_of;
    default:
      return class_of;
    }
}

const char *
wire_class_name (WireClass credit_class)
{
  static const char *const names[] = { "none", "control", "must-keep", "may-drop" };

  return credit_class < G_N_ELEMENTS (names) ? names[credit_class] : "unknown";
}

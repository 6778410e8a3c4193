/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-limits.h"

#define BUS_LIMIT_SPEC(field, preset, floor, ceiling)                                                                  \
  [BUS_LIMIT_##field] = { #field, G_STRUCT_OFFSET (BusLimits, field), preset, floor, ceiling },
static const BusLimitSpec specs[BUS_N_LIMITS] = { BUS_LIMITS_TABLE (BUS_LIMIT_SPEC) };
#undef BUS_LIMIT_SPEC

const BusLimitSpec *
bus_limit_spec (BusLimit limit)
{
  g_assert (limit < BUS_N_LIMITS);
  return &specs[limit];
}

const char *
bus_limit_name (BusLimit limit)
{
  return bus_limit_spec (limit)->name;
}

guint64
bus_limit_value (const BusLimits *limits, BusLimit limit)
{
  return *(const guint64 *) (gconstpointer) ((const guint8 *) limits + bus_limit_spec (limit)->offset);
}

void
bus_limits_init (BusLimits *limits)
{
  for (guint i = 0; i < BUS_N_LIMITS; i++)
    G_STRUCT_MEMBER (guint64, limits, specs[i].offset) = specs[i].preset;
}

const char *
bus_limits_contradiction (const BusLimits *limits)
{
  const guint64 largest_frame = limits->max_payload + 16384;

  if (limits->queue_hard_bytes < largest_frame)
    return "queue_hard_bytes is below max_payload + 16384: the largest message could never be delivered";
  if (limits->max_payload < 2 * limits->topic_bytes + 512)
    return "max_payload is below 2 * topic_bytes + 512: control.bus.introspect could not return the longest topic";
  if (limits->queue_soft_bytes > limits->queue_hard_bytes)
    return "queue_soft_bytes is above queue_hard_bytes";
  if (limits->broker_bytes < limits->queue_hard_bytes)
    return "broker_bytes is below queue_hard_bytes: one queue could fill the whole broker";
  if (limits->uid_bytes < limits->queue_hard_bytes)
    return "uid_bytes is below queue_hard_bytes: one queue could not use its limit";
  if (limits->request_timeout_us > limits->max_request_timeout_us)
    return "request_timeout_us is above max_request_timeout_us";
  if (limits->max_unauthenticated > limits->max_connections)
    return "max_unauthenticated is above max_connections";
  return NULL;
}

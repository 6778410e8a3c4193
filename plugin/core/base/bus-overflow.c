/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-overflow.h"

static gboolean
overflow_begins_with (WireSpan text, WireSpan segments)
{
  return text.len >= segments.len && memcmp (text.data, segments.data, segments.len) == 0
         && (text.len == segments.len || text.data[segments.len] == '.');
}

BusOverflow
bus_overflow_of_pattern (WireSpan pattern)
{
  static const struct
  {
    const char *begin;
    BusOverflow policy;
  } rows[] = {
    { "tasks", BUS_OVERFLOW_BLOCK },         { "results", BUS_OVERFLOW_BLOCK },
    { "health", BUS_OVERFLOW_CONFLATE },     { "control.health", BUS_OVERFLOW_CONFLATE },
    { "control", BUS_OVERFLOW_DROP_NEWEST },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (overflow_begins_with (pattern, wire_span_str (rows[i].begin)))
      return rows[i].policy;
  return BUS_OVERFLOW_DROP_OLDEST;
}

const char *
bus_overflow_name (BusOverflow policy)
{
  static const char *const names[] = { "default", "block", "drop-oldest", "drop-newest", "error", "conflate" };

  return names[MIN ((guint) policy, BUS_OVERFLOW_LAST)];
}

WireStatus
bus_loss_status (BusLoss loss)
{
  static const WireStatus statuses[BUS_N_LOSSES] = {
    [BUS_LOSS_FULL] = WIRE_STATUS_SLOW_CONSUMER, [BUS_LOSS_REFUSED] = WIRE_STATUS_WOULD_BLOCK,
    [BUS_LOSS_EXPIRED] = WIRE_STATUS_EXPIRED,    [BUS_LOSS_NO_MEMORY] = WIRE_STATUS_NO_MEMORY,
    [BUS_LOSS_LIMIT] = WIRE_STATUS_LIMIT,        [BUS_LOSS_ENDED] = WIRE_STATUS_NOT_SUBSCRIBED,
    [BUS_LOSS_UNSENT] = WIRE_STATUS_UNKNOWN,
  };

  return statuses[loss];
}

static const char *const domains[BUS_N_DOMAINS]
    = { "events", "control", "tasks", "results", "health", [BUS_DOMAIN_SYSTEM] = "system", "other" };

guint
bus_domain_of_topic (WireSpan topic)
{
  for (guint i = 0; i < BUS_N_DOMAINS - 1; i++)
    if (overflow_begins_with (topic, wire_span_str (domains[i])))
      return i;
  return BUS_N_DOMAINS - 1;
}

const char *
bus_domain_name (guint domain)
{
  return domains[MIN (domain, BUS_N_DOMAINS - 1)];
}

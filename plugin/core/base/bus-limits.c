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

BusLimitKey
bus_limit_key (BusLimit limit)
{
  BusLimitKey key;

  g_strlcpy (key.text, bus_limit_name (limit), sizeof key.text);
  g_strdelimit (key.text, "_", '-');
  return key;
}

guint64
bus_limit_value (const BusLimits *limits, BusLimit limit)
{
  return *(const guint64 *) (gconstpointer) ((const guint8 *) limits + bus_limit_spec (limit)->offset);
}

#define TASK_RESERVE (16u * 1024u)

/* TASK_RESERVE bytes of a frame are reserved for the texts and for the details of the progress, which have at most 4 KiB. If
 * max_payload is small, half of it is reserved; at the floor of max_payload that is still enough. */
guint64
bus_limits_task_payload (const BusLimits *limits)
{
  return limits->max_payload > 2 * TASK_RESERVE ? limits->max_payload - TASK_RESERVE : limits->max_payload / 2;
}

void
bus_limits_init (BusLimits *limits)
{
  for (guint i = 0; i < BUS_N_LIMITS; i++)
    G_STRUCT_MEMBER (guint64, limits, specs[i].offset) = specs[i].preset;
}

static void
limits_set (BusLimits *limits, BusLimit limit, guint64 value)
{
  G_STRUCT_MEMBER (guint64, limits, specs[limit].offset) = value;
}

/* --- limits that depend on each other --- */

/* A rule: @factor * @low + @plus <= @high. */
typedef struct
{
  BusLimit low;
  BusLimit high;
  guint64 factor;
  guint64 plus;
  const char *broken; /* a sentence about both settings */
} LimitsRule;

/* The rows are sorted: all rows with a limit as @high come before the rows with it as @low. So one pass from the first row to the
 * last carries lower bounds along every chain of rules, and one pass back carries upper bounds. */
static const LimitsRule limits_rules[] = {
  { BUS_LIMIT_topic_bytes, BUS_LIMIT_max_payload, 2, 512,
    "max-payload is below 2 * topic-bytes + 512: control.bus.introspect could not return the longest topic" },
  { BUS_LIMIT_max_payload, BUS_LIMIT_queue_hard_bytes, 1, 16384,
    "queue-hard-bytes is below max-payload + 16384: the largest message could never be delivered" },
  { BUS_LIMIT_queue_soft_bytes, BUS_LIMIT_queue_hard_bytes, 1, 0, "queue-soft-bytes is above queue-hard-bytes" },
  { BUS_LIMIT_queue_hard_bytes, BUS_LIMIT_broker_bytes, 1, 0,
    "broker-bytes is below queue-hard-bytes: one queue could fill the whole broker" },
  { BUS_LIMIT_queue_hard_bytes, BUS_LIMIT_uid_bytes, 1, 0,
    "uid-bytes is below queue-hard-bytes: one queue could not use its limit" },
  { BUS_LIMIT_retained_bytes, BUS_LIMIT_broker_bytes, 4, 0,
    "retained-bytes is above a quarter of broker-bytes: no account could use it" },
  { BUS_LIMIT_request_timeout_us, BUS_LIMIT_max_request_timeout_us, 1, 0,
    "request-timeout-us is above max-request-timeout-us" },
  { BUS_LIMIT_task_queue_per_account, BUS_LIMIT_task_queue, 1, 0, "task-queue-per-account is above task-queue" },
  { BUS_LIMIT_task_deadline_us, BUS_LIMIT_task_max_deadline_us, 1, 0,
    "task-deadline-us is above task-max-deadline-us" },
  { BUS_LIMIT_gather_deadline_us, BUS_LIMIT_task_max_deadline_us, 1, 0,
    "gather-deadline-us is above task-max-deadline-us" },
  { BUS_LIMIT_task_hold_us, BUS_LIMIT_task_max_hold_us, 1, 0, "task-hold-us is above task-max-hold-us" },
  { BUS_LIMIT_task_retry_us, BUS_LIMIT_task_max_retry_us, 1, 0, "task-retry-us is above task-max-retry-us" },
  { BUS_LIMIT_max_unauthenticated, BUS_LIMIT_max_connections, 1, 0, "max-unauthenticated is above max-connections" },
};

const char *
bus_limits_contradiction (const BusLimits *limits)
{
  for (const LimitsRule *rule = limits_rules; rule < limits_rules + G_N_ELEMENTS (limits_rules); rule++)
    if (bus_limit_value (limits, rule->low) * rule->factor + rule->plus > bus_limit_value (limits, rule->high))
      return rule->broken;
  return NULL;
}

/* The values that one limit may have because of the limits that are set, and the limits that cause these two bounds. */
typedef struct
{
  guint64 least;
  guint64 most;
  BusLimit least_from;
  BusLimit most_from;
} LimitsRange;

static void
limits_init_ranges (LimitsRange *ranges, const BusLimits *limits, const gboolean *is_set)
{
  for (BusLimit i = 0; i < BUS_N_LIMITS; i++)
    {
      guint64 value = bus_limit_value (limits, i);

      ranges[i] = (LimitsRange){ is_set[i] ? value : specs[i].floor, is_set[i] ? value : specs[i].ceiling, i, i };
    }
}

static void
limits_narrow_ranges (LimitsRange *ranges)
{
  for (guint i = 0; i < G_N_ELEMENTS (limits_rules); i++)
    {
      const LimitsRule *rule = &limits_rules[i];
      const LimitsRange *low = &ranges[rule->low];
      LimitsRange *high = &ranges[rule->high];
      guint64 least = low->least * rule->factor + rule->plus;

      if (least > high->least)
        *high = (LimitsRange){ least, high->most, low->least_from, high->most_from };
    }
  for (guint i = G_N_ELEMENTS (limits_rules); i-- > 0;)
    {
      const LimitsRule *rule = &limits_rules[i];
      const LimitsRange *high = &ranges[rule->high];
      LimitsRange *low = &ranges[rule->low];
      guint64 most = (high->most - MIN (high->most, rule->plus)) / rule->factor;

      if (most < low->most)
        *low = (LimitsRange){ low->least, most, low->least_from, high->most_from };
    }
}

static char *
limits_describe_conflict (const BusLimits *limits, const LimitsRange *range)
{
  for (const LimitsRule *rule = limits_rules; rule < limits_rules + G_N_ELEMENTS (limits_rules); rule++)
    if (rule->low == range->least_from && rule->high == range->most_from)
      return g_strdup (rule->broken);
  return g_strdup_printf ("%s = %" G_GUINT64_FORMAT " is too large for %s = %" G_GUINT64_FORMAT,
                          bus_limit_key (range->least_from).text, bus_limit_value (limits, range->least_from),
                          bus_limit_key (range->most_from).text, bus_limit_value (limits, range->most_from));
}

guint64
bus_limits_share (guint64 max_connections)
{
  return MAX (max_connections - max_connections / 4, 1);
}

/* The share of an account follows max_connections; if only the share is set, max_connections follows the share. This is not one of
 * the rules above, because an operator may allow one account to have all connections. */
static void
limits_settle_share (BusLimits *limits, const gboolean *is_set)
{
  guint64 share = limits->max_connections_per_uid;

  if (!is_set[BUS_LIMIT_max_connections_per_uid])
    limits->max_connections_per_uid = bus_limits_share (limits->max_connections);
  else if (!is_set[BUS_LIMIT_max_connections])
    limits->max_connections
        = CLAMP (share + (share + 2) / 3, limits->max_connections, bus_limit_spec (BUS_LIMIT_max_connections)->ceiling);
}

/* Each connected client may need a window of resends, so their number follows max_connections. This is not a rule either: a value
 * that is set stays. */
static void
limits_settle_resends (BusLimits *limits, const gboolean *is_set)
{
  if (!is_set[BUS_LIMIT_resend_windows])
    limits->resend_windows = CLAMP (limits->max_connections, bus_limit_spec (BUS_LIMIT_resend_windows)->preset,
                                    bus_limit_spec (BUS_LIMIT_resend_windows)->ceiling);
}

/* A rule between two limits that are both not set needs no further step. Their defaults satisfy the rule, and each pass that moves
 * the bound of one limit moves the bound of the other one in the same direction, as far as the rule requires. */
char *
bus_limits_settle (BusLimits *limits, const gboolean *is_set)
{
  LimitsRange ranges[BUS_N_LIMITS];

  limits_init_ranges (ranges, limits, is_set);
  limits_narrow_ranges (ranges);
  for (BusLimit i = 0; i < BUS_N_LIMITS; i++)
    if (ranges[i].least > ranges[i].most)
      return limits_describe_conflict (limits, &ranges[i]);
  for (BusLimit i = 0; i < BUS_N_LIMITS; i++)
    limits_set (limits, i, CLAMP (bus_limit_value (limits, i), ranges[i].least, ranges[i].most));
  limits_settle_share (limits, is_set);
  limits_settle_resends (limits, is_set);
  return NULL;
}

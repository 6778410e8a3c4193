/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-subscribe-options.h"

/* The fields of the options of a subscription. 0 means the broker's default. */
struct _DeyeBusSubscribeOptions
{
  DeyeBusPolicy policy;
  guint64 queue_messages;
  guint64 queue_bytes;
  guint64 window_messages;
  guint64 window_bytes;

  /* Of a member of a group. */
  DeyeBusStrategy strategy;
  guint64 weight;
  guint64 in_flight;

  /* The filter; NULL: any. */
  char *filter_correlation_id;
  char *filter_root_id;
  char *filter_stage;
  GPtrArray *filter_tags; /* of "key=value" or "key" */
  const char *invalid;    /* the first wrong value that a setter got; untranslated, static; NULL: none */
};

/* TRUE if one of the options needs the feature DELIVERY. @options: (nullable). */
gboolean deye_bus_subscribe_options_need_delivery (const DeyeBusSubscribeOptions *options);

/* TRUE if a filter is set. @options: (nullable). */
gboolean deye_bus_subscribe_options_has_filter (const DeyeBusSubscribeOptions *options);

/* FALSE: the options have a policy or strategy that does not exist, a weight out of range, or a wrong filter; @error reports it.
 * @options: (nullable). */
gboolean deye_bus_subscribe_options_check (const DeyeBusSubscribeOptions *options, GError **error);

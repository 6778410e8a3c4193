/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-subscribe-options.h"

/* The fields of the options of a subscription; 0: the broker's default. */
struct _DeyeBusSubscribeOptions
{
  DeyeBusPolicy policy;
  guint64 queue_messages;
  guint64 queue_bytes;
  guint64 window_messages;
  guint64 window_bytes;

  /* The filter; NULL: any. */
  char *filter_correlation_id;
  char *filter_root_id;
  char *filter_stage;
  GPtrArray *filter_tags; /* of "key=value" or "key" */
  const char *invalid;    /* the first wrong value that a setter got; untranslated, static; NULL: none */
};

/* TRUE if a filter is set. @options: (nullable). */
gboolean deye_bus_subscribe_options_has_filter (const DeyeBusSubscribeOptions *options);

/* FALSE: the options have a policy that does not exist, or a wrong filter, which this error reports. @options: (nullable). */
gboolean deye_bus_subscribe_options_check (const DeyeBusSubscribeOptions *options, GError **error);

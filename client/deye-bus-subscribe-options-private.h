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
};

/* FALSE: the options have a policy that does not exist, which this error reports. @options: (nullable). */
gboolean deye_bus_subscribe_options_check (const DeyeBusSubscribeOptions *options, GError **error);

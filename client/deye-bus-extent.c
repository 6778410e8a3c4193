/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-extent-private.h"

#include "deye-bus-pack.h"

#define SHARE_ALL         1000u
#define CONFIGURATION_MAX 64u

/* --- life --- */

DeyeBusExtent *
deye_bus_extent_new (void)
{
  return g_new0 (DeyeBusExtent, 1);
}

void
deye_bus_extent_free (DeyeBusExtent *extent)
{
  g_free (extent->configuration);
  g_free (extent);
}

/* --- the message --- */

void
deye_bus_extent_set_share (DeyeBusExtent *extent, guint permille)
{
  extent->share_permille = MIN (permille, SHARE_ALL);
}

void
deye_bus_extent_set_configuration (DeyeBusExtent *extent, const char *revision)
{
  g_free (extent->configuration);
  extent->configuration
      = revision != NULL && *revision != '\0' ? deye_bus_cut_text (revision, CONFIGURATION_MAX) : NULL;
}

void
deye_bus_extent_fill (const DeyeBusExtent *extent, Daemoneye__Eventbus__V1__Extent *message)
{
  daemoneye__eventbus__v1__extent__init (message);
  message->is_uncounted = !extent->is_counted;
  message->rows = extent->rows;
  message->is_truncated = extent->is_truncated;
  message->limit = extent->limit;
  message->from_time_us = extent->from_time_us;
  message->to_time_us = extent->to_time_us;
  message->gaps = extent->gaps;
  message->share_permille = extent->share_permille;
  message->age_us = extent->age_us;
  if (extent->configuration != NULL)
    message->configuration = extent->configuration;
}

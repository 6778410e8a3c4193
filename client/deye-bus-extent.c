/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-extent-private.h"

#include "deye-bus-pack.h"
#include "wire-extent.h"

#define SHARE_ALL         1000u
#define CONFIGURATION_MAX 64u

G_DEFINE_BOXED_TYPE (DeyeBusExtent, deye_bus_extent, deye_bus_extent_ref, deye_bus_extent_unref)

/* --- life --- */

DeyeBusExtent *
deye_bus_extent_new (void)
{
  DeyeBusExtent *extent = g_new0 (DeyeBusExtent, 1);

  g_atomic_ref_count_init (&extent->refs);
  return extent;
}

DeyeBusExtent *
deye_bus_extent_ref (DeyeBusExtent *extent)
{
  g_return_val_if_fail (extent != NULL, NULL);

  g_atomic_ref_count_inc (&extent->refs);
  return extent;
}

void
deye_bus_extent_unref (DeyeBusExtent *extent)
{
  g_return_if_fail (extent != NULL);

  if (!g_atomic_ref_count_dec (&extent->refs))
    return;
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

DeyeBusExtent *
deye_bus_extent_read (WireSpan packed)
{
  g_autofree char *configuration = NULL;
  WireExtent fields;
  DeyeBusExtent *extent;

  if (packed.data == NULL)
    return NULL;
  wire_extent_read (packed, &fields);
  extent = deye_bus_extent_new ();
  extent->is_counted = !fields.is_uncounted;
  extent->rows = fields.is_uncounted ? 0 : fields.rows;
  extent->is_truncated = !!fields.is_truncated;
  extent->limit = fields.is_truncated ? fields.limit : 0;
  extent->from_time_us = fields.from_time_us;
  extent->to_time_us = fields.to_time_us;
  extent->gaps = (guint) fields.gaps;
  extent->age_us = fields.age_us;
  deye_bus_extent_set_share (extent, (guint) fields.share_permille);
  configuration = g_strndup ((const char *) fields.configuration.data, fields.configuration.len);
  deye_bus_extent_set_configuration (extent, configuration);
  return extent;
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

/* --- reading --- */

gboolean
deye_bus_extent_get_rows (const DeyeBusExtent *extent, guint64 *rows)
{
  g_return_val_if_fail (extent != NULL, FALSE);

  if (rows != NULL)
    *rows = extent->rows;
  return extent->is_counted;
}

gboolean
deye_bus_extent_is_truncated (const DeyeBusExtent *extent)
{
  g_return_val_if_fail (extent != NULL, FALSE);
  return extent->is_truncated;
}

guint64
deye_bus_extent_get_limit (const DeyeBusExtent *extent)
{
  g_return_val_if_fail (extent != NULL, 0);
  return extent->limit;
}

gboolean
deye_bus_extent_get_period (const DeyeBusExtent *extent, guint64 *from_time_us, guint64 *to_time_us, guint *gaps)
{
  g_return_val_if_fail (extent != NULL, FALSE);

  if (from_time_us != NULL)
    *from_time_us = extent->from_time_us;
  if (to_time_us != NULL)
    *to_time_us = extent->to_time_us;
  if (gaps != NULL)
    *gaps = extent->gaps;
  return extent->from_time_us != 0 || extent->to_time_us != 0;
}

guint
deye_bus_extent_get_share (const DeyeBusExtent *extent)
{
  g_return_val_if_fail (extent != NULL, 0);
  return extent->share_permille;
}

guint64
deye_bus_extent_get_age (const DeyeBusExtent *extent)
{
  g_return_val_if_fail (extent != NULL, 0);
  return extent->age_us;
}

const char *
deye_bus_extent_get_configuration (const DeyeBusExtent *extent)
{
  g_return_val_if_fail (extent != NULL, NULL);
  return extent->configuration;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"

#include <glib-object.h>

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_EXTENT (deye_bus_extent_get_type ())

/**
 * DeyeBusExtent:
 *
 * Extent of a result: which part of the requested data its payload covers, as reported by the collector that sent it. It is
 * immutable, and its reference count is atomic, so it can be used in any thread.
 *
 * The collector sets it with deye_bus_work_set_rows() and the functions after it. Answers and entries of a manifest have an
 * extent; see deye_bus_gather_answer_dup_extent() and deye_bus_manifest_entry_dup_extent().
 *
 * Since: 0.1
 */
typedef struct _DeyeBusExtent DeyeBusExtent;

DEYE_BUS_API GType deye_bus_extent_get_type (void);

/**
 * deye_bus_extent_ref:
 * @extent: a #DeyeBusExtent
 *
 * Increases the reference count of an extent.
 *
 * Returns: (transfer full): @extent
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusExtent *deye_bus_extent_ref (DeyeBusExtent *extent);

/**
 * deye_bus_extent_unref:
 * @extent: (transfer full): a #DeyeBusExtent
 *
 * Decreases the reference count of an extent and frees it when the count reaches zero.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_extent_unref (DeyeBusExtent *extent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusExtent, deye_bus_extent_unref)

/**
 * deye_bus_extent_get_rows:
 * @extent: a #DeyeBusExtent
 * @rows: (out) (optional): return location for the number of rows; 0: the collector searched and found nothing
 *
 * Gets the number of rows in the payload.
 *
 * Returns: %TRUE if the collector counted them; otherwise %FALSE, and @rows is 0
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_extent_get_rows (const DeyeBusExtent *extent, guint64 *rows);

/**
 * deye_bus_extent_is_truncated:
 * @extent: a #DeyeBusExtent
 *
 * Checks whether there is more data than the payload contains.
 *
 * Returns: %TRUE if the payload is cut; see deye_bus_extent_get_limit()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_extent_is_truncated (const DeyeBusExtent *extent);

/**
 * deye_bus_extent_get_limit:
 * @extent: a #DeyeBusExtent
 *
 * Gets the limit at which a payload was cut.
 *
 * Returns: the limit in rows; 0: the payload is not cut, or the limit is not a number of rows
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_extent_get_limit (const DeyeBusExtent *extent);

/**
 * deye_bus_extent_get_period:
 * @extent: a #DeyeBusExtent
 * @from_time_us: (out) (optional): return location for the start, in microseconds since 1970
 * @to_time_us: (out) (optional): return location for the end, in microseconds since 1970
 * @gaps: (out) (optional): return location for the number of gaps in the period
 *
 * Gets the period that the payload covers.
 *
 * Returns: %TRUE if the collector set it; otherwise %FALSE, and the values are 0
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_extent_get_period (const DeyeBusExtent *extent,
                                                  guint64 *from_time_us,
                                                  guint64 *to_time_us,
                                                  guint *gaps);

/**
 * deye_bus_extent_get_share:
 * @extent: a #DeyeBusExtent
 *
 * Gets the share of the existing data that the collector can see, such as the processes that it may read.
 *
 * Returns: the share in permille, 1 to 1000; 0: the collector did not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_extent_get_share (const DeyeBusExtent *extent);

/**
 * deye_bus_extent_get_age:
 * @extent: a #DeyeBusExtent
 *
 * Gets the age that the oldest data in the payload had when the collector sent the payload.
 *
 * Returns: the age in microseconds
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_extent_get_age (const DeyeBusExtent *extent);

/**
 * deye_bus_extent_get_configuration:
 * @extent: a #DeyeBusExtent
 *
 * Gets the revision of the configuration that the collector used.
 *
 * Returns: (nullable): the revision, owned by @extent; %NULL if the collector did not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_extent_get_configuration (const DeyeBusExtent *extent);

G_END_DECLS

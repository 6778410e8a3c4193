/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * DeyeBusPublishResult:
 * @sequence: sequence number of the message in the broker's order of acceptance
 * @matched: number of receivers that matched
 * @queued: number of these for which the message was queued
 * @refused: number of these that refused the message, usually because their queue was full; they receive a gap
 *
 * Result of an acknowledged publish. A queue group counts as one receiver. Receivers that are counted in @matched, but
 * in neither @queued nor @refused, dropped the message under %DEYE_BUS_POLICY_DROP_NEWEST. A result that other languages
 * construct by its type contains zeros.
 *
 * Since: 0.1
 */
typedef struct _DeyeBusPublishResult
{
  guint64 sequence;
  guint matched;
  guint queued;
  guint refused;
} DeyeBusPublishResult;

#define DEYE_BUS_TYPE_PUBLISH_RESULT (deye_bus_publish_result_get_type ())

DEYE_BUS_API GType deye_bus_publish_result_get_type (void);

/**
 * deye_bus_publish_result_copy:
 * @result: a #DeyeBusPublishResult
 *
 * Copies a #DeyeBusPublishResult.
 *
 * Returns: (transfer full): a copy of @result; free it with deye_bus_publish_result_free()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusPublishResult *deye_bus_publish_result_copy (const DeyeBusPublishResult *result);

/**
 * deye_bus_publish_result_free:
 * @result: (transfer full) (nullable): a #DeyeBusPublishResult that deye_bus_publish_result_copy() returned
 *
 * Frees a copy of a #DeyeBusPublishResult.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_publish_result_free (DeyeBusPublishResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusPublishResult, deye_bus_publish_result_free)

G_END_DECLS

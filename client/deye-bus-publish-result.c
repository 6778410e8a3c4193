/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-publish-result.h"

/* The result of an acknowledged publish: a boxed value, so that other languages can use it. */

G_DEFINE_BOXED_TYPE (DeyeBusPublishResult,
                     deye_bus_publish_result,
                     deye_bus_publish_result_copy,
                     deye_bus_publish_result_free)

DeyeBusPublishResult *
deye_bus_publish_result_copy (const DeyeBusPublishResult *result)
{
  g_return_val_if_fail (result != NULL, NULL);

  return g_memdup2 (result, sizeof *result);
}

void
deye_bus_publish_result_free (DeyeBusPublishResult *result)
{
  g_free (result);
}

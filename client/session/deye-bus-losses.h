/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Losses: for each topic the number of messages that a client accepted and dropped. Subscribers get a report of them.
 *
 * The first DEYE_BUS_LOSSES_TOPICS topics are counted exactly. Losses on further topics are counted together, for a pattern of the
 * first two segments. Further losses that would need more than DEYE_BUS_LOSSES_PATTERNS patterns are not counted here.
 *
 * Invariant: memory is bounded, and no loss is counted twice.
 */

#define DEYE_BUS_LOSSES_TOPICS   256u
#define DEYE_BUS_LOSSES_PATTERNS 256u

typedef struct
{
  GHashTable *by_topic; /* topic or pattern -> guint64; NULL: nothing is lost */
} DeyeBusLosses;

typedef struct
{
  char *topic; /* or a pattern */
  guint64 count;
} DeyeBusLoss;

void deye_bus_losses_add (DeyeBusLosses *losses, const char *topic, guint64 count);
void deye_bus_losses_clear (DeyeBusLosses *losses);
/* Removes up to @max losses and returns them. Of DeyeBusLoss, sorted by topic. */
GPtrArray *deye_bus_losses_take (DeyeBusLosses *losses, guint max);

static inline gboolean
deye_bus_losses_is_empty (const DeyeBusLosses *losses)
{
  return losses->by_topic == NULL;
}

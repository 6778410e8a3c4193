/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Losses: the number of messages to each topic that a client accepted and dropped, for reports to subscribers.
 *
 * The first DEYE_BUS_LOSSES_TOPICS topics are counted exactly. Losses on further ones are counted together for a pattern of
 * their first two segments, and beyond DEYE_BUS_LOSSES_PATTERNS of these it is not counted here any more.
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
/* Takes up to @max of them. Of DeyeBusLoss, sorted by topic. */
GPtrArray *deye_bus_losses_take (DeyeBusLosses *losses, guint max);

static inline gboolean
deye_bus_losses_is_empty (const DeyeBusLosses *losses)
{
  return losses->by_topic == NULL;
}

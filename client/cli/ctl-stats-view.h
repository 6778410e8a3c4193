/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/*
 * The views of `stats`: counters by subscription, by group and by topic domain, as a table or as JSON objects.
 *
 * Rows are printed in the order of the broker: subscriptions that are behind come first. No row is summed up or left out.
 */

typedef enum
{
  CTL_VIEW_SUBSCRIPTIONS,
  CTL_VIEW_GROUPS,
  CTL_VIEW_DOMAINS,
} CtlView;

/* @peer: (nullable): prints only this peer; not every view supports this. */
gboolean ctl_stats_view (Ctl *ctl, CtlView which, char *peer, GError **error);

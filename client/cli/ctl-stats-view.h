/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/*
 * The views of stats: a table, or objects, of what the broker counts by subscription, by group and by domain.
 *
 * A row is shown as the broker gave it, in its order; nothing is summed or left out here.
 */

typedef enum
{
  CTL_VIEW_SUBSCRIPTIONS,
  CTL_VIEW_GROUPS,
  CTL_VIEW_DOMAINS,
} CtlView;

/* @peer: (nullable): of this one only, where the view can be. */
gboolean ctl_stats_view (Ctl *ctl, CtlView which, char *peer, GError **error);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/*
 * The views of `stats`: counters by subscription, by group and by topic domain, as a table or as JSON objects.
 *
 * Rows are shown as the broker sent them, subscriptions that are behind first. Nothing is summed or left out.
 */

typedef enum
{
  CTL_VIEW_SUBSCRIPTIONS,
  CTL_VIEW_GROUPS,
  CTL_VIEW_DOMAINS,
} CtlView;

/* @peer: (nullable): show only this peer. Not every view can. */
gboolean ctl_stats_view (Ctl *ctl, CtlView which, char *peer, GError **error);

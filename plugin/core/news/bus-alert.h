/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow.h"
#include "base/bus-overflow.h"

/*
 * What the broker publishes about those who are behind: system.drop and system.slow.
 *
 * Losses and changes are only noted where they happen; an timer tells them later, outside of any routing, at most once in
 * BUS_ALERT_EVERY_US for each subscription, queue, uid and for the broker. The counts of system.drop are exact: their sum
 * is what was missed of all but system.*. The same timer tells the subscription its own gap, when its client returns no credit but reads.
 *
 * Invariant: what is noted has its timer armed, or is told when the subscription goes.
 */

#define BUS_ALERT_EVERY_US G_TIME_SPAN_SECOND

typedef enum
{
  BUS_NEWS_DEMOTED = 1 << 0,
  BUS_NEWS_DRAINED = 1 << 1,
} BusNews;

/* A message of that domain was lost. Of what the broker itself says only gaps tell: whoever does not keep up with
 * system.drop would make the next one with each. */
void bus_alert_loss (BusFlow *flow,
                     BusSubscription *subscription,
                     guint domain,
                     guint64 accept_seq,
                     BusLoss loss,
                     gint64 now_us);
void bus_alert_news (BusFlow *flow, BusSubscription *subscription, BusNews news, gint64 now_us);
/* The queue rose above its soft limit, or fell below it. */
void bus_alert_queue (BusFlow *flow, gint64 now_us);

/* The timers. */
void bus_alert_due (BusSubscription *subscription, gint64 now_us);
void bus_alert_queue_due (BusPeer *peer, gint64 now_us);
/* @uid: G_MAXUINT32: the broker in all. */
void bus_alert_quota_due (BusCore *core, guint32 uid, guint64 value, guint64 limit, const char *setting, gint64 now_us);

/* The subscription goes: what is not told yet is told now. */
void bus_alert_end (BusSubscription *subscription, gint64 now_us);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-page.h"

/*
 * The order in which answers in pages list peers, subscriptions and groups: the next ones behind the cursor of a page.
 *
 * It does not fill the page. Invariant: an item that exists during the whole listing is behind exactly those cursors that
 * name a smaller one, so a reader that follows the cursors gets it once.
 */

typedef gboolean BusListingFilter (const BusSubscription *subscription);

/* Peers by id, behind the cursor, that the asker may see; at most @max. @subscribed: those that have subscriptions, and the
 * one that the cursor names, because it may have more. (transfer full) */
GPtrArray *bus_listing_peers (BusPage *page, gboolean subscribed, guint max);
/* Peers at most that fill any page: one that the cursor names, and one that shows that there is more. */
static inline guint
bus_listing_peers_of_page (const BusPage *page)
{
  return page->limit + 2;
}

/* Subscriptions of @peer by number, behind the cursor. @filter: (nullable): these only. (transfer full) */
GPtrArray *bus_listing_subscriptions (BusPage *page, const BusPeer *peer, BusListingFilter *filter);
/* A GCompareFunc of pointers to subscriptions of one peer. */
int bus_listing_compare_subscriptions (gconstpointer a, gconstpointer b);

/* Groups by name and number, behind the cursor: all, or those that the asker is in. (transfer full) */
GPtrArray *bus_listing_groups (BusPage *page);

/* Read a cursor, or a part of it: a number from 1 to @max, the name of a peer or group, or "peer/number". FALSE: it is
 * none. */
gboolean bus_listing_read_number (const char *text, guint64 max, guint32 *number);
gboolean bus_listing_read_name (BusPage *page, WireSpan text);
gboolean bus_listing_read_subscription (BusPage *page, const char *cursor);
/* "group/number"; a name alone stands behind all groups of that name. */
gboolean bus_listing_read_group (BusPage *page, const char *cursor);

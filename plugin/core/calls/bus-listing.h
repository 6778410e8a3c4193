/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-page.h"

/*
 * Listing: finds the peers, subscriptions and groups that follow the cursor of a page, in the order in which pages list them. It
 * does not fill the page (bus-page).
 *
 * Invariant: the order of two items never changes, so a reader that follows the cursors from page to page gets each item that
 * exists during the whole listing exactly once.
 */

typedef gboolean BusListingFilter (const BusSubscription *subscription);

/* The peers behind the cursor that the asker may see, by id; at most @max. @subscribed: only peers with subscriptions, also the
 * peer that the cursor names, because more of its subscriptions may follow. (transfer full) */
GPtrArray *bus_listing_peers (BusPage *page, gboolean subscribed, guint max);
/* The number of peers that is enough for any page: two more than its entries, for the peer that the cursor names, and to notice
 * that more follow. */
static inline guint
bus_listing_peers_of_page (const BusPage *page)
{
  return page->limit + 2;
}

/* The subscriptions of @peer behind the cursor, by number. @filter: (nullable): only those for which it returns TRUE. (transfer
 * full) */
GPtrArray *bus_listing_subscriptions (BusPage *page, const BusPeer *peer, BusListingFilter *filter);
/* A GCompareFunc of pointers to subscriptions of one peer. */
int bus_listing_compare_subscriptions (gconstpointer a, gconstpointer b);

/* The groups behind the cursor, by name and number: all, or for a collector those in which it is a member. (transfer full) */
GPtrArray *bus_listing_groups (BusPage *page);

/* Read a cursor, or a part of it: a number from 1 to @max, the name of a peer or group, or "peer/number". FALSE: it is not
 * valid. */
gboolean bus_listing_read_number (const char *text, guint64 max, guint32 *number);
gboolean bus_listing_read_name (BusPage *page, WireSpan text);
gboolean bus_listing_read_subscription (BusPage *page, const char *cursor);
/* Reads "group/number", or a name alone, which means the end of the groups with that name. */
gboolean bus_listing_read_group (BusPage *page, const char *cursor);

/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-listing.h"

#include "base/bus-smallest.h"
#include "calls/bus-budget.h"
#include "peer/bus-state.h"
#include "route/bus-group.h"
#include "route/bus-routes.h"

static int
listing_compare_peers (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(BusPeer *const *) a)->id, (*(BusPeer *const *) b)->id);
}

static gboolean
listing_is_asked_for (const BusPage *page, const BusPeer *peer)
{
  return page->only != NULL ? peer == page->only : bus_peer_may_see (page->asker, peer);
}

GPtrArray *
bus_listing_peers (BusPage *page, gboolean subscribed, guint max)
{
  BusSmallest smallest;

  bus_smallest_init (&smallest, &page->work, listing_compare_peers, max);
  for (const GList *link = page->core->peers.head; link != NULL; link = link->next)
    {
      BusPeer *peer = link->data;

      page->work++;
      if (listing_is_asked_for (page, peer) && strcmp (peer->id, page->after) >= (subscribed ? 0 : 1)
          && (!subscribed || bus_subscriptions_size (&peer->subscriptions) > 0))
        bus_smallest_add (&smallest, peer);
    }
  return bus_smallest_end (&smallest);
}

int
bus_listing_compare_subscriptions (gconstpointer a, gconstpointer b)
{
  const BusSubscription *first = *(BusSubscription *const *) a;
  const BusSubscription *second = *(BusSubscription *const *) b;

  return (first->id > second->id) - (first->id < second->id);
}

GPtrArray *
bus_listing_subscriptions (BusPage *page, const BusPeer *peer, BusListingFilter *filter)
{
  guint32 after = strcmp (peer->id, page->after) == 0 ? page->after_number : 0;
  guint at = 0;
  gpointer value;
  BusSmallest smallest;

  bus_smallest_init (&smallest, &page->work, bus_listing_compare_subscriptions, page->limit + 1);
  page->work += bus_subscriptions_size (&peer->subscriptions);
  while ((value = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
    if (((const BusSubscription *) value)->id > after && (filter == NULL || filter (value)))
      bus_smallest_add (&smallest, value);
  return bus_smallest_end (&smallest);
}

/* --- groups --- */

static int
listing_compare_groups (gconstpointer a, gconstpointer b)
{
  const BusGroup *first = *(BusGroup *const *) a;
  const BusGroup *second = *(BusGroup *const *) b;
  int order = bus_key_compare_text (first->key.text, second->key.text);

  return order != 0 ? order : (first->number > second->number) - (first->number < second->number);
}

static void
listing_add_groups_of (GHashTable *groups, const BusPeer *peer)
{
  guint at = 0;
  gpointer value;

  while ((value = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
    {
      BusGroup *group = ((const BusSubscription *) value)->group;

      if (group != NULL)
        g_hash_table_replace (groups, &group->key, group);
    }
}

static gboolean
listing_is_behind (const BusPage *page, const BusGroup *group)
{
  int order = bus_key_compare_text (group->key.text, wire_span_str (page->after));

  return order > 0 || (order == 0 && group->number > page->after_number);
}

GPtrArray *
bus_listing_groups (BusPage *page)
{
  g_autoptr (GHashTable) groups
      = page->all ? g_hash_table_ref (page->core->routes->groups.table) : bus_group_table_new ();
  GHashTableIter iter;
  gpointer value;
  BusSmallest smallest;

  if (!page->all)
    {
      page->work += (guint64) bus_subscriptions_size (&page->asker->subscriptions) * BUS_WORK_MEMBER;
      listing_add_groups_of (groups, page->asker);
    }
  page->work += g_hash_table_size (groups);
  bus_smallest_init (&smallest, &page->work, listing_compare_groups, page->limit + 1);
  g_hash_table_iter_init (&iter, groups);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (listing_is_behind (page, value))
      bus_smallest_add (&smallest, value);
  return bus_smallest_end (&smallest);
}

/* --- reading cursors --- */

gboolean
bus_listing_read_number (const char *text, guint64 max, guint32 *number)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, 1, max, &value, NULL))
    return FALSE;
  *number = (guint32) value;
  return TRUE;
}

gboolean
bus_listing_read_name (BusPage *page, WireSpan text)
{
  if (!wire_segment_is_valid (text, (guint) page->core->limits.segment_bytes))
    return FALSE;
  memcpy (page->after, text.data, text.len);
  return TRUE;
}

gboolean
bus_listing_read_subscription (BusPage *page, const char *cursor)
{
  const char *slash = strchr (cursor, '/');

  return slash != NULL && bus_listing_read_name (page, wire_span (cursor, (gsize) (slash - cursor)))
         && bus_listing_read_number (slash + 1, G_MAXUINT32, &page->after_number);
}

gboolean
bus_listing_read_group (BusPage *page, const char *cursor)
{
  page->after_number = G_MAXUINT32;
  return strchr (cursor, '/') != NULL ? bus_listing_read_subscription (page, cursor)
                                      : bus_listing_read_name (page, wire_span_str (cursor));
}

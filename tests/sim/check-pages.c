/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-state.h"
#include "route/bus-routes.h"
#include "sim-pages.h"

/* M24: computes the page of the timeline that answers a call, from the list of all records. Nothing here calls the core. */

#define LIMIT_MAX    1000u
#define LIMIT_PRESET 500u

static void
pages_copy (char to[8], WireSpan text)
{
  g_snprintf (to, 8, "%.*s", (int) text.len, (const char *) text.data);
}

/* The root of the first message with that name; otherwise the root with that name. NULL: there is none. */
static const BusTimelineRoot *
pages_find_root (const BusTimeline *timeline, WireSpan id)
{
  const BusTimelineRoot *found = NULL;

  for (const GList *link = timeline->by_age.head; link != NULL; link = link->next)
    {
      const BusRecord *record = link->data;

      if (record->is_named && wire_span_equal (record->correlation_id, id))
        return record->root;
      if (wire_span_equal (record->root->key.text, id))
        found = record->root;
    }
  return found;
}

static void
pages_put (SimPage *page, const BusRecord *record)
{
  SimPageItem *item = &page->items[page->n++];

  item->number = record->number;
  item->accept_seq = record->fate.accept_seq;
  item->depth = record->depth;
  pages_copy (item->id, record->correlation_id);
  pages_copy (item->stage, record->stage);
}

static void
pages_fill (SimWorld *world, const BusTimelineRoot *root, guint64 after, guint limit, SimPage *page)
{
  for (const GList *link = world->core->routes->timeline.by_age.head; link != NULL; link = link->next)
    {
      const BusRecord *record = link->data;

      if (!wire_span_equal (record->root->key.text, root->key.text) || record->number <= after)
        continue;
      if (page->n == limit)
        {
          page->next = page->items[page->n - 1].number;
          return;
        }
      if (page->n == SIM_PAGE_ITEMS)
        {
          sim_world_fail (world, "the simulator has no room for a page of %u records", page->n);
          return;
        }
      pages_put (page, record);
    }
}

void
sim_check_page (SimWorld *world, const SimClient *client, SimPageCall *call)
{
  g_autofree char *id = g_strdup_printf ("m%u", call->id);
  const BusTimelineRoot *root = pages_find_root (&world->core->routes->timeline, wire_span_str (id));
  SimPage *page = &call->page;

  *page = (SimPage){ .status = WIRE_STATUS_OK };
  if (client->role == SIM_COLLECTOR)
    page->status = WIRE_STATUS_DENIED;
  else if (call->limit > LIMIT_MAX)
    page->status = WIRE_STATUS_BAD_MESSAGE;
  else if (root == NULL)
    page->status = WIRE_STATUS_ABSENT;
  if (page->status != WIRE_STATUS_OK)
    return;
  pages_copy (page->root, root->key.text);
  page->lost = root->lost;
  pages_fill (world, root, call->after, call->limit != 0 ? call->limit : LIMIT_PRESET, page);
}

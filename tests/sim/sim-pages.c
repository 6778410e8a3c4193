/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-pages.h"

#include "control.pb-c.h"
#include "sim-ops-private.h"
#include "wire-guard.h"

#include <string.h>

#define ASKERS 3u /* the agent, the tool, and a collector, which the broker refuses */

SimPages *
sim_pages_new (void)
{
  return g_new0 (SimPages, 1);
}

void
sim_pages_free (SimPages *pages)
{
  g_free (pages);
}

/* --- to the broker --- */

/* The next page, or the first one of another id. */
static void
pages_draw (SimRandom *random, SimPageCall *call)
{
  if (call->after == 0)
    {
      call->id = 1 + sim_below (random, SIM_IDS);
      call->lost = 0;
    }
  call->limit = sim_chance (random, 80) ? 1 + sim_below (random, 3) : sim_chance (random, 90) ? 0 : 1001;
}

static void
pages_ask (SimWorld *world, SimClient *client, SimPageCall *call)
{
  Daemoneye__Eventbus__V1__TimelineRequest request;
  char id[8];

  pages_draw (&world->aside, call);
  g_snprintf (id, sizeof id, "m%u", call->id);
  daemoneye__eventbus__v1__timeline_request__init (&request);
  request.id = id;
  request.after = call->after;
  request.limit = call->limit;
  sim_ops_call (client, "control.bus.timeline", &request.base, &(const SimFrame){ .kind = SIM_FRAME_PAGE });
  call->connection = client->number;
  call->call = client->next_id;
  call->is_reached = FALSE;
}

void
sim_pages_run (SimWorld *world)
{
  SimClient *client;
  SimPageCall *call;

  if (!world->asks_pages || !sim_chance (&world->aside, 15))
    return;
  client = &world->clients[sim_below (&world->aside, ASKERS)];
  call = &world->pages->calls[client->slot];
  if (call->connection != client->number)
    *call = (SimPageCall){ .connection = client->number };
  if (client->peer != NULL && client->is_ready && call->call == 0 && sim_client_has_credit (client, WIRE_CLASS_CONTROL))
    pages_ask (world, client, call);
}

void
sim_pages_reached (SimWorld *world, const SimClient *client)
{
  SimPageCall *call = &world->pages->calls[client->slot];

  call->is_reached = TRUE;
  sim_check_page (world, client, call);
}

/* --- to the asker --- */

/* The call that this answers. NULL: another one */
static SimPageCall *
pages_find (const SimClient *client, const WireEnvelope *envelope)
{
  SimPageCall *call = &client->world->pages->calls[client->slot];

  if (call->call == 0 || call->connection != client->number || call->call != envelope->answers)
    return NULL;
  if (!call->is_reached)
    sim_world_fail (client->world, "M24: %s got an answer to a page that it has not asked for", client->id);
  call->call = 0;
  return call;
}

static gboolean
pages_is_item (const SimPageItem *item, const Daemoneye__Eventbus__V1__TimelineItem *got)
{
  return item->number == got->number && item->accept_seq == got->accept_seq && item->depth == got->depth
         && strcmp (item->id, got->correlation_id) == 0 && strcmp (item->stage, got->stage) == 0;
}

static void
pages_compare (SimWorld *world, const SimPage *page, const Daemoneye__Eventbus__V1__TimelineReply *reply)
{
  if (page->status != WIRE_STATUS_OK)
    sim_world_fail (world, "M24: a call that had to be refused got a page of the timeline");
  else if (strcmp (page->root, reply->root_id) != 0 || reply->epoch != world->options.epoch)
    sim_world_fail (world, "M24: a page is of the root %s, not %s", reply->root_id, page->root);
  else if (page->n != reply->n_items || page->next != reply->next || page->lost != reply->lost)
    sim_world_fail (world,
                    "M24: a page of %s has %zu entries before %" G_GUINT64_FORMAT ", not %u before %" G_GUINT64_FORMAT,
                    page->root, reply->n_items, reply->next, page->n, page->next);
  for (guint i = 0; !sim_world_failed (world) && i < page->n; i++)
    if (!pages_is_item (&page->items[i], reply->items[i]))
      sim_world_fail (world, "M24: entry %" G_GUINT64_FORMAT " of a page is not entry %" G_GUINT64_FORMAT " of %s",
                      reply->items[i]->number, page->items[i].number, page->root);
}

static void
pages_cover (SimWorld *world, const SimPageCall *call)
{
  g_autofree char *id = g_strdup_printf ("m%u", call->id);
  const SimPage *page = &call->page;

  if (page->next != 0)
    sim_cover (world, SIM_COVER_PAGE_MORE);
  else if (call->after != 0)
    sim_cover (world, SIM_COVER_PAGE_LAST);
  if (strcmp (id, page->root) != 0)
    sim_cover (world, SIM_COVER_PAGE_OF_MEMBER);
  if (call->after != 0 && page->lost > call->lost)
    sim_cover (world, SIM_COVER_PAGE_SHRUNK);
}

void
sim_pages_replied (const SimClient *client, const WireEnvelope *envelope)
{
  SimPageCall *call = pages_find (client, envelope);
  g_autoptr (WireGuard) guard = NULL;

  if (call == NULL)
    return;
  guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__timeline_reply__descriptor, envelope->payload, 0, NULL);
  if (guard == NULL)
    {
      sim_world_fail (client->world, "a malformed page of the timeline");
      return;
    }
  pages_compare (client->world, &call->page, wire_guard_message (guard));
  pages_cover (client->world, call);
  call->after = call->page.next;
  call->lost = call->page.lost;
}

/* If the queue has no room for the answer, the broker sends LIMIT. */
void
sim_pages_failed (const SimClient *client, const WireEnvelope *envelope)
{
  SimPageCall *call = pages_find (client, envelope);

  if (call == NULL)
    return;
  call->after = 0;
  if (envelope->status != call->page.status && envelope->status != WIRE_STATUS_LIMIT)
    sim_world_fail (client->world, "M24: a page of the timeline was refused with %s",
                    wire_status_name (envelope->status));
  sim_cover (client->world, envelope->status == WIRE_STATUS_DENIED ? SIM_COVER_PAGE_DENIED : SIM_COVER_PAGE_REFUSED);
}

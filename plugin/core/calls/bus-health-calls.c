/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-health-calls.h"

#include "calls/bus-budget.h"
#include "calls/bus-page.h"
#include "peer/bus-peer.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "work/bus-health-news.h"

#define ENTRIES_PRESET 100u
#define REPLY_REST     256u /* cursor, total, and the heads of the frame */

typedef Daemoneye__Eventbus__V1__HealthListReply HealthListReply;
typedef Daemoneye__Eventbus__V1__HealthListRequest HealthListRequest;
typedef Daemoneye__Eventbus__V1__HealthRecord HealthRecord;

static gboolean
health_matches (const BusCall *call, const HealthListRequest *request, const BusPeer *peer)
{
  return bus_peer_may_see (call->peer, peer) && peer->health->is_tracked
         && (request->id[0] == '\0' || strcmp (request->id, peer->id) == 0)
         && (guint) peer->health->state + 1 >= (guint) request->at_least;
}

static int
health_compare (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(BusPeer *const *) a)->id, (*(BusPeer *const *) b)->id);
}

/* The peers that match the request, in the order of their ids. */
static GPtrArray *
health_find (const BusCall *call, const HealthListRequest *request, BusPage *page)
{
  GPtrArray *peers = g_ptr_array_new ();

  for (const GList *link = call->core->peers.head; link != NULL; link = link->next)
    {
      page->work++;
      if (health_matches (call, request, link->data))
        g_ptr_array_add (peers, link->data);
    }
  g_ptr_array_sort (peers, health_compare);
  return peers;
}

/* FALSE: there is more than this page takes. */
static gboolean
health_put (BusPage *page, const BusPeer *peer)
{
  HealthRecord *record = bus_page_block (page, sizeof *record);

  bus_health_fill_record (peer, record, bus_page_block (page, sizeof (BusHealthBlock)));
  return bus_page_put (page, &record->base);
}

static void
health_walk (const BusCall *call, const HealthListRequest *request, BusPage *page, HealthListReply *reply)
{
  g_autoptr (GPtrArray) peers = health_find (call, request, page);
  const BusPeer *last = NULL;

  reply->total = peers->len;
  for (guint i = 0; i < peers->len && !page->is_full; i++)
    {
      const BusPeer *peer = g_ptr_array_index (peers, i);

      if (strcmp (peer->id, request->cursor) <= 0)
        continue;
      if (health_put (page, peer))
        last = peer;
      else if (last != NULL)
        reply->next_cursor = bus_page_text (page, wire_span_str (last->id));
    }
}

/* A record with many units may be larger than a page if max_payload is small. Such a page would stay empty, so the request is
 * refused. */
static void
health_send (const BusCall *call, BusPage *page, HealthListReply *reply)
{
  if (page->is_full && page->entries->len == 0)
    {
      bus_peer_error_limit (call->peer, call->id, BUS_LIMIT_max_payload, call->core->limits.max_payload + 1);
      return;
    }
  reply->n_peers = page->entries->len;
  reply->peers = (HealthRecord **) page->entries->pdata;
  bus_budget_spend (call->peer, page->work, &reply->base);
  bus_reply_message (call->peer, call->id, &reply->base);
}

void
bus_health_calls_list (const BusCall *call)
{
  const HealthListRequest *request = call->request;
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();
  g_autoptr (GPtrArray) blocks = g_ptr_array_new_with_free_func (g_free);
  BusPage page
      = { .asker = call->peer, .core = call->core, .now_us = call->now_us, .entries = entries, .blocks = blocks };
  HealthListReply reply;

  if (!bus_budget_admit (call->peer, call->id, call->now_us))
    return;
  daemoneye__eventbus__v1__health_list_reply__init (&reply);
  page.texts = g_string_chunk_new (256);
  page.limit = request->limit > 0 ? request->limit : ENTRIES_PRESET;
  page.room = (gsize) MIN (call->core->limits.max_payload, BUS_PAGE_REPLY_MAX) - REPLY_REST;
  health_walk (call, request, &page, &reply);
  health_send (call, &page, &reply);
  g_string_chunk_free (page.texts);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-collectors.h"

#include "calls/bus-budget.h"
#include "calls/bus-page.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "work/bus-member-news.h"
#include "work/bus-membership.h"
#include "coordination.pb-c.h"

#define ENTRIES_PRESET 100u
#define REPLY_REST     256u /* cursor, total, and the heads of the frame */

typedef Daemoneye__Eventbus__V1__CollectorDrainReply CollectorDrainReply;
typedef Daemoneye__Eventbus__V1__CollectorDrainRequest CollectorDrainRequest;
typedef Daemoneye__Eventbus__V1__CollectorRecord CollectorRecord;
typedef Daemoneye__Eventbus__V1__CollectorsReply CollectorsReply;
typedef Daemoneye__Eventbus__V1__CollectorsRequest CollectorsRequest;

static gboolean
collectors_refuse (const BusCall *call, WireStatus status, const char *detail)
{
  bus_peer_error (call->peer, call->id, status, detail);
  return FALSE;
}

/* --- List --- */

static gboolean
collectors_has_tags (const BusMember *member, char *const *tags, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (!g_ptr_array_find_with_equal_func (member->tags, tags[i], g_str_equal, NULL))
      return FALSE;
  return TRUE;
}

static gboolean
collectors_matches (const BusCall *call, const CollectorsRequest *request, const BusMember *member)
{
  return bus_peer_may_see (call->peer, member->peer)
         && (request->operation[0] == '\0' || bus_member_ability (member, wire_span_str (request->operation)) != NULL)
         && (request->type[0] == '\0' || strcmp (request->type, member->type) == 0)
         && (request->state == 0 || (guint) request->state == (guint) member->state + 1)
         && collectors_has_tags (member, request->tags, request->n_tags);
}

/* FALSE: there is more than this page takes. */
static gboolean
collectors_put (BusPage *page, const BusMember *member)
{
  CollectorRecord *record = bus_page_block (page, sizeof *record);
  gpointer block = NULL;

  bus_member_fill_record (page->core, member, record, &block);
  g_ptr_array_add (page->blocks, block);
  return bus_page_put (page, &record->base);
}

static void
collectors_walk (const BusCall *call, const CollectorsRequest *request, BusPage *page, CollectorsReply *reply)
{
  g_autoptr (GPtrArray) members = bus_registry_all (call->core->work);
  const BusMember *last = NULL;

  for (guint i = 0; i < members->len; i++)
    {
      const BusMember *member = g_ptr_array_index (members, i);

      page->work += BUS_WORK_MEMBER;
      if (!collectors_matches (call, request, member))
        continue;
      reply->total++;
      if (page->is_full || strcmp (member->id, request->cursor) <= 0)
        continue;
      if (collectors_put (page, member))
        last = member;
      else if (last != NULL)
        reply->next_cursor = bus_page_text (page, wire_span_str (last->id));
    }
}

/* A record with many operations may be larger than a page if max_payload is small. Such a page would stay empty, so the request is
 * refused. */
static void
collectors_send (const BusCall *call, BusPage *page, CollectorsReply *reply)
{
  if (page->is_full && page->entries->len == 0)
    {
      bus_peer_error_limit (call->peer, call->id, BUS_LIMIT_max_payload, call->core->limits.max_payload + 1);
      return;
    }
  reply->n_collectors = page->entries->len;
  reply->collectors = (CollectorRecord **) page->entries->pdata;
  bus_budget_spend (call->peer, page->work, &reply->base);
  bus_reply_message (call->peer, call->id, &reply->base);
}

void
bus_collectors_list (const BusCall *call)
{
  const CollectorsRequest *request = call->request;
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();
  g_autoptr (GPtrArray) blocks = g_ptr_array_new_with_free_func (g_free);
  BusPage page
      = { .asker = call->peer, .core = call->core, .now_us = call->now_us, .entries = entries, .blocks = blocks };
  CollectorsReply reply;

  if (!bus_budget_admit (call->peer, call->id, call->now_us))
    return;
  daemoneye__eventbus__v1__collectors_reply__init (&reply);
  page.texts = g_string_chunk_new (256);
  page.limit = request->limit > 0 ? request->limit : ENTRIES_PRESET;
  page.room = (gsize) MIN (call->core->limits.max_payload, BUS_PAGE_REPLY_MAX) - REPLY_REST;
  collectors_walk (call, request, &page, &reply);
  collectors_send (call, &page, &reply);
  g_string_chunk_free (page.texts);
}

/* --- Drain --- */

static BusMember *
collectors_find_to_drain (const BusCall *call, const CollectorDrainRequest *request)
{
  BusMember *member = bus_registry_find (call->core->work, wire_span_str (request->id));

  if (call->peer->principal.role == BUS_ROLE_COLLECTOR)
    collectors_refuse (call, WIRE_STATUS_DENIED,
                       "Drain is for the agent and tools: a collector drains itself by Update");
  else if (request->grace_us > bus_limit_spec (BUS_LIMIT_task_drain_us)->ceiling)
    bus_peer_error_ceiling (call->peer, call->id, BUS_LIMIT_task_drain_us, request->grace_us);
  else if (member == NULL)
    collectors_refuse (call, WIRE_STATUS_ABSENT, "no collector with this id is registered");
  else
    return member;
  return NULL;
}

void
bus_collectors_drain (const BusCall *call)
{
  const CollectorDrainRequest *request = call->request;
  BusMember *member = collectors_find_to_drain (call, request);
  CollectorDrainReply reply;

  if (member == NULL)
    return;
  daemoneye__eventbus__v1__collector_drain_reply__init (&reply);
  reply.running = member->n_running;
  reply.returned = member->n_offered;
  bus_membership_drain (member, (gint64) request->grace_us, TRUE, request->expect_exit != 0);
  bus_reply_message (call->peer, call->id, &reply.base);
}

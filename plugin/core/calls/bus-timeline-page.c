/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-timeline-page.h"

#include "calls/bus-budget.h"
#include "calls/bus-page.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "route/bus-routes.h"
#include "control.pb-c.h"

typedef Daemoneye__Eventbus__V1__TimelineItem TimelineItem;
typedef Daemoneye__Eventbus__V1__TimelineReply TimelineReply;
typedef Daemoneye__Eventbus__V1__TimelineRequest TimelineRequest;

#define ENTRIES_PRESET 500u
#define ENTRIES_MAX    1000u
#define REPLY_REST     64u /* next, lost and epoch at their longest; the id of the root is added */

static gboolean
timeline_page_refuse (const BusCall *call, WireStatus status, const char *detail)
{
  bus_peer_error (call->peer, call->id, status, detail);
  return FALSE;
}

static gboolean
timeline_page_check (const BusCall *call, const TimelineRequest *request)
{
  if (call->peer->principal.role == BUS_ROLE_COLLECTOR)
    return timeline_page_refuse (call, WIRE_STATUS_DENIED, "the timeline is for agent and tool");
  if (request->limit > ENTRIES_MAX)
    return timeline_page_refuse (call, WIRE_STATUS_BAD_MESSAGE, "limit must be at most 1000 entries; 0 means 500");
  if (request->id[0] == '\0')
    return timeline_page_refuse (call, WIRE_STATUS_BAD_MESSAGE,
                                 "id must be the id of a root, or of one of its messages");
  return TRUE;
}

static ProtobufCBinaryData
timeline_page_bytes (WireSpan span)
{
  return (ProtobufCBinaryData){ span.len, (uint8_t *) (gsize) span.data };
}

static gboolean
timeline_page_put (BusPage *page, const BusRecord *record)
{
  TimelineItem *entry = bus_page_block (page, sizeof (TimelineItem));

  daemoneye__eventbus__v1__timeline_item__init (entry);
  entry->number = record->number;
  entry->time_us = record->time_us;
  entry->kind = (Daemoneye__Eventbus__V1__MessageKind) record->kind;
  entry->sender = bus_page_text (page, record->sender);
  entry->target = bus_page_text (page, record->target);
  entry->topic = bus_page_text (page, record->topic);
  entry->method = bus_page_text (page, record->method);
  entry->type_name = bus_page_text (page, record->type_name);
  entry->correlation_id = bus_page_text (page, record->correlation_id);
  entry->parent_id = bus_page_text (page, record->parent_id);
  entry->stage = bus_page_text (page, record->stage);
  entry->trace_id = timeline_page_bytes (record->trace_id);
  entry->span_id = timeline_page_bytes (record->span_id);
  entry->depth = record->depth;
  entry->payload_bytes = record->payload_bytes;
  entry->fields_bytes = record->fields_bytes;
  entry->accept_seq = record->fate.accept_seq;
  entry->status = record->fate.status;
  entry->matched = record->fate.matched;
  entry->queued = record->fate.queued;
  entry->refused = record->fate.refused;
  return bus_page_put (page, &entry->base);
}

/* Fills the page. Returns the number of its last entry if more entries follow, otherwise 0. With a very small max_payload an entry
 * may be too large for any page; it is left out, and the page ends there. */
static guint64
timeline_page_walk (BusPage *page, const BusTimelineRoot *root, guint64 after)
{
  for (const GList *link = root->records.head; link != NULL; link = link->next)
    {
      const BusRecord *record = link->data;

      if (record->number <= after)
        continue;
      if (!timeline_page_put (page, record))
        return page->entries->len > 0 ? after : record->number;
      after = record->number;
    }
  return 0;
}

static void
timeline_page_send (const BusCall *call, BusPage *page, const BusTimelineRoot *root, guint64 next)
{
  TimelineReply reply;

  daemoneye__eventbus__v1__timeline_reply__init (&reply);
  reply.root_id = bus_page_text (page, root->key.text);
  reply.n_items = page->entries->len;
  reply.items = (TimelineItem **) page->entries->pdata;
  reply.next = next;
  reply.lost = root->lost;
  reply.epoch = call->core->epoch;
  bus_reply_message (call->peer, call->id, &reply.base);
}

void
bus_timeline_page_answer (const BusCall *call)
{
  const TimelineRequest *request = call->request;
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();
  g_autoptr (GPtrArray) blocks = g_ptr_array_new_with_free_func (g_free);
  BusPage page
      = { .asker = call->peer, .core = call->core, .now_us = call->now_us, .entries = entries, .blocks = blocks };
  const BusTimelineRoot *root;
  guint64 next;

  if (!timeline_page_check (call, request) || !bus_budget_admit (call->peer, call->id, call->now_us))
    return;
  root = bus_timeline_root (&call->core->routes->timeline, wire_span_str (request->id));
  if (root == NULL)
    {
      timeline_page_refuse (
          call, WIRE_STATUS_ABSENT,
          "the timeline has no message with this id: it never had one, or newer messages have replaced it");
      return;
    }
  page.texts = g_string_chunk_new (4096);
  page.limit = request->limit > 0 ? request->limit : ENTRIES_PRESET;
  page.room = (gsize) MIN (call->core->limits.max_payload, BUS_PAGE_REPLY_MAX) - REPLY_REST - root->key.text.len;
  next = timeline_page_walk (&page, root, request->after);
  timeline_page_send (call, &page, root, next);
  g_string_chunk_free (page.texts);
}

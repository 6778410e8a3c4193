/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-later.h"

#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "route/bus-confirm.h"
#include "route/bus-request.h"

static BusLater *
later_find (const BusPeer *asker, guint64 id)
{
  for (GList *link = asker->calls->later.head; link != NULL; link = link->next)
    if (((const BusLater *) link->data)->id == id)
      return link->data;
  return NULL;
}

gboolean
bus_later_is_pending (const BusPeer *asker, guint64 id)
{
  return later_find (asker, id) != NULL;
}

static gboolean
later_may_begin (const BusCall *call)
{
  guint pending = bus_peer_pending (call->peer);

  if (pending >= call->core->limits.max_pending_requests)
    {
      bus_peer_error_limit (call->peer, call->id, BUS_LIMIT_max_pending_requests, pending + 1);
      return FALSE;
    }
  if (bus_later_is_pending (call->peer, call->id) || bus_request_find_asked (call->peer, call->id) != NULL
      || bus_confirm_is_pending (call->peer, call->id))
    {
      bus_peer_error (call->peer, call->id, WIRE_STATUS_DUPLICATE_ID,
                      "a request with this id is pending: use each id once");
      return FALSE;
    }
  return TRUE;
}

gpointer
bus_later_new (const BusCall *call, const BusLaterKind *kind)
{
  BusCore *core = call->core;
  BusLater *later;

  if (!later_may_begin (call))
    return NULL;
  later = g_malloc0 (kind->size);
  later->kind = kind;
  later->asker = call->peer;
  later->id = call->id;
  later->link.data = later;
  later->timer.kind = BUS_TIMER_LATER;
  later->timer.owner = later;
  g_queue_push_tail_link (&bus_peer_need_calls (call->peer)->later, &later->link);
  core->n_later++;
  if (call->deadline_us > 0 && call->deadline_us < G_MAXINT64 / 2)
    bus_deadline_arm (&core->deadlines, &later->timer.deadline, call->now_us + (gint64) call->deadline_us);
  bus_quota_keep (&core->quota, &call->peer->ledger.usage, kind->size);
  return later;
}

static void
later_end (BusLater *later)
{
  BusCore *core = later->asker->core;

  later->kind->ended (later);
  bus_deadline_disarm (&core->deadlines, &later->timer.deadline);
  g_queue_unlink (&bus_peer_need_calls (later->asker)->later, &later->link);
  core->n_later--;
  bus_quota_unkeep (&core->quota, &later->asker->ledger.usage, later->kind->size);
  g_free (later);
}

gboolean
bus_later_continue (BusLater *later, const ProtobufCMessage *message)
{
  return bus_reply_part (later->asker, later->id, message);
}

void
bus_later_finish (BusLater *later, const ProtobufCMessage *message)
{
  bus_reply_message (later->asker, later->id, message);
  later_end (later);
}

void
bus_later_fail (BusLater *later, WireStatus status, const char *detail)
{
  bus_peer_error (later->asker, later->id, status, detail);
  later_end (later);
}

void
bus_later_due (BusLater *later)
{
  if (later->kind->due != NULL)
    later->kind->due (later);
  else
    bus_later_fail (later, WIRE_STATUS_TIMEOUT, later->kind->overdue);
}

gboolean
bus_later_cancel (BusPeer *asker, guint64 id)
{
  BusLater *later = later_find (asker, id);

  if (later != NULL)
    later_end (later);
  return later != NULL;
}

void
bus_later_forget_peer (BusPeer *asker)
{
  while (asker->calls->later.head != NULL)
    later_end (asker->calls->later.head->data);
}

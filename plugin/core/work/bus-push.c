/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-push.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-task-record.h"
#include "work/bus-work.h"

#define PUSH_OVERHEAD 1024u /* bytes of a frame without its payload */
#define FIELD_TASK    1u    /* of TaskPush */

G_STATIC_ASSERT (sizeof (BusAttachment) <= BUS_ATTACHMENT_BYTES);

/* --- lists --- */

static void
push_list (BusCore *core, BusSubmitter *submitter)
{
  gboolean has_work = submitter->await_id != 0 && submitter->dirty.length > 0;

  if (has_work == submitter->is_listed)
    return;
  submitter->is_listed = has_work;
  if (has_work)
    g_queue_push_tail_link (&core->work->pushing, &submitter->link);
  else
    g_queue_unlink (&core->work->pushing, &submitter->link);
}

static void
push_mark_clean (BusCore *core, BusAttachment *attachment)
{
  if (attachment->is_dirty)
    g_queue_unlink (&attachment->submitter->dirty, &attachment->dirty_link);
  attachment->is_dirty = FALSE;
  attachment->skipped = 0;
  push_list (core, attachment->submitter);
}

static void
push_mark_dirty (BusCore *core, BusAttachment *attachment)
{
  if (attachment->is_dirty)
    {
      attachment->skipped++;
      return;
    }
  attachment->is_dirty = TRUE;
  g_queue_push_tail_link (&attachment->submitter->dirty, &attachment->dirty_link);
  push_list (core, attachment->submitter);
}

/* --- attachments --- */

static BusSubmitter *
push_submitter (BusPeer *peer)
{
  BusSubmitter *submitter = peer->calls->submitter;

  if (submitter != NULL)
    return submitter;
  submitter = bus_peer_need_calls (peer)->submitter = g_new0 (BusSubmitter, 1);
  submitter->peer = peer;
  submitter->link.data = submitter;
  bus_quota_keep (&peer->core->quota, &peer->ledger.usage, sizeof *submitter);
  return submitter;
}

static BusAttachment *
push_find (const BusTask *task, const BusPeer *peer)
{
  for (GList *link = task->attachments.head; link != NULL; link = link->next)
    if (((BusAttachment *) link->data)->submitter == peer->calls->submitter)
      return link->data;
  return NULL;
}

gboolean
bus_push_is_attached (const BusTask *task, const BusPeer *peer)
{
  return push_find (task, peer) != NULL;
}

void
bus_push_attach (BusCore *core, BusTask *task, BusPeer *peer)
{
  BusAttachment *attachment = push_find (task, peer);

  if (attachment == NULL)
    {
      attachment = g_new0 (BusAttachment, 1);
      attachment->task = task;
      attachment->submitter = push_submitter (peer);
      attachment->task_link.data = attachment;
      attachment->submitter_link.data = attachment;
      attachment->dirty_link.data = attachment;
      g_queue_push_tail_link (&task->attachments, &attachment->task_link);
      g_queue_push_tail_link (&attachment->submitter->attachments, &attachment->submitter_link);
      bus_task_store_recharge (&core->work->tasks, task);
    }
  bus_deadline_disarm (&core->deadlines, &task->alone_timer.deadline);
  push_mark_dirty (core, attachment);
}

static void
push_free (BusCore *core, BusAttachment *attachment)
{
  BusTask *task = attachment->task;

  push_mark_clean (core, attachment);
  g_queue_unlink (&task->attachments, &attachment->task_link);
  g_queue_unlink (&attachment->submitter->attachments, &attachment->submitter_link);
  g_free (attachment);
  bus_task_store_recharge (&core->work->tasks, task);
}

void
bus_push_check_alone (BusCore *core, BusTask *task, gint64 now_us)
{
  if (task->attachments.length == 0 && task->cancel_when_alone && bus_task_is_live (task))
    bus_deadline_arm (&core->deadlines, &task->alone_timer.deadline, now_us + (gint64) core->limits.task_submitter_us);
}

void
bus_push_detach (BusCore *core, BusTask *task, BusPeer *peer, gint64 now_us)
{
  BusAttachment *attachment = push_find (task, peer);

  if (attachment == NULL)
    return;
  push_free (core, attachment);
  bus_push_check_alone (core, task, now_us);
}

void
bus_push_touch (BusCore *core, BusTask *task)
{
  for (GList *link = task->attachments.head; link != NULL; link = link->next)
    push_mark_dirty (core, link->data);
}

void
bus_push_forget_task (BusCore *core, BusTask *task)
{
  while (task->attachments.head != NULL)
    push_free (core, task->attachments.head->data);
}

void
bus_push_forget_peer (BusCore *core, BusPeer *peer, gint64 now_us)
{
  BusSubmitter *submitter = peer->calls->submitter;

  if (submitter == NULL)
    return;
  while (submitter->attachments.head != NULL)
    {
      BusAttachment *attachment = submitter->attachments.head->data;
      BusTask *task = attachment->task;

      push_free (core, attachment);
      bus_push_check_alone (core, task, now_us);
    }
  bus_quota_unkeep (&core->quota, &peer->ledger.usage, sizeof *submitter);
  g_clear_pointer (&bus_peer_need_calls (peer)->submitter, g_free);
}

/* --- pushes --- */

void
bus_push_await (BusCore *core, BusPeer *peer, guint64 id)
{
  BusSubmitter *submitter = id != 0 ? push_submitter (peer) : peer->calls->submitter;

  if (submitter == NULL)
    return;
  submitter->await_id = id;
  push_list (core, submitter);
}

static gsize
push_pack (gconstpointer message, guint8 *to)
{
  return daemoneye__eventbus__v1__task_push__pack (message, to);
}

/* Packs a push up to the bytes of the result. */
static gsize
push_pack_front (gconstpointer message, guint8 *to)
{
  const Daemoneye__Eventbus__V1__TaskPush *push = message;
  Daemoneye__Eventbus__V1__TaskPush others = *push;
  guint8 *at = to;

  others.task = NULL;
  at += daemoneye__eventbus__v1__task_push__pack (&others, at);
  return (gsize) (bus_task_record_pack_front (push->task, FIELD_TASK, at) - to);
}

/* Sends one push; a large result is referenced. FALSE: the broker has no memory for it now */
static gboolean
push_send (BusCore *core, const BusAttachment *attachment, gint64 now_us)
{
  BusPeer *peer = attachment->submitter->peer;
  Daemoneye__Eventbus__V1__TaskPush push;
  BusTaskRecord record;
  WireEnvelope reply;

  bus_task_record_fill (&record, attachment->task, BUS_RECORD_PAYLOAD | BUS_RECORD_DETAILS, 0, now_us);
  daemoneye__eventbus__v1__task_push__init (&push);
  push.task = &record.message;
  push.skipped = attachment->skipped;
  wire_envelope_init (&reply);
  reply.answers = attachment->submitter->await_id;
  reply.sender = wire_span_str (core->name);
  reply.type_name = wire_span_str (push.base.descriptor->name);
  reply.payload.len = daemoneye__eventbus__v1__task_push__get_packed_size (&push);
  return core->quota.memory + reply.payload.len + PUSH_OVERHEAD <= core->quota.cap
         && bus_outq_put_packed (&peer->flow.outq, WIRE_LANE_DATA, WIRE_KIND_REPLY, WIRE_FLAG_PROGRESS, &reply,
                                 record.large != NULL ? push_pack_front : push_pack, &push, record.large);
}

static void
push_submitter_pump (BusCore *core, BusSubmitter *submitter, gint64 now_us)
{
  while (submitter->is_listed && bus_peer_is_ready (submitter->peer)
         && bus_outq_bytes (&submitter->peer->flow.outq) < BUS_PUSH_BYTES)
    {
      BusAttachment *attachment = submitter->dirty.head->data;

      if (!push_send (core, attachment, now_us))
        break;
      push_mark_clean (core, attachment);
    }
  bus_peer_touch (submitter->peer);
}

void
bus_push_pump (BusCore *core, gint64 now_us)
{
  GList *next;

  for (GList *link = core->work->pushing.head; link != NULL; link = next)
    {
      next = link->next;
      push_submitter_pump (core, link->data, now_us);
    }
}

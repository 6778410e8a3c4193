/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-gather-send.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-gather-answer.h"
#include "work/bus-gather-ask.h"
#include "work/bus-gather-manifest.h"
#include "work/bus-push.h"
#include "gather.pb-c.h"
#include "wire-hot.h"

#define SEND_OVERHEAD 1024u /* bytes of a frame without its payload */

/* --- lists --- */

void
bus_gather_send_list (BusGather *gather)
{
  if (gather->is_sending)
    return;
  g_queue_push_tail_link (&gather->core->work->gathers.sending, &gather->send_link);
  gather->is_sending = TRUE;
  gather->sent_us = gather->core->now_us;
}

static void
send_unlist (BusGather *gather)
{
  if (gather->is_sending)
    g_queue_unlink (&gather->core->work->gathers.sending, &gather->send_link);
  gather->is_sending = FALSE;
}

void
bus_gather_send_done (BusGather *gather)
{
  send_unlist (gather);
  gather->phase = BUS_GATHER_DONE;
  g_queue_push_tail_link (&gather->core->work->gathers.done, &gather->send_link);
}

void
bus_gather_send_forget (BusGather *gather)
{
  if (gather->phase == BUS_GATHER_DONE)
    g_queue_unlink (&gather->core->work->gathers.done, &gather->send_link);
  else
    send_unlist (gather);
}

/* --- frames --- */

/* A reply that is about to be packed. */
typedef struct
{
  const ProtobufCMessageDescriptor *type;
  gsize size;
  BusPackFunc pack;
  gconstpointer message;
} SendReply;

/* Queues a reply, in the data lane, so that the manifest does not overtake an answer. FALSE: the broker has no memory for it
 * now */
static gboolean
send_put (const BusGather *gather, const SendReply *what, guint8 flag, WireStatus status)
{
  BusCore *core = gather->core;
  BusOutq *outq = &gather->asker->flow.outq;
  WireEnvelope reply;

  if (core->quota.memory + what->size + SEND_OVERHEAD > core->quota.cap)
    return FALSE;
  wire_envelope_init (&reply);
  reply.answers = gather->request_id;
  reply.status = status;
  reply.sender = wire_span_str (core->name);
  reply.type_name = wire_span_str (what->type->name);
  reply.payload.len = what->size;
  return bus_outq_put_packed (outq, WIRE_LANE_DATA, WIRE_KIND_REPLY, flag, &reply, what->pack, what->message, NULL);
}

static gboolean
send_answer (const BusGatherEntry *entry)
{
  BusGatherAnswer answer;
  const SendReply reply = { .type = &daemoneye__eventbus__v1__gather_answer__descriptor,
                            .size = bus_gather_answer_fill (&answer, entry),
                            .pack = bus_gather_answer_pack,
                            .message = &answer };

  return send_put (entry->gather, &reply, WIRE_FLAG_PROGRESS, WIRE_STATUS_OK);
}

/* Encodes and queues the manifest. FALSE: no memory now */
static gboolean
send_manifest (BusGather *gather)
{
  BusGatherManifest manifest;
  const SendReply reply = { .type = &daemoneye__eventbus__v1__manifest__descriptor,
                            .size = bus_gather_manifest_fill (&manifest, gather),
                            .pack = bus_gather_manifest_pack,
                            .message = &manifest };

  return send_put (gather, &reply, WIRE_FLAG_FINAL, bus_gather_is_met (gather) ? WIRE_STATUS_OK : WIRE_STATUS_PARTIAL);
}

/* --- sending while there is room --- */

/* Sends the next answer, or the manifest. FALSE: not now */
static gboolean
send_next (BusGather *gather, gint64 now_us)
{
  BusGatherEntry *entry = g_queue_peek_head (&gather->unsent);

  if (entry == NULL)
    {
      if (!send_manifest (gather))
        return FALSE;
      gather->core->work->gathers.n_complete += bus_gather_is_complete (gather) ? 1 : 0;
      gather->core->work->gathers.n_partial += bus_gather_is_complete (gather) ? 0 : 1;
      bus_gather_send_done (gather);
      return TRUE;
    }
  if (!send_answer (entry))
    return FALSE;
  gather->sent_us = now_us;
  g_queue_unlink (&gather->unsent, &entry->unsent_link);
  bus_gather_drop_result (gather->core, entry->task);
  if (gather->unsent.length == 0 && gather->phase == BUS_GATHER_ASKS)
    send_unlist (gather);
  return TRUE;
}

static gboolean
send_has_room (const BusGather *gather)
{
  return bus_outq_bytes (&gather->asker->flow.outq) < BUS_PUSH_BYTES;
}

/* Answers that are not read count for the bound of all tasks. While there is room, they are kept. When there is none, all submits
 * are refused and collectors do not get back the credit of their results, so one asker that does not read would stop all others. */
static gboolean
send_is_stuck (const BusGather *gather, gint64 now_us)
{
  const BusCore *core = gather->core;

  return !send_has_room (gather) && bus_task_store_is_over (&core->work->tasks)
         && now_us - gather->sent_us >= (gint64) core->limits.task_window_us;
}

static void
send_some (BusGather *gather, gint64 now_us)
{
  BusPeer *asker = gather->asker;

  if (send_is_stuck (gather, now_us))
    {
      gather->is_given_up = TRUE;
      bus_gather_send_done (gather);
      return;
    }
  while (gather->is_sending && bus_peer_is_ready (asker) && send_has_room (gather))
    if (!send_next (gather, now_us))
      break;
  bus_peer_touch (asker);
}

WIRE_HOT gboolean
bus_gather_send (BusCore *core, gint64 now_us)
{
  GList *next;

  for (GList *link = core->work->gathers.sending.head; link != NULL; link = next)
    {
      next = link->next;
      send_some (link->data, now_us);
    }
  return core->work->gathers.done.length > 0;
}

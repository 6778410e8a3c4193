/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-gather-send.h"

#include "base/bus-text.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-gather-answer.h"
#include "work/bus-gather-ask.h"
#include "work/bus-push.h"
#include "work/bus-task-record.h"
#include "gather.pb-c.h"
#include "wire-hot.h"

#define SEND_OVERHEAD 1024u /* bytes of a frame without its payload */

typedef Daemoneye__Eventbus__V1__Manifest Manifest;
typedef Daemoneye__Eventbus__V1__ManifestMember ManifestMember;

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

static gsize
send_pack (gconstpointer message, guint8 *to)
{
  return protobuf_c_message_pack (message, to);
}

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

/* --- the manifest --- */

/* A manifest with its rows, list and extents, which are in one block. */
typedef struct
{
  Manifest message;
  ManifestMember *rows;
  ManifestMember **list;
  Daemoneye__Eventbus__V1__Extent *extents;
} SendManifest;

/* Returns the text of a failure; NULL: the collector gave none. */
static const char *
send_failure_text (const BusGatherEntry *entry)
{
  const BusTaskResult *result = entry->task != NULL ? entry->task->result : NULL;

  if (entry->fate.answer != BUS_FATE_FAILED || result == NULL)
    return NULL;
  if (result->error_text[0] != '\0')
    return result->error_text;
  return result->error_name[0] != '\0' ? result->error_name : NULL;
}

static const char *
send_text (const BusGatherEntry *entry)
{
  const char *failure = send_failure_text (entry);

  if (failure != NULL)
    return failure;
  if (entry->text[0] != '\0')
    return entry->text;
  return entry->fate.text != NULL ? entry->fate.text : "";
}

static void
send_fill_result (ManifestMember *row, const BusTaskResult *result, Daemoneye__Eventbus__V1__Extent *extent)
{
  row->bytes = result->payload_len;
  if (result->extent == NULL)
    return;
  bus_task_extent_fill (extent, result->extent);
  row->extent = extent;
}

static void
send_fill_row (ManifestMember *row, const BusGatherEntry *entry, Daemoneye__Eventbus__V1__Extent *extent)
{
  const BusGather *gather = entry->gather;

  daemoneye__eventbus__v1__manifest_member__init (row);
  row->index = entry->index;
  row->id = bus_text_for_packing (entry->id != NULL ? entry->id : "");
  row->incarnation = entry->incarnation;
  row->shard = gather->mode == BUS_GATHER_SHARDS ? entry->index : 0;
  row->answer = (Daemoneye__Eventbus__V1__AnswerClass) entry->fate.answer;
  row->never_asked = (Daemoneye__Eventbus__V1__NeverAsked) entry->fate.never_asked;
  row->status = entry->fate.status;
  row->text = bus_text_for_packing (send_text (entry));
  row->attempts = entry->attempts + (entry->task != NULL ? entry->task->attempt : 0);
  row->elapsed_us = (guint64) (entry->ended_us - gather->asked_us);
  row->retryable = entry->fate.retryable;
  if (bus_fate_has_answer (entry->fate.answer))
    send_fill_result (row, entry->task->result, extent);
}

static guint
send_count_answers (const BusGather *gather)
{
  return gather->counts[BUS_FATE_ANSWERED] + gather->counts[BUS_FATE_EMPTY];
}

/* The verdict is a statement about the answers, independent of the requirement of the requester (send_is_met()).
 *
 * A requester that reads only the verdict must not take a part of the data for all of it. So COMPLETE needs more than an answer of
 * every entry:
 *  - no answer is truncated. An empty answer counts: the collector searched and found nothing;
 *  - the roster is sure. During the recovery window after a start of the broker, collectors of the previous broker may not have
 *    registered again. The roster need not contain them, so nothing in the manifest would show that they are missing.
 *
 * Of the other verdicts, NOBODY means that no task was made for any entry: the remedy is to start or register collectors. An entry
 * whose task the broker refused counts as asked, so the verdict is then FAILED. PARTIAL covers all remaining cases. */
static guint
send_verdict (const BusGather *gather)
{
  const guint n = gather->n_entries;

  if (gather->counts[BUS_FATE_NEVER_ASKED] == n)
    return DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_NOBODY;
  if (send_count_answers (gather) == 0)
    return DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_FAILED;
  if (send_count_answers (gather) == n && gather->n_truncated == 0 && gather->roster_is_sure)
    return DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_COMPLETE;
  return DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_PARTIAL;
}

static gboolean
send_is_complete (const BusGather *gather)
{
  return send_verdict (gather) == DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_COMPLETE;
}

/* Truncated answers are also in the counts of answers, so AT_LEAST subtracts them. */
static gboolean
send_is_met (const BusGather *gather)
{
  switch (gather->require)
    {
    case BUS_REQUIRE_ALL:
      return send_is_complete (gather);
    case BUS_REQUIRE_AT_LEAST:
      return send_count_answers (gather) - gather->n_truncated >= gather->require_n;
    case BUS_REQUIRE_ANY:
      break;
    }
  return TRUE;
}

static void
send_fill_counts (Manifest *message, const BusGather *gather)
{
  message->expected = gather->n_entries;
  message->answered = gather->counts[BUS_FATE_ANSWERED];
  message->empty = gather->counts[BUS_FATE_EMPTY];
  message->failed = gather->counts[BUS_FATE_FAILED];
  message->timed_out = gather->counts[BUS_FATE_TIMED_OUT];
  message->died = gather->counts[BUS_FATE_DIED];
  message->cancelled = gather->counts[BUS_FATE_CANCELLED];
  message->refused = gather->counts[BUS_FATE_REFUSED];
  message->never_asked = gather->counts[BUS_FATE_NEVER_ASKED];
  message->truncated = gather->n_truncated;
  message->duplicates = gather->n_duplicates;
  message->late_answers = gather->n_late;
  message->joined_after = gather->n_joined;
}

static void
send_fill_manifest (SendManifest *manifest, const BusGather *gather)
{
  Manifest *message = &manifest->message;

  daemoneye__eventbus__v1__manifest__init (message);
  message->query_id = gather->query_id;
  message->epoch = gather->core->epoch;
  message->asked_time_us = (guint64) (gather->asked_us + gather->core->wall_us);
  message->deadline_us = (guint64) (gather->due_us - gather->asked_us);
  message->elapsed_us = (guint64) (gather->over_us - gather->asked_us);
  message->verdict = (Daemoneye__Eventbus__V1__GatherVerdict) send_verdict (gather);
  message->require = (Daemoneye__Eventbus__V1__GatherRequire) gather->require;
  message->require_n = gather->require_n;
  message->is_met = send_is_met (gather);
  message->roster_is_sure = gather->roster_is_sure;
  send_fill_counts (message, gather);
  for (guint i = 0; i < gather->n_entries; i++)
    {
      manifest->list[i] = &manifest->rows[i];
      send_fill_row (&manifest->rows[i], &gather->entries[i], &manifest->extents[i]);
    }
  message->members = manifest->list;
  message->n_members = gather->n_entries;
}

/* Encodes and queues the manifest. FALSE: no memory now */
static gboolean
send_manifest (BusGather *gather)
{
  const guint n = gather->n_entries + 1;
  g_autofree gpointer block
      = g_try_malloc0 (n * (sizeof (ManifestMember) + sizeof (Daemoneye__Eventbus__V1__Extent) + sizeof (gpointer)));
  SendManifest manifest;
  SendReply reply;

  if (block == NULL)
    return FALSE;
  manifest.rows = block;
  manifest.extents = (gpointer) (manifest.rows + n);
  manifest.list = (gpointer) (manifest.extents + n);
  send_fill_manifest (&manifest, gather);
  reply = (SendReply){ .type = &daemoneye__eventbus__v1__manifest__descriptor,
                       .size = protobuf_c_message_get_packed_size (&manifest.message.base),
                       .pack = send_pack,
                       .message = &manifest.message };
  return send_put (gather, &reply, WIRE_FLAG_FINAL, manifest.message.is_met ? WIRE_STATUS_OK : WIRE_STATUS_PARTIAL);
}

/* --- sending while there is room --- */

/* Sends the next answer, or the manifest. FALSE: not now */
static gboolean
send_next (BusGather *gather)
{
  BusGatherEntry *entry = g_queue_peek_head (&gather->unsent);

  if (entry == NULL)
    {
      if (!send_manifest (gather))
        return FALSE;
      gather->core->work->gathers.n_complete += send_is_complete (gather) ? 1 : 0;
      gather->core->work->gathers.n_partial += send_is_complete (gather) ? 0 : 1;
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

/* Answers that are not read count for the bound of all tasks. While there is room, they are kept. When there is none, all submits
 * are refused and collectors do not get back the credit of their results, so one asker that does not read would stop all others. */
static gboolean
send_is_stuck (const BusGather *gather, gint64 now_us)
{
  const BusCore *core = gather->core;

  return bus_task_store_is_over (&core->work->tasks)
         && now_us - gather->sent_us >= (gint64) core->limits.task_window_us;
}

static void
send_some (BusGather *gather)
{
  BusPeer *asker = gather->asker;

  if (send_is_stuck (gather, now_us))
    {
      gather->is_given_up = TRUE;
      bus_gather_send_done (gather);
      return;
    }
  while (gather->is_sending && bus_peer_is_ready (asker) && bus_outq_bytes (&asker->flow.outq) < BUS_PUSH_BYTES)
    if (!send_next (gather))
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
      send_some (link->data);
    }
  return core->work->gathers.done.length > 0;
}

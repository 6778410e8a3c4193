/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-task-calls.h"

#include "base/bus-text.h"
#include "calls/bus-budget.h"
#include "calls/bus-later.h"
#include "peer/bus-peer.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "work/bus-push.h"
#include "work/bus-submit.h"
#include "work/bus-task-record.h"
#include "work/bus-work.h"

typedef Daemoneye__Eventbus__V1__SubmitVerdict Verdict;

#define LIST_PAGE  100u
#define LIST_BYTES (48u * 1024u)
#define TAGS_READ  (BUS_TASK_TAGS_MAX + 1) /* one more than a task may have, so that it is refused then */

/* The largest verdict, packed: an id, a detail, the name of a setting, and five numbers. */
#define VERDICT_BYTES 320u

/* --- verdicts --- */

/* The verdict for one task. */
typedef struct
{
  BusSubmitAnswer answer;
  Verdict message;
} VerdictEntry;

/* The verdicts of a request, in one block of memory. */
typedef struct
{
  VerdictEntry *entries;
  Verdict **list;
} Verdicts;

/* FALSE: there are too many tasks for one request, or for the verdicts in one reply; the asker got an ERROR. */
static gboolean
verdicts_fit (const BusCall *call, gsize n)
{
  const BusLimits *limits = &call->core->limits;
  const guint64 room = limits->max_payload / VERDICT_BYTES;
  BusExcess excess = { BUS_LIMIT_task_batch, limits->task_batch, n };

  if (room < limits->task_batch)
    excess = (BusExcess){ BUS_LIMIT_max_payload, room, n };
  if (n <= excess.most)
    return TRUE;
  bus_peer_error_excess (call->peer, call->id, WIRE_STATUS_LIMIT,
                         "too many tasks for one request: send several requests, or raise the setting", &excess);
  return FALSE;
}

/* Makes room for @n verdicts. The asker chose the number, so a lack of memory is handled. FALSE: the asker got an ERROR. */
static gboolean
verdicts_init (Verdicts *verdicts, const BusCall *call, gsize n)
{
  if (!verdicts_fit (call, n))
    return FALSE;
  verdicts->entries = g_try_malloc0 ((n + 1) * (sizeof (VerdictEntry) + sizeof (Verdict *)));
  if (verdicts->entries == NULL)
    {
      bus_peer_error (call->peer, call->id, WIRE_STATUS_NO_MEMORY, "no memory for so many tasks: ask about fewer");
      return FALSE;
    }
  verdicts->list = (gpointer) (verdicts->entries + n + 1);
  return TRUE;
}

static void
verdicts_clear (Verdicts *verdicts)
{
  g_free (verdicts->entries);
}

static void
verdicts_set (Verdicts *verdicts, guint i, char *id)
{
  BusSubmitAnswer *answer = &verdicts->entries[i].answer;
  Verdict *message = verdicts->list[i] = &verdicts->entries[i].message;

  daemoneye__eventbus__v1__submit_verdict__init (message);
  if (strlen (id) <= BUS_TASK_ID_MAX)
    message->id = id;
  message->status = answer->status;
  message->detail = answer->detail;
  message->state = (Daemoneye__Eventbus__V1__TaskState) answer->state;
  message->attached = answer->is_attached;
  if (answer->status != WIRE_STATUS_LIMIT || answer->excess.most == 0)
    return;
  message->setting = bus_text_for_packing (bus_limit_name (answer->excess.limit));
  message->value = answer->excess.value;
}

/* --- Submit --- */

static gint64
calls_duration (guint64 us)
{
  return (gint64) MIN (us, G_MAXINT64 / 4);
}

static guint
calls_read_tags (char **texts, gsize n, WireSpan *tags)
{
  guint n_read = (guint) MIN (n, TAGS_READ);

  for (guint i = 0; i < n_read; i++)
    tags[i] = wire_span_str (texts[i]);
  return n_read;
}

static void
calls_submit_one (const BusCall *call, const Daemoneye__Eventbus__V1__TaskSpec *message, BusSubmitAnswer *answer)
{
  WireSpan tags[TAGS_READ];
  const guint n_tags = calls_read_tags (message->tags, message->n_tags, tags);
  const BusSubmission submission = {
    .task = { .id = wire_span_str (message->id),
              .operation = wire_span_str (message->operation),
              .type = wire_span_str (message->type),
              .target = wire_span_str (message->target),
              .payload = wire_span (message->payload.data, message->payload.len),
              .payload_type = wire_span_str (message->payload_type),
              .tags = tags,
              .n_tags = n_tags,
              .priority = message->priority,
              .attempts = message->attempts,
              .deadline_us = calls_duration (message->deadline_us),
              .not_before_us = calls_duration (message->not_before_us),
              .run_limit_us = calls_duration (message->run_limit_us),
              .exclusive = message->exclusive,
              .cancel_when_alone
              = message->on_submitter_gone == DAEMONEYE__EVENTBUS__V1__ON_SUBMITTER_GONE__SUBMITTER_GONE_CANCEL },
    .has_attempts = message->attempts_presence_case == DAEMONEYE__EVENTBUS__V1__TASK_SPEC__ATTEMPTS_PRESENCE_ATTEMPTS,
    .resubmit = message->resubmit,
    .last_holder = wire_span_str (message->last_holder),
    .last_attempt = message->last_attempt,
  };

  bus_submit (call->core, call->peer, &submission, answer, call->now_us);
}

void
bus_task_calls_submit (const BusCall *call)
{
  const Daemoneye__Eventbus__V1__SubmitRequest *request = call->request;
  Daemoneye__Eventbus__V1__SubmitReply reply;
  Verdicts verdicts;

  if (!verdicts_init (&verdicts, call, request->n_tasks))
    return;
  for (guint i = 0; i < request->n_tasks; i++)
    {
      calls_submit_one (call, request->tasks[i], &verdicts.entries[i].answer);
      verdicts_set (&verdicts, i, request->tasks[i]->id);
    }
  daemoneye__eventbus__v1__submit_reply__init (&reply);
  reply.verdicts = verdicts.list;
  reply.n_verdicts = request->n_tasks;
  bus_reply_message (call->peer, call->id, &reply.base);
  verdicts_clear (&verdicts);
}

/* --- calls about ids --- */

static const BusAccount *
calls_find_account (const BusCore *core, const char *name)
{
  GHashTableIter iter;
  gpointer account;

  g_hash_table_iter_init (&iter, core->accounts);
  while (g_hash_table_iter_next (&iter, NULL, &account))
    if (strcmp (((const BusAccount *) account)->name, name) == 0)
      return account;
  return NULL;
}

/* @number: (out): the account with that name; without a name that of the asker. FALSE: the asker got an ERROR. */
static gboolean
calls_account (const BusCall *call, const char *name, guint32 *number)
{
  const BusAccount *account = name[0] != '\0' ? calls_find_account (call->core, name) : call->peer->account;

  if (account == NULL)
    bus_peer_error (call->peer, call->id, WIRE_STATUS_ABSENT, "there is no such account");
  else if (account != call->peer->account && call->peer->principal.role == BUS_ROLE_COLLECTOR)
    bus_peer_error (call->peer, call->id, WIRE_STATUS_DENIED, "only agent and tool may name another account");
  else
    {
      *number = account->number;
      return TRUE;
    }
  return FALSE;
}

typedef void (*CallsVerb) (const BusCall *call, guint32 account, WireSpan id, BusSubmitAnswer *answer);

/* Adds a log record if a tool changed tasks, or if the tasks belong to another account. @n: the number of changed tasks */
static void
calls_audit (const BusCall *call, const char *operation, guint32 account, guint n)
{
  const Daemoneye__Eventbus__V1__TaskIdsRequest *request = call->request;
  BusPeer *peer = call->peer;
  BusNote *note = NULL;

  if (n > 0 && (peer->principal.role == BUS_ROLE_TOOL || account != peer->account->number))
    note = bus_peer_note (peer, BUS_NOTE_TASKS, WIRE_STATUS_OK, request->cause);
  if (note == NULL)
    return;
  note->operation = operation;
  note->count = n;
  bus_note_set_topic (note, wire_span_str (request->ids[0]));
}

/* Calls @verb for each task of the request, and answers. @audited: (nullable): the name of the operation in the log record */
static void
calls_each_id (const BusCall *call, CallsVerb verb, const char *audited)
{
  const Daemoneye__Eventbus__V1__TaskIdsRequest *request = call->request;
  Daemoneye__Eventbus__V1__TaskIdsReply reply;
  Verdicts verdicts;
  guint32 account;
  guint n_done = 0;

  if (!calls_account (call, request->account, &account) || !verdicts_init (&verdicts, call, request->n_ids))
    return;
  for (guint i = 0; i < request->n_ids; i++)
    {
      verb (call, account, wire_span_str (request->ids[i]), &verdicts.entries[i].answer);
      verdicts_set (&verdicts, i, request->ids[i]);
      n_done += verdicts.entries[i].answer.status == WIRE_STATUS_OK ? 1 : 0;
    }
  if (audited != NULL)
    calls_audit (call, audited, account, n_done);
  daemoneye__eventbus__v1__task_ids_reply__init (&reply);
  reply.verdicts = verdicts.list;
  reply.n_verdicts = request->n_ids;
  bus_reply_message (call->peer, call->id, &reply.base);
  verdicts_clear (&verdicts);
}

static void
calls_cancel_one (const BusCall *call, guint32 account, WireSpan id, BusSubmitAnswer *answer)
{
  bus_submit_cancel (call->core, account, id, answer, call->now_us);
}

/* Settling is for submitters only, so the account of the request is not used. */
static void
calls_settle_one (const BusCall *call, guint32 account, WireSpan id, BusSubmitAnswer *answer)
{
  bus_submit_settle (call->core, call->peer, id, answer, call->now_us);
}

static void
calls_release_one (const BusCall *call, guint32 account, WireSpan id, BusSubmitAnswer *answer)
{
  bus_submit_release (call->core, account, id, answer, call->now_us);
}

static void
calls_drop_one (const BusCall *call, guint32 account, WireSpan id, BusSubmitAnswer *answer)
{
  bus_submit_drop (call->core, account, id, answer, call->now_us);
}

void
bus_task_calls_cancel (const BusCall *call)
{
  calls_each_id (call, calls_cancel_one, "cancel");
}

void
bus_task_calls_settle (const BusCall *call)
{
  calls_each_id (call, calls_settle_one, NULL);
}

void
bus_task_calls_release (const BusCall *call)
{
  calls_each_id (call, calls_release_one, "release");
}

void
bus_task_calls_drop (const BusCall *call)
{
  calls_each_id (call, calls_drop_one, "drop");
}

/* --- Await --- */

/* Ends the pushes, unless a newer Await has replaced this call. */
static void
calls_await_ended (BusLater *later)
{
  const BusSubmitter *submitter = later->asker->calls->submitter;

  if (submitter != NULL && submitter->await_id == later->id)
    bus_push_await (later->asker->core, later->asker, 0);
}

void
bus_task_calls_await (const BusCall *call)
{
  static const BusLaterKind kind
      = { .size = sizeof (BusLater), .overdue = "the time for pushes is over: ask again", .ended = calls_await_ended };

  if (bus_budget_admit (call->peer, call->id, call->now_us) && bus_later_new (call, &kind) != NULL)
    bus_push_await (call->core, call->peer, call->id);
}

/* --- records --- */

static void
calls_show (const BusCall *call, BusRecordParts parts, guint n_steps)
{
  const Daemoneye__Eventbus__V1__TaskRequestById *request = call->request;
  Daemoneye__Eventbus__V1__TaskReply reply;
  const BusTask *task;
  BusTaskRecord record;
  guint32 account;

  if (!calls_account (call, request->account, &account))
    return;
  task = bus_task_store_find (&call->core->work->tasks, account, wire_span_str (request->id));
  if (task == NULL)
    {
      bus_peer_error (call->peer, call->id, WIRE_STATUS_ABSENT, "there is no such task");
      return;
    }
  bus_task_record_fill (&record, task, parts, n_steps, call->now_us);
  daemoneye__eventbus__v1__task_reply__init (&reply);
  reply.task = &record.message;
  bus_reply_message (call->peer, call->id, &reply.base);
}

void
bus_task_calls_get (const BusCall *call)
{
  calls_show (call, BUS_RECORD_DETAILS, BUS_TASK_HISTORY_MAX);
}

void
bus_task_calls_result (const BusCall *call)
{
  calls_show (call, BUS_RECORD_PAYLOAD | BUS_RECORD_DETAILS, 0);
}

/* --- List --- */

static gboolean
calls_list_wants (const BusCall *call, const BusTask *task)
{
  const Daemoneye__Eventbus__V1__TaskListRequest *request = call->request;
  gboolean has_state = request->n_states == 0;

  if (call->peer->principal.role == BUS_ROLE_COLLECTOR && task->account != call->peer->account)
    return FALSE;
  for (gsize i = 0; i < request->n_states; i++)
    has_state |= request->states[i] == (Daemoneye__Eventbus__V1__TaskState) task->state;
  return has_state
         && (request->operation[0] == '\0'
             || wire_span_equal (task->operation.text, wire_span_str (request->operation)))
         && (request->holder[0] == '\0' || g_strcmp0 (request->holder, task->holder) == 0)
         && (request->account[0] == '\0' || strcmp (request->account, task->account->name) == 0);
}

/* Fills one page with the tasks behind the cursor, which is the sequence of the last task of the page before. Returns the work. */
static guint64
calls_list_fill (const BusCall *call, Daemoneye__Eventbus__V1__TaskListReply *reply, BusTaskRecord *records, guint most)
{
  const Daemoneye__Eventbus__V1__TaskListRequest *request = call->request;
  guint64 after = g_ascii_strtoull (request->cursor, NULL, 10);
  guint64 last = 0;
  gboolean has_more = FALSE;
  gsize size = 0;

  for (const GList *link = call->core->work->tasks.all.head; link != NULL; link = link->next)
    {
      const BusTask *task = link->data;

      if (!calls_list_wants (call, task))
        continue;
      reply->total++;
      has_more |= task->sequence > after && (reply->n_tasks == most || size > LIST_BYTES);
      if (task->sequence <= after || has_more)
        continue;
      bus_task_record_fill (&records[reply->n_tasks], task, 0, 0, call->now_us);
      reply->tasks[reply->n_tasks] = &records[reply->n_tasks].message;
      size += daemoneye__eventbus__v1__task_record__get_packed_size (reply->tasks[reply->n_tasks++]);
      last = task->sequence;
    }
  if (has_more)
    reply->next_cursor = g_strdup_printf ("%" G_GUINT64_FORMAT, last);
  return call->core->work->tasks.all.length + reply->n_tasks * BUS_WORK_ENTRY;
}

void
bus_task_calls_list (const BusCall *call)
{
  const Daemoneye__Eventbus__V1__TaskListRequest *request = call->request;
  guint most = request->limit > 0 ? MIN (request->limit, LIST_PAGE) : LIST_PAGE;
  g_autofree BusTaskRecord *records = g_new0 (BusTaskRecord, most);
  g_autofree Daemoneye__Eventbus__V1__TaskRecord **list = g_new0 (Daemoneye__Eventbus__V1__TaskRecord *, most);
  Daemoneye__Eventbus__V1__TaskListReply reply;
  g_autofree char *cursor = NULL;
  guint64 work;

  if (!bus_budget_admit (call->peer, call->id, call->now_us))
    return;
  daemoneye__eventbus__v1__task_list_reply__init (&reply);
  reply.tasks = list;
  work = calls_list_fill (call, &reply, records, most);
  if (reply.next_cursor[0] != '\0')
    cursor = reply.next_cursor;
  bus_budget_spend (call->peer, work, &reply.base);
  bus_reply_message (call->peer, call->id, &reply.base);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "wire-guard.h"

/*
 * Actions of a submitter: submit, submit again, cancel, wait, settle; and actions of a tool on operations and members.
 */

typedef Daemoneye__Eventbus__V1__TaskSpec TaskSpec;

#define TASK         "control.bus.task"
#define RESTLESS_IDS 4u /* few, so that each of them is interrupted many times */
#define MILLISECOND  G_TIME_SPAN_MILLISECOND

/* --- specifications --- */

/* TRUE in one of ten seeds: many urgent tasks of two operations, and a few that are not urgent. */
static void
submitter_flood (guint number, TasksSpec *spec)
{
  spec->operation %= 2;
  spec->priority = number % 8 == 0 ? 0 : BUS_TASK_PRIORITY_MAX;
  spec->type = 0;
  spec->target = TASKS_ANY_SLOT;
  spec->has_tag = spec->exclusive = FALSE;
}

void
tasks_spec (const TasksWorld *world, guint account, guint number, TasksSpec *spec)
{
  static const guint priorities[] = { 0, 5, 5, 5, 9, 255 };
  SimRandom random = { world->seed * 1000003 + account * 1009 + number };

  *spec = (TasksSpec){ .operation = sim_below (&random, TASKS_OPERATIONS), .target = TASKS_ANY_SLOT };
  if (sim_chance (&random, 30))
    spec->type = 1 + sim_below (&random, 2);
  spec->priority = priorities[sim_below (&random, G_N_ELEMENTS (priorities))];
  if (sim_chance (&random, 15))
    spec->target = TASKS_SUBMITTERS + sim_below (&random, TASKS_CLIENTS - TASKS_SUBMITTERS);
  if (sim_chance (&random, 25))
    spec->deadline_us = (1 + sim_below (&random, 4)) * G_TIME_SPAN_SECOND;
  if (sim_chance (&random, 15))
    spec->not_before_us = (50 + sim_below (&random, 400)) * MILLISECOND;
  if (sim_chance (&random, 15))
    spec->run_limit_us = (200 + sim_below (&random, 400)) * MILLISECOND;
  if (sim_chance (&random, 30))
    spec->attempts = 1 + sim_below (&random, 4);
  spec->has_tag = sim_chance (&random, 15);
  spec->exclusive = sim_chance (&random, 15);
  spec->cancel_when_alone = sim_chance (&random, world->rare == TASKS_RARE_CROSSING ? 75 : 25);
  if (world->seed % 10 == 9)
    submitter_flood (number, spec);
}

static char *
submitter_id_of (guint number)
{
  return g_strdup_printf ("t%u", number);
}

/* Without the field the setting of the broker decides. */
static void
submitter_set_attempts (TaskSpec *message, guint attempts, gboolean has_none)
{
  if (attempts == 0 && !has_none)
    return;
  message->attempts_presence_case = DAEMONEYE__EVENTBUS__V1__TASK_SPEC__ATTEMPTS_PRESENCE_ATTEMPTS;
  message->attempts = has_none ? 0 : attempts;
}

static void
submitter_fill (const TasksClient *client, const TasksItem *item, TaskSpec *message)
{
  static char tag[] = "zone=a";
  static char *tags[] = { tag };
  TasksSpec spec;

  tasks_spec (client->world, client->account, item->number, &spec);
  daemoneye__eventbus__v1__task_spec__init (message);
  message->id = submitter_id_of (item->number);
  message->operation = (char *) (gsize) tasks_operations[spec.operation];
  message->type = (char *) (gsize) tasks_types[spec.type];
  message->priority = item->is_other ? spec.priority ^ 1 : spec.priority;
  submitter_set_attempts (message, spec.attempts, item->has_none);
  if (spec.target != TASKS_ANY_SLOT)
    message->target = client->world->clients[spec.target].id;
  message->deadline_us = (guint64) spec.deadline_us;
  message->not_before_us = (guint64) spec.not_before_us;
  message->run_limit_us = (guint64) spec.run_limit_us;
  message->tags = tags;
  message->n_tags = spec.has_tag ? 1 : 0;
  message->exclusive = spec.exclusive;
  message->on_submitter_gone = spec.cancel_when_alone ? 1 : 0;
  message->resubmit = item->is_repeated;
  if (item->last_holder != 0)
    message->last_holder = client->world->clients[item->last_holder].id;
  message->last_attempt = item->last_attempt;
}

/* --- the memory of the submitter, which a restart of the broker does not affect --- */

static void
submitter_remember (TasksClient *client, const TasksItem *item)
{
  TasksMemory *memory = &client->memory[item->number];

  if (!memory->is_open && !item->has_none)
    *memory = (TasksMemory){ .is_open = TRUE, .is_other = item->is_other };
}

/* Forgets a task whose outcome is known, or known to be UNKNOWN. */
static void
submitter_forget (TasksClient *client, guint number)
{
  client->memory[number] = (TasksMemory){ 0 };
}

static void
submitter_learn (TasksClient *client, guint number, const Daemoneye__Eventbus__V1__TaskRecord *record)
{
  TasksMemory *memory = &client->memory[number];

  if (!bus_task_state_is_live ((BusTaskState) record->state))
    submitter_forget (client, number);
  else if ((BusTaskState) record->state == BUS_TASK_RUNNING && strlen (record->holder) == 2)
    {
      memory->holder = (guint) (record->holder[1] - '0');
      memory->attempt = record->attempt;
    }
}

/* --- Submit --- */

static void
submitter_put (TasksClient *client, const TasksFrame *frame)
{
  Daemoneye__Eventbus__V1__SubmitRequest request = DAEMONEYE__EVENTBUS__V1__SUBMIT_REQUEST__INIT;
  TaskSpec specs[TASKS_BATCH], *list[TASKS_BATCH];

  for (guint i = 0; i < frame->n_items; i++)
    {
      submitter_remember (client, &frame->items[i]);
      submitter_fill (client, &frame->items[i], &specs[i]);
      list[i] = &specs[i];
    }
  request.tasks = list;
  request.n_tasks = frame->n_items;
  tasks_client_call (client, "control.collector.task", "Submit", &request.base, frame);
  for (guint i = 0; i < frame->n_items; i++)
    g_free (specs[i].id);
}

static void
submitter_submit (TasksWorld *world, TasksClient *client)
{
  TasksFrame frame = { .kind = TASKS_FRAME_SUBMIT, .account = client->account };

  frame.n_items = 1 + sim_below (&world->random, tasks_rare_batch (world));
  for (guint i = 0; i < frame.n_items; i++)
    {
      frame.items[i].number = sim_below (&world->random, world->rare == TASKS_RARE_RESTLESS ? RESTLESS_IDS : TASKS_IDS);
      frame.items[i].is_other = sim_chance (&world->random, 4);
      frame.items[i].is_repeated = sim_chance (&world->random, 8);
      frame.items[i].has_none = world->rare == TASKS_RARE_NONE && sim_chance (&world->aside, 3);
    }
  submitter_put (client, &frame);
}

static void
submitter_await (TasksWorld *world, TasksClient *client)
{
  Daemoneye__Eventbus__V1__AwaitRequest request = DAEMONEYE__EVENTBUS__V1__AWAIT_REQUEST__INIT;

  if (client->has_await && sim_chance (&world->random, 90))
    return;
  client->has_await = TRUE;
  tasks_client_call (client, TASK, "Await", &request.base, &(const TasksFrame){ .kind = TASKS_FRAME_AWAIT });
}

/* Returns FALSE if the submitter does not wait for the task any more. */
static gboolean
submitter_fill_again (const TasksClient *client, guint number, TasksItem *item)
{
  const TasksRecord *record = tasks_model_find (client->world->model, client->account, number);
  const TasksMemory *memory = &client->memory[number];

  *item = (TasksItem){ .number = number, .is_repeated = TRUE };
  if (!client->world->restarts)
    return record != NULL && !record->is_settled && !record->is_forgotten;
  item->is_other = memory->is_other;
  item->last_holder = memory->holder;
  item->last_attempt = memory->attempt;
  return memory->is_open;
}

/* After a disconnect, submits all tasks again for which the submitter still waits. */
static void
submitter_resubmit (TasksClient *client)
{
  TasksFrame frame = { .kind = TASKS_FRAME_SUBMIT, .account = client->account };

  for (guint number = 0; number < TASKS_IDS; number++)
    {
      if (submitter_fill_again (client, number, &frame.items[frame.n_items]))
        frame.n_items++;
      if (frame.n_items == tasks_rare_batch (client->world))
        {
          submitter_put (client, &frame);
          frame.n_items = 0;
        }
    }
  if (frame.n_items > 0)
    submitter_put (client, &frame);
}

void
tasks_submitter_ready (TasksClient *client)
{
  submitter_await (client->world, client);
  if (client->world->is_healing || client->world->restarts || sim_chance (&client->world->random, 60))
    submitter_resubmit (client);
}

/* --- calls about ids --- */

static void
submitter_call_ids (TasksClient *client, const char *method, const TasksFrame *frame)
{
  Daemoneye__Eventbus__V1__TaskIdsRequest request = DAEMONEYE__EVENTBUS__V1__TASK_IDS_REQUEST__INIT;
  char *ids[TASKS_BATCH];
  char account[16];

  for (guint i = 0; i < frame->n_items; i++)
    ids[i] = submitter_id_of (frame->items[i].number);
  g_snprintf (account, sizeof account, "u%u", frame->account * 500);
  request.ids = ids;
  request.n_ids = frame->n_items;
  if (frame->account != client->account)
    request.account = account;
  tasks_client_call (client, TASK, method, &request.base, frame);
  for (guint i = 0; i < frame->n_items; i++)
    g_free (ids[i]);
}

void
tasks_submitter_call (TasksClient *client, TasksFrameKind kind, const TasksRecord *record)
{
  static const char *const methods[TASKS_N_FRAMES]
      = { [TASKS_FRAME_RELEASE] = "Release", [TASKS_FRAME_DROP] = "Drop", [TASKS_FRAME_CANCEL] = "Cancel" };
  TasksFrame frame = { .kind = kind, .account = record->account, .n_items = 1 };

  frame.items[0].number = record->number;
  submitter_call_ids (client, methods[kind], &frame);
}

static guint
submitter_draw_account (TasksWorld *world, const TasksClient *client)
{
  return sim_chance (&world->random, 80) ? client->account : 1 - client->account;
}

/* An id, in most cases of a running task. */
static guint
submitter_draw_running (TasksWorld *world, guint account)
{
  const guint start = sim_below (&world->random, TASKS_IDS);

  for (guint i = 0; i < TASKS_IDS && sim_chance (&world->random, 95); i++)
    {
      const TasksRecord *record = tasks_model_find (world->model, account, (start + i) % TASKS_IDS);

      if (record != NULL && record->state == BUS_TASK_RUNNING)
        return record->number;
    }
  return start;
}

static void
submitter_cancel (TasksWorld *world, TasksClient *client)
{
  TasksFrame frame = { .kind = TASKS_FRAME_CANCEL, .account = submitter_draw_account (world, client) };

  frame.n_items = 1 + sim_below (&world->random, 2);
  for (guint i = 0; i < frame.n_items; i++)
    frame.items[i].number = submitter_draw_running (world, frame.account);
  submitter_call_ids (client, "Cancel", &frame);
}

/* Ids of tasks in that state: of random ones otherwise. */
static void
submitter_call_state (TasksWorld *world, TasksClient *client, TasksFrameKind kind, const char *method)
{
  TasksFrame frame = { .kind = kind, .account = submitter_draw_account (world, client), .n_items = 1 };
  const guint start = sim_below (&world->random, TASKS_IDS);

  frame.items[0].number = start;
  for (guint i = 0; i < TASKS_IDS; i++)
    {
      const TasksRecord *record = tasks_model_find (world->model, frame.account, (start + i) % TASKS_IDS);

      if (record == NULL || record->is_forgotten || record->state != BUS_TASK_QUARANTINED)
        continue;
      frame.items[0].number = record->number;
      break;
    }
  submitter_call_ids (client, method, &frame);
}

static void
submitter_release (TasksWorld *world, TasksClient *client)
{
  submitter_call_state (world, client, TASKS_FRAME_RELEASE, "Release");
}

static void
submitter_drop (TasksWorld *world, TasksClient *client)
{
  submitter_call_state (world, client, TASKS_FRAME_DROP, "Drop");
}

static void
submitter_settle (TasksWorld *world, TasksClient *client)
{
  TasksFrame frame = { .kind = TASKS_FRAME_SETTLE, .account = client->account };
  const guint start = sim_below (&world->random, TASKS_IDS);

  for (guint i = 0; i < TASKS_IDS && frame.n_items < TASKS_BATCH; i++)
    {
      const TasksRecord *record = tasks_model_find (world->model, client->account, (start + i) % TASKS_IDS);

      if (record == NULL || record->is_forgotten || record->is_settled)
        continue;
      if (!tasks_record_is_live (record) || sim_chance (&world->random, 2))
        {
          frame.items[frame.n_items++].number = record->number;
          submitter_forget (client, record->number);
        }
    }
  if (frame.n_items > 0)
    submitter_call_ids (client, "Settle", &frame);
}

static void
submitter_ask (TasksWorld *world, TasksClient *client)
{
  Daemoneye__Eventbus__V1__TaskRequestById request = DAEMONEYE__EVENTBUS__V1__TASK_REQUEST_BY_ID__INIT;
  TasksFrame frame = { .kind = TASKS_FRAME_RESULT, .account = client->account, .n_items = 1 };
  g_autofree char *id = NULL;

  frame.items[0].number = sim_below (&world->random, TASKS_IDS);
  request.id = id = submitter_id_of (frame.items[0].number);
  tasks_client_call (client, TASK, sim_chance (&world->random, 50) ? "Get" : "Result", &request.base, &frame);
}

static void
submitter_list (TasksWorld *world, TasksClient *client)
{
  Daemoneye__Eventbus__V1__TaskListRequest request = DAEMONEYE__EVENTBUS__V1__TASK_LIST_REQUEST__INIT;

  request.limit = 1 + sim_below (&world->random, 20);
  tasks_client_call (client, TASK, "List", &request.base, &(const TasksFrame){ .kind = TASKS_FRAME_OTHER });
}

/* --- actions of tools --- */

static void
submitter_drain_member (TasksWorld *world, TasksClient *client)
{
  Daemoneye__Eventbus__V1__CollectorDrainRequest request = DAEMONEYE__EVENTBUS__V1__COLLECTOR_DRAIN_REQUEST__INIT;
  TasksFrame frame = { .kind = TASKS_FRAME_DRAIN };

  frame.drained = TASKS_SUBMITTERS + sim_below (&world->random, TASKS_CLIENTS - TASKS_SUBMITTERS);
  frame.expects_exit = sim_chance (&world->random, 50);
  frame.drain_us = sim_chance (&world->random, 50) ? 400 * MILLISECOND : 0;
  request.id = world->clients[frame.drained].id;
  request.expect_exit = frame.expects_exit;
  request.grace_us = (guint64) frame.drain_us;
  tasks_client_call (client, "control.bus.collectors", "Drain", &request.base, &frame);
}

static void
submitter_pause (TasksWorld *world, TasksClient *client)
{
  Daemoneye__Eventbus__V1__OperationRequest request = DAEMONEYE__EVENTBUS__V1__OPERATION_REQUEST__INIT;
  TasksFrame frame = { .kind = TASKS_FRAME_PAUSE };

  frame.operation = sim_below (&world->random, TASKS_OPERATIONS);
  frame.is_paused = !world->is_paused[frame.operation] && sim_chance (&world->random, 40);
  request.operation = (char *) (gsize) tasks_operations[frame.operation];
  tasks_client_call (client, TASK, frame.is_paused ? "PauseOperation" : "ResumeOperation", &request.base, &frame);
}

static void
submitter_limit (TasksWorld *world, TasksClient *client)
{
  Daemoneye__Eventbus__V1__OperationRequest request = DAEMONEYE__EVENTBUS__V1__OPERATION_REQUEST__INIT;
  TasksFrame frame = { .kind = TASKS_FRAME_LIMIT };

  frame.operation = sim_below (&world->random, TASKS_OPERATIONS);
  frame.limit = sim_chance (&world->random, 50) ? 0 : 1 + sim_below (&world->random, 3);
  request.operation = (char *) (gsize) tasks_operations[frame.operation];
  request.limit = frame.limit;
  request.strategy = (Daemoneye__Eventbus__V1__Strategy) sim_below (&world->random, 5);
  tasks_client_call (client, TASK, "Limit", &request.base, &frame);
}

/* --- answers --- */

static guint
submitter_number_of (const char *id)
{
  return (guint) g_ascii_strtoull (id + 1, NULL, 10);
}

static gboolean
submitter_is_result (ProtobufCBinaryData payload)
{
  static const guint8 zeros[TASKS_LARGE_RESULT];

  return payload.len == sizeof (guint)
         || (payload.len == TASKS_LARGE_RESULT
             && memcmp (payload.data + sizeof (guint), zeros, payload.len - sizeof (guint)) == 0);
}

static void
submitter_show (TasksClient *client, const Daemoneye__Eventbus__V1__TaskRecord *record)
{
  guint run = 0;

  if (record->outcome != NULL && submitter_is_result (record->outcome->payload))
    memcpy (&run, record->outcome->payload.data, sizeof run);
  tasks_model_shown (client->world, client, submitter_number_of (record->id), (BusTaskState) record->state, run);
  submitter_learn (client, submitter_number_of (record->id), record);
}

static void
submitter_got_push (TasksClient *client, WireSpan payload)
{
  g_autoptr (WireGuard) guard = wire_guard_unpack (&daemoneye__eventbus__v1__task_push__descriptor, payload, 0, NULL);
  const Daemoneye__Eventbus__V1__TaskPush *push = guard != NULL ? wire_guard_message (guard) : NULL;

  if (push == NULL || push->task == NULL)
    tasks_fail (client->world, "%s got a push that cannot be read", client->id);
  else
    submitter_show (client, push->task);
}

static void
submitter_got_verdict (TasksClient *client,
                       const TasksItem *item,
                       const Daemoneye__Eventbus__V1__SubmitVerdict *verdict)
{
  if (verdict->status != item->expected)
    tasks_fail (client->world, "K04: the verdict of t%u is %s, but must be %s", item->number,
                wire_status_name (verdict->status), wire_status_name (item->expected));
  if (item->has_none)
    {
      tasks_cover (client->world, TASKS_COVER_NO_ATTEMPTS);
      return;
    }
  if (verdict->status != WIRE_STATUS_OK && item->is_other == client->memory[item->number].is_other)
    submitter_forget (client, item->number);
  if (verdict->status == WIRE_STATUS_OK && verdict->attached)
    tasks_cover (client->world, TASKS_COVER_ATTACHED);
  if (verdict->status == WIRE_STATUS_LIMIT && verdict->state != 0)
    tasks_cover (client->world, TASKS_COVER_ATTACH_FULL);
  if (verdict->status == WIRE_STATUS_DUPLICATE_ID)
    tasks_cover (client->world, TASKS_COVER_DIFFERS);
  if (verdict->status == WIRE_STATUS_UNKNOWN)
    tasks_cover (client->world, TASKS_COVER_UNKNOWN);
}

static void
submitter_got_verdicts (TasksClient *client, const TasksFrame *call, WireSpan payload)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__submit_reply__descriptor, payload, 0, NULL);
  const Daemoneye__Eventbus__V1__SubmitReply *reply = guard != NULL ? wire_guard_message (guard) : NULL;

  if (reply == NULL || reply->n_verdicts != call->n_items)
    {
      tasks_fail (client->world, "%s got other verdicts than it asked for", client->id);
      return;
    }
  for (guint i = 0; i < call->n_items; i++)
    submitter_got_verdict (client, &call->items[i], reply->verdicts[i]);
}

static void
submitter_got_task (TasksClient *client, WireSpan payload)
{
  g_autoptr (WireGuard) guard = wire_guard_unpack (&daemoneye__eventbus__v1__task_reply__descriptor, payload, 0, NULL);
  const Daemoneye__Eventbus__V1__TaskReply *reply = guard != NULL ? wire_guard_message (guard) : NULL;

  if (reply == NULL || reply->task == NULL)
    tasks_fail (client->world, "%s got a task that cannot be read", client->id);
}

void
tasks_submitter_got_reply (TasksClient *client, const TasksFrame *call, gboolean is_final, WireSpan payload)
{
  switch ((guint) call->kind)
    {
    case TASKS_FRAME_AWAIT:
      if (!is_final)
        submitter_got_push (client, payload);
      break;
    case TASKS_FRAME_SUBMIT:
      submitter_got_verdicts (client, call, payload);
      break;
    case TASKS_FRAME_RESULT:
      submitter_got_task (client, payload);
      break;
    default:
      break;
    }
}

/* --- steps --- */

static void
submitter_leave (TasksWorld *world, TasksClient *client)
{
  if (sim_chance (&world->random, 50))
    tasks_world_disconnect (world, client);
  else
    tasks_client_goodbye (client);
}

static void
submitter_freeze (TasksWorld *world, TasksClient *client)
{
  client->is_frozen = !client->is_frozen;
}

static void
submitter_delay (TasksWorld *world, TasksClient *client)
{
  client->is_late = !client->is_late;
}

static const TasksAct acts[] = {
  { 120, submitter_submit },     { 20, submitter_cancel }, { 25, submitter_settle }, { 10, submitter_release },
  { 4, submitter_drop },         { 10, submitter_ask },    { 4, submitter_list },    { 20, submitter_await },
  { 5, submitter_drain_member }, { 10, submitter_pause },  { 10, submitter_limit },  { 8, submitter_leave },
  { 15, submitter_freeze },      { 8, submitter_delay },
};

void
tasks_submitter_step (TasksWorld *world, TasksClient *client)
{
  tasks_client_act (client, acts, G_N_ELEMENTS (acts));
}

void
tasks_submitter_heal (TasksWorld *world, TasksClient *client)
{
  client->is_frozen = client->is_late = FALSE;
  submitter_await (world, client);
  for (guint i = 0; i < TASKS_OPERATIONS; i++)
    if (client->slot == 0 && world->is_paused[i] && g_hash_table_size (client->calls) <= 1)
      {
        Daemoneye__Eventbus__V1__OperationRequest request = DAEMONEYE__EVENTBUS__V1__OPERATION_REQUEST__INIT;
        const TasksFrame frame = { .kind = TASKS_FRAME_PAUSE, .operation = i };

        request.operation = (char *) (gsize) tasks_operations[i];
        tasks_client_call (client, TASK, "ResumeOperation", &request.base, &frame);
      }
}

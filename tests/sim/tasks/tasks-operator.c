/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "control.pb-c.h"

/*
 * The operator: a tool that exists in one of three seeds. It subscribes to all events of tasks and members, and asks for records.
 * Each of its calls is answered at once, so the answer is compared with the present state of the model.
 *
 * It changes nothing: other seeds and other clients do not depend on it.
 */

#define TASK_CALLS      "control.bus.task"
#define COLLECTOR_CALLS "control.bus.collectors"
#define PAGE            5u /* tasks of a short page */

/* Its frames reach the core, and the answers it, before anything else happens. */
static void
operator_settle (TasksWorld *world)
{
  TasksClient *client = &world->watcher;

  while (client->peer != NULL && !tasks_failed (world) && client->frames.length > 0)
    {
      tasks_world_feed (world, client);
      world->asked_us = world->now_us;
      tasks_world_drain (world, client);
    }
  if (client->peer != NULL && !tasks_failed (world))
    tasks_world_drain (world, client);
}

/* --- connection --- */

void
tasks_operator_init (TasksWorld *world)
{
  TasksClient *client = &world->watcher;

  world->has_operator = world->seed % 3 == 1;
  world->has_standing = world->seed % 6 == 1;
  tasks_client_init_streams (world, client);
  client->slot = TASKS_WATCHER;
  client->is_watcher = TRUE;
  client->type = tasks_types[0];
  g_strlcpy (client->id, "op", sizeof client->id);
  for (guint slot = 0; slot < TASKS_CLIENTS; slot++)
    world->clients[slot].shown = BUS_MEMBER_GONE;
}

void
tasks_operator_connect (TasksWorld *world)
{
  if (!world->has_operator)
    return;
  tasks_world_connect (world, &world->watcher);
  operator_settle (world);
  operator_settle (world);
}

void
tasks_operator_ready (TasksClient *client)
{
  static const char *const patterns[] = { "system.task.+", "system.collector.+", "system.health.+" };

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    {
      Daemoneye__Eventbus__V1__SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;

      request.subscription = i + 1;
      request.pattern = (char *) (gsize) patterns[i];
      tasks_client_call (client, "control.bus.subscribe", "", &request.base,
                         &(const TasksFrame){ .kind = TASKS_FRAME_OTHER });
    }
}

/* --- Get --- */

static void
operator_get (TasksWorld *world)
{
  Daemoneye__Eventbus__V1__TaskRequestById request = DAEMONEYE__EVENTBUS__V1__TASK_REQUEST_BY_ID__INIT;
  TasksFrame frame = { .kind = TASKS_FRAME_GET, .account = sim_below (&world->aside, TASKS_ACCOUNTS) };
  char id[8], account[16];

  frame.items[0].number = sim_below (&world->aside, TASKS_IDS);
  g_snprintf (id, sizeof id, "t%u", frame.items[0].number);
  g_snprintf (account, sizeof account, "u%u", frame.account * 500);
  request.id = id;
  request.account = account;
  tasks_client_call (&world->watcher, TASK_CALLS, "Get", &request.base, &frame);
}

static void
operator_got_task (TasksWorld *world, const TasksFrame *call, const Daemoneye__Eventbus__V1__TaskReply *reply)
{
  const TasksRecord *record = tasks_model_find (world->model, call->account, call->items[0].number);
  const char *problem = "a record";

  if (record != NULL && !record->is_forgotten && reply->task != NULL)
    problem = tasks_shown_task_problem (world, record, reply->task, world->asked_us);
  if (problem == NULL)
    problem = tasks_shown_details_problem (record, reply->task);
  if (problem != NULL)
    tasks_fail (world, "M11: Get of t%u says %s", call->items[0].number, problem);
  tasks_cover (world, TASKS_COVER_GET);
}

void
tasks_operator_got_error (TasksWorld *world, const TasksFrame *call, guint32 status)
{
  const TasksRecord *record = tasks_model_find (world->model, call->account, call->items[0].number);

  if (call->kind == TASKS_FRAME_GET && record != NULL && !record->is_forgotten)
    tasks_fail (world, "M11: Get of t%u says %s", record->number, wire_status_name (status));
  if (call->kind == TASKS_FRAME_STANDING_SET || call->kind == TASKS_FRAME_STANDING_GET)
    tasks_standing_got_error (world, call, status);
}

/* --- List --- */

static void
operator_list (TasksWorld *world)
{
  Daemoneye__Eventbus__V1__TaskListRequest request = DAEMONEYE__EVENTBUS__V1__TASK_LIST_REQUEST__INIT;
  Daemoneye__Eventbus__V1__TaskState state;
  TasksFrame frame = { .kind = TASKS_FRAME_LIST };
  char cursor[16];

  frame.limit = sim_chance (&world->aside, 50) ? PAGE : 0;
  frame.after = frame.limit != 0 ? sim_below (&world->aside, world->model->records->len - world->model->first + 1) : 0;
  frame.state = sim_chance (&world->aside, 50) ? 1 + sim_below (&world->aside, BUS_N_TASK_STATES - 1) : 0;
  frame.operation = sim_below (&world->aside, 2 * TASKS_OPERATIONS);
  g_snprintf (cursor, sizeof cursor, "%u", frame.after);
  state = (Daemoneye__Eventbus__V1__TaskState) frame.state;
  request.limit = frame.limit;
  request.cursor = frame.after != 0 ? cursor : request.cursor;
  request.states = &state;
  request.n_states = frame.state != 0 ? 1 : 0;
  if (frame.operation < TASKS_OPERATIONS)
    request.operation = (char *) (gsize) tasks_operations[frame.operation];
  tasks_client_call (&world->watcher, TASK_CALLS, "List", &request.base, &frame);
}

static gboolean
operator_lists (const TasksRecord *record, const TasksFrame *call)
{
  return !record->is_forgotten && (call->state == 0 || record->state == (BusTaskState) call->state)
         && (call->operation >= TASKS_OPERATIONS || record->spec.operation == call->operation);
}

static void
operator_got_list (TasksWorld *world, const TasksFrame *call, const Daemoneye__Eventbus__V1__TaskListReply *reply)
{
  const TasksModel *model = world->model;
  guint total = 0, n = 0, behind = 0;

  for (guint i = model->first; i < model->records->len && !tasks_failed (world); i++)
    {
      const TasksRecord *record = g_ptr_array_index (model->records, i);
      const char *problem;

      if (!operator_lists (record, call))
        continue;
      total++;
      if (i - model->first < call->after)
        continue;
      behind++;
      if (n == reply->n_tasks)
        continue;
      problem = tasks_shown_find (world, reply->tasks[n]) != record
                    ? "another task"
                    : tasks_shown_task_problem (world, record, reply->tasks[n], world->asked_us);
      if (problem != NULL)
        tasks_fail (world, "M11: List has %s for t%u", problem, record->number);
      n++;
    }
  if (n != reply->n_tasks || total != reply->total || (n < behind) != (reply->next_cursor[0] != '\0')
      || (call->limit != 0 && n > call->limit))
    tasks_fail (world, "M11: List has %u of %u tasks, but %u exist", n, reply->total, total);
  tasks_cover (world, TASKS_COVER_LIST);
}

/* --- collectors --- */

static void
operator_list_members (TasksWorld *world)
{
  Daemoneye__Eventbus__V1__CollectorsRequest request = DAEMONEYE__EVENTBUS__V1__COLLECTORS_REQUEST__INIT;

  tasks_client_call (&world->watcher, COLLECTOR_CALLS, "List", &request.base,
                     &(const TasksFrame){ .kind = TASKS_FRAME_MEMBERS });
}

static void
operator_got_members (TasksWorld *world, const Daemoneye__Eventbus__V1__CollectorsReply *reply)
{
  guint n = 0;

  for (guint slot = TASKS_SUBMITTERS; slot < TASKS_CLIENTS; slot++)
    {
      const TasksClient *client = &world->clients[slot];
      const char *problem = "no record";

      if (!client->is_registered)
        continue;
      if (n < reply->n_collectors && strcmp (reply->collectors[n]->id, client->id) == 0)
        problem = tasks_shown_member_problem (client, reply->collectors[n]);
      if (problem != NULL)
        tasks_fail (world, "M11: List has %s for %s", problem, client->id);
      n++;
    }
  if (n != reply->n_collectors || n != reply->total)
    tasks_fail (world, "M11: List has %u of %u collectors", reply->total, n);
  tasks_cover (world, TASKS_COVER_MEMBERS);
}

/* --- answers --- */

void
tasks_operator_got_reply (TasksWorld *world, const TasksFrame *call, WireSpan payload)
{
  static const ProtobufCMessageDescriptor *const descriptors[TASKS_N_FRAMES]
      = { [TASKS_FRAME_GET] = &daemoneye__eventbus__v1__task_reply__descriptor,
          [TASKS_FRAME_LIST] = &daemoneye__eventbus__v1__task_list_reply__descriptor,
          [TASKS_FRAME_MEMBERS] = &daemoneye__eventbus__v1__collectors_reply__descriptor };
  g_autoptr (WireGuard) guard = NULL;

  if (call->kind == TASKS_FRAME_STANDING_SET || call->kind == TASKS_FRAME_STANDING_GET)
    tasks_standing_got_state (world, call, payload);
  if (descriptors[call->kind] == NULL)
    return;
  guard = wire_guard_unpack (descriptors[call->kind], payload, 0, NULL);
  if (guard == NULL)
    tasks_fail (world, "the operator got an answer that cannot be read");
  else if (call->kind == TASKS_FRAME_GET)
    operator_got_task (world, call, wire_guard_message (guard));
  else if (call->kind == TASKS_FRAME_LIST)
    operator_got_list (world, call, wire_guard_message (guard));
  else
    operator_got_members (world, wire_guard_message (guard));
}

/* --- steps --- */

void
tasks_operator_step (TasksWorld *world)
{
  static void (*const acts[]) (TasksWorld * world)
      = { operator_get, operator_get, operator_list, operator_list_members };

  if (!world->has_operator || tasks_failed (world))
    return;
  if (sim_chance (&world->aside, 25))
    acts[sim_below (&world->aside, G_N_ELEMENTS (acts))](world);
  operator_settle (world);
  if (world->is_healing)
    tasks_standing_heal (world);
  else if (world->has_standing && sim_chance (&world->aside, 25))
    (sim_chance (&world->aside, 60) ? tasks_standing_act : tasks_standing_ask) (world);
  operator_settle (world);
  if (!tasks_failed (world))
    tasks_news_check (world);
}

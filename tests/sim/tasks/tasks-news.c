/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "peer/bus-state.h"
#include "work/bus-registry.h"
#include "work/bus-work.h"

/*
 * Events: system.task.* has one for each step of a task that is reported, in the order of the steps, with the state and the
 * counters after the step. system.collector.* has the record of a member after each change of its state, system.health.* that of a
 * client.
 *
 * The operator subscribes to all of them. The model notes the expected events, and compares each event with them.
 */

#define NEWS_STEPS 4u /* of the history, in an event */
#define TASK       "system.task."
#define COLLECTOR  "system.collector."
#define HEALTH     "system.health."

/* --- tasks --- */

/* The word of the event for a step, from the description of the design. NULL: the step is not reported. */
static const char *
news_word (BusTaskEvent event, BusTaskState to)
{
  static const char *const words[BUS_N_TASK_STATES]
      = { [BUS_TASK_QUEUED] = "retry",           [BUS_TASK_DELAYED] = "retry",  [BUS_TASK_OFFERED] = "leased",
          [BUS_TASK_RUNNING] = "started",        [BUS_TASK_SUCCEEDED] = "done", [BUS_TASK_FAILED] = "done",
          [BUS_TASK_TIMED_OUT] = "done",         [BUS_TASK_CANCELLED] = "done", [BUS_TASK_CANCELLING] = NULL,
          [BUS_TASK_QUARANTINED] = "quarantined" };

  if (event == BUS_TASK_ON_SUBMIT || event == BUS_TASK_ON_DUE || event == BUS_TASK_ON_RELEASE)
    return "queued";
  if (event == BUS_TASK_ON_SILENT || event == BUS_TASK_ON_PROGRESS_OVER || event == BUS_TASK_ON_RUN_OVER)
    return "expired";
  return words[to];
}

void
tasks_news_expect (TasksWorld *world, TasksRecord *record, const TasksStep *step)
{
  const TasksNews news = { .event = step->event,
                           .from = step->from,
                           .to = step->to,
                           .at_us = world->now_us,
                           .attempt = record->attempt,
                           .wait_us = record->wait_us,
                           .wait_most_us = record->wait_most_us,
                           .failures = record->failures,
                           .expiries = record->expiries,
                           .deaths = record->n_deaths,
                           .n_died = record->n_died,
                           .interruptions = record->interruptions,
                           .n_returned = record->n_returned,
                           .holder = record->knows_holder ? record->holder : TASKS_ANY_SLOT,
                           .n_steps = record->n_steps };

  if (world->has_operator && news_word (step->event, step->to) != NULL)
    g_queue_push_tail (&record->news, g_memdup2 (&news, sizeof news));
}

static gboolean
news_is_count (guint shown, guint most, guint n_perhaps)
{
  return shown <= most && shown + n_perhaps >= most;
}

/* The counters of an event already include the step that it reports. */
static const char *
news_counters_problem (const TasksRecord *record,
                       const TasksNews *news,
                       const Daemoneye__Eventbus__V1__TaskRecord *shown)
{
  if (shown->failures != news->failures || shown->expiries != news->expiries
      || !news_is_count (shown->deaths, news->deaths, news->n_died)
      || !news_is_count (shown->interruptions, news->interruptions, news->n_returned))
    return "other counters";
  if (news->event == BUS_TASK_ON_EXHAUSTED && shown->failures + shown->expiries + shown->deaths < record->attempts)
    return "an attempt left";
  return NULL;
}

/* TRUE if the record has the reason and the time of a delayed task. */
static gboolean
news_is_delay (const TasksNews *news, const Daemoneye__Eventbus__V1__TaskRecord *shown)
{
  if (news->to != BUS_TASK_DELAYED)
    return shown->next_us == 0;
  return (BusWaitReason) shown->reason == (news->event == BUS_TASK_ON_SUBMIT ? BUS_WAIT_NOT_BEFORE : BUS_WAIT_BACKOFF)
         && shown->next_us >= (guint64) news->wait_us && shown->next_us <= (guint64) news->wait_most_us;
}

static const char *
news_problem (const TasksWorld *world,
              const TasksRecord *record,
              const TasksNews *news,
              const Daemoneye__Eventbus__V1__TaskEvent *event)
{
  const Daemoneye__Eventbus__V1__TaskRecord *task = event->task;
  const char *cause = bus_task_event_cause (news->event);

  if ((BusTaskState) event->before != news->from || (BusTaskState) task->state != news->to)
    return "another change";
  if (strcmp (event->cause, cause) != 0 || (news->n_steps > 0 && strcmp (task->cause, cause) != 0))
    return "another cause";
  if (task->attempt != news->attempt)
    return "another attempt";
  if (news->holder != TASKS_ANY_SLOT && strcmp (task->holder, world->clients[news->holder].id) != 0)
    return "another holder";
  if (task->n_history != MIN (news->n_steps, NEWS_STEPS))
    return "another history";
  if (task->n_history > 0
      && ((BusTaskState) task->history[task->n_history - 1]->state != news->to
          || strcmp (task->history[task->n_history - 1]->cause, cause) != 0
          || task->history[task->n_history - 1]->ago_us != 0))
    return "another last step";
  if (task->late != (news->event == BUS_TASK_ON_RESULT && news->from == BUS_TASK_QUEUED))
    return "another flag late";
  if (!news_is_delay (news, task))
    return "another delay";
  if (news_counters_problem (record, news, task) != NULL)
    return news_counters_problem (record, news, task);
  return tasks_shown_problem (world, record, task, news->at_us);
}

static void
news_got_step (TasksWorld *world,
               TasksRecord *record,
               const char *word,
               const Daemoneye__Eventbus__V1__TaskEvent *event)
{
  g_autofree TasksNews *news = g_queue_pop_head (&record->news);
  const char *problem;

  if (news == NULL || strcmp (word, news_word (news->event, news->to)) != 0)
    {
      tasks_fail (world, "M11: the event %s of t%u, and %s was expected", word, record->number,
                  news != NULL ? news_word (news->event, news->to) : "none");
      return;
    }
  problem = news_problem (world, record, news, event);
  if (problem != NULL)
    tasks_fail (world, "M11: the event %s of t%u has %s", word, record->number, problem);
  tasks_cover (world, TASKS_COVER_EVENT);
}

/* An answer that was refused changes nothing: the state is that of the last step. */
static void
news_got_stale (TasksWorld *world, const TasksRecord *record, const Daemoneye__Eventbus__V1__TaskEvent *event)
{
  const char *problem = tasks_shown_problem (world, record, event->task, 0);

  if (event->before != event->task->state || problem != NULL)
    tasks_fail (world, "M11: the event stale of t%u has %s", record->number, problem != NULL ? problem : "a change");
  tasks_cover (world, TASKS_COVER_STALE_EVENT);
}

static void
news_got_task (TasksWorld *world, const char *word, WireSpan payload)
{
  g_autoptr (WireGuard) guard = wire_guard_unpack (&daemoneye__eventbus__v1__task_event__descriptor, payload, 0, NULL);
  const Daemoneye__Eventbus__V1__TaskEvent *event = guard != NULL ? wire_guard_message (guard) : NULL;
  TasksRecord *record = event != NULL && event->task != NULL ? tasks_shown_find (world, event->task) : NULL;

  if (record == NULL)
    tasks_fail (world, "M11: the event %s is of an unknown task", word);
  else if (strcmp (word, "stale") == 0)
    news_got_stale (world, record, event);
  else
    news_got_step (world, record, word, event);
}

/* --- members --- */

static TasksClient *
news_find_member (TasksWorld *world, const char *id)
{
  for (guint slot = TASKS_SUBMITTERS; slot < TASKS_CLIENTS; slot++)
    if (strcmp (world->clients[slot].id, id) == 0)
      return &world->clients[slot];
  return NULL;
}

static void
news_got_record (TasksWorld *world, const char *id, WireSpan payload)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__collector_record__descriptor, payload, 0, NULL);
  const CollectorRecord *record = guard != NULL ? wire_guard_message (guard) : NULL;
  TasksClient *member = news_find_member (world, id);

  if (record == NULL || member == NULL || strcmp (record->id, id) != 0)
    tasks_fail (world, "M11: the record of %s is of an unknown member", id);
  else
    member->shown = (BusMemberState) (record->state - 1); /* 0 is none on the wire */
}

static void
news_got_member (TasksWorld *world, const char *word, WireSpan payload)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__collector_event__descriptor, payload, 0, NULL);
  const Daemoneye__Eventbus__V1__CollectorEvent *event = guard != NULL ? wire_guard_message (guard) : NULL;
  const TasksClient *member
      = event != NULL && event->collector != NULL ? news_find_member (world, event->collector->id) : NULL;
  BusMemberState state;

  if (member == NULL)
    {
      tasks_fail (world, "M11: the event %s is of an unknown member", word);
      return;
    }
  state = (BusMemberState) (event->collector->state - 1);
  if (strcmp (bus_member_state_name (state), word) != 0 || state != member->shown
      || (event->before == event->collector->state && state != BUS_MEMBER_REGISTERED)
      || strcmp (event->cause, event->collector->cause) != 0 || strcmp (event->collector->type, member->type) != 0)
    tasks_fail (world, "M11: the event %s of %s does not agree with its state", word, member->id);
  tasks_cover (world, TASKS_COVER_MEMBER_EVENT);
}

static gboolean
news_is_event (const char *word)
{
  for (guint state = 0; state < BUS_MEMBER_N_STATES; state++)
    if (strcmp (word, bus_member_state_name (state)) == 0)
      return TRUE;
  return FALSE;
}

/* --- all --- */

void
tasks_news_got (TasksWorld *world, const WireEnvelope *envelope)
{
  g_autofree char *topic = g_strndup ((const char *) envelope->topic.data, envelope->topic.len);

  if (g_str_has_prefix (topic, TASK))
    news_got_task (world, topic + strlen (TASK), envelope->payload);
  else if (g_str_has_prefix (topic, COLLECTOR) && news_is_event (topic + strlen (COLLECTOR)))
    news_got_member (world, topic + strlen (COLLECTOR), envelope->payload);
  else if (g_str_has_prefix (topic, COLLECTOR))
    news_got_record (world, topic + strlen (COLLECTOR), envelope->payload);
  else if (g_str_has_prefix (topic, HEALTH))
    tasks_health_got_record (world, topic + strlen (HEALTH), envelope->payload);
}

void
tasks_news_check (TasksWorld *world)
{
  tasks_health_check_shown (world);
  for (guint i = world->model->first; i < world->model->records->len; i++)
    {
      const TasksRecord *record = g_ptr_array_index (world->model->records, i);
      const TasksNews *news = g_queue_peek_head ((GQueue *) &record->news);

      if (news != NULL)
        tasks_fail (world, "M11: the event %s of t%u did not come", news_word (news->event, news->to), record->number);
    }
  for (guint slot = TASKS_SUBMITTERS; slot < TASKS_CLIENTS; slot++)
    {
      const TasksClient *client = &world->clients[slot];
      const BusMember *member = bus_registry_find (world->core->work, wire_span_str (client->id));

      if (client->shown != (member != NULL ? member->state : BUS_MEMBER_GONE))
        tasks_fail (world, "M11: the newest record of %s has the state %s", client->id,
                    bus_member_state_name (client->shown));
    }
}

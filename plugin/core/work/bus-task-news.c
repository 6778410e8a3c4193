/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-task-news.h"

#include "base/bus-text.h"
#include "peer/bus-state.h"
#include "route/bus-router.h"
#include "work/bus-task-record.h"
#include "wire-hot.h"

#define NEWS_STEPS 4u /* the newest steps of the history */

/* Apart from task_news_publish(), because the record is large and most events have no receiver. */
WIRE_COLD static void
task_news_announce (BusCore *core,
                    const char *topic,
                    const BusTask *task,
                    BusTaskState before,
                    const char *cause,
                    gint64 now_us)
{
  Daemoneye__Eventbus__V1__TaskEvent event;
  BusTaskRecord record;

  bus_task_record_fill (&record, task, 0, NEWS_STEPS, now_us);
  daemoneye__eventbus__v1__task_event__init (&event);
  event.task = &record.message;
  event.before = (Daemoneye__Eventbus__V1__TaskState) before;
  event.cause = bus_text_for_packing (cause);
  bus_router_announce (core, topic, &event.base, now_us);
}

static void
task_news_publish (BusCore *core,
                   const char *topic,
                   const BusTask *task,
                   BusTaskState before,
                   const char *cause,
                   gint64 now_us)
{
  if (bus_router_match (core, wire_span_str (topic))->n_receivers > 0)
    task_news_announce (core, topic, task, before, cause, now_us);
}

static gboolean
task_news_is_expiry (BusTaskEvent event)
{
  return event == BUS_TASK_ON_SILENT || event == BUS_TASK_ON_PROGRESS_OVER || event == BUS_TASK_ON_RUN_OVER;
}

/* Returns the topic of the event; NULL: none. */
static const char *
task_news_topic (BusTaskState before, BusTaskEvent event, guint verdict)
{
  if (verdict == BUS_TASK_REFUSED && event == BUS_TASK_ON_STALE)
    return "system.task.stale";
  if (verdict >= BUS_N_TASK_STATES || verdict == before)
    return NULL;
  switch (verdict)
    {
    case BUS_TASK_OFFERED:
      return "system.task.leased";
    case BUS_TASK_RUNNING:
      return "system.task.started";
    case BUS_TASK_QUARANTINED:
      return "system.task.quarantined";
    case BUS_TASK_CANCELLING:
      return NULL;
    case BUS_TASK_QUEUED:
    case BUS_TASK_DELAYED:
      if (event == BUS_TASK_ON_DUE || event == BUS_TASK_ON_RELEASE)
        return "system.task.queued";
      return task_news_is_expiry (event) ? "system.task.expired" : "system.task.retry";
    default:
      return "system.task.done";
    }
}

/* Returns the cause in the event. A frame for a task that has ended is STALE too, although there is no newer lease, so its
 * cause has other words. */
static const char *
task_news_cause (const BusTask *task, BusTaskEvent event)
{
  return event == BUS_TASK_ON_STALE && !bus_task_is_live (task) ? "the task has ended" : bus_task_event_cause (event);
}

void
bus_task_news_report (BusCore *core,
                      const BusTask *task,
                      BusTaskState before,
                      BusTaskEvent event,
                      guint verdict,
                      gint64 now_us)
{
  const char *topic = task_news_topic (before, event, verdict);

  if (topic != NULL)
    task_news_publish (core, topic, task, before, task_news_cause (task, event), now_us);
}

void
bus_task_news_queued (BusCore *core, const BusTask *task, gint64 now_us)
{
  task_news_publish (core, "system.task.queued", task, task->state, bus_task_event_cause (BUS_TASK_ON_SUBMIT), now_us);
}

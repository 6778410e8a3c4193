/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#include "collection.pb-c.h"
#include "deye-bus-pack.h"

#include <glib/gi18n.h>

/*
 * The step of the demonstration that watches processes: a child of the agent starts and exits, and the subscription on
 * events.process.# receives one event for each, although three procmonds are watching.
 */

#define STARTED  1u
#define EXITED   2u
#define CHANGED  3u
#define CHILDREN 2u /* after the exit event of the second one, all events of the first one have arrived */

typedef Daemoneye__Eventbus__V1__ProcessEvent ProcessEvent;

/* Counts the events of @kind for @pid; 0: for every process. */
static guint
watch_count_events (const Job *job, guint32 pid, guint32 kind)
{
  guint n = 0;

  for (guint i = 0; i < job->lifecycle->len; i++)
    {
      g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__process_event__descriptor,
                                                     g_ptr_array_index (job->lifecycle, i));
      const ProcessEvent *event = guard != NULL ? wire_guard_message (guard) : NULL;

      if (event != NULL && event->process != NULL && (pid == 0 || event->process->pid == pid) && event->kind == kind)
        n++;
    }
  return n;
}

typedef struct
{
  guint32 pid;
  guint32 kind;
} Awaited;

static gboolean
watch_has_event (Job *job, gpointer data)
{
  const Awaited *awaited = data;

  return watch_count_events (job, awaited->pid, awaited->kind) > 0;
}

/* Starts a child, waits for its start event, ends it, and waits for its exit event. Returns its pid, or 0 if an event is
 * missing. */
static guint32
watch_run_child (Job *job)
{
  static const char *const options[] = { "--demo-child", NULL };
  g_autoptr (GError) error = NULL;
  AgentChild *child = agent_child_start_own_program ("demo-child", options, &error);
  Awaited awaited;

  if (child == NULL)
    {
      job_report_step (&job->report, "events", FALSE, NULL, "%s", error->message);
      return 0;
    }
  awaited = (Awaited){ child->pid, STARTED };
  if (!job_wait (job, watch_has_event, &awaited, 10 * G_TIME_SPAN_SECOND, "events", _ ("the start of a child")))
    awaited.pid = 0;
  agent_child_free (child);
  awaited.kind = EXITED;
  if (awaited.pid != 0
      && !job_wait (job, watch_has_event, &awaited, 10 * G_TIME_SPAN_SECOND, "events", _ ("the exit of a child")))
    awaited.pid = 0;
  return awaited.pid;
}

gboolean
job_watch_child (Job *job)
{
  guint32 pids[CHILDREN];
  gboolean once = TRUE;

  for (guint i = 0; i < CHILDREN; i++)
    {
      pids[i] = watch_run_child (job);
      if (pids[i] == 0)
        return FALSE;
    }
  for (guint i = 0; i < CHILDREN; i++)
    once = once && watch_count_events (job, pids[i], STARTED) == 1 && watch_count_events (job, pids[i], EXITED) == 1;
  job_report_step (&job->report, "events", once, NULL,
                   _ ("the start and the exit of children %u and %u were reported once each on events.process.#"),
                   pids[0], pids[1]);
  job_report_detail (&job->report,
                     _ ("(%u other processes started, %u exited, %u executed another program or changed their name)"),
                     watch_count_events (job, 0, STARTED) - watch_count_events (job, pids[0], STARTED)
                         - watch_count_events (job, pids[1], STARTED),
                     watch_count_events (job, 0, EXITED) - watch_count_events (job, pids[0], EXITED)
                         - watch_count_events (job, pids[1], EXITED),
                     watch_count_events (job, 0, CHANGED));
  return TRUE;
}

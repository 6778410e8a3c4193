/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-report.h"

#include "proc-identity.h"
#include "proc-source.h"

/* Tolerances, in hundredths of a second, for comparing the start time in a record with the time of a report. A start time is taken
 * shortly before the report, and both are rounded. EARLIER is the longest time between the two; a pid is not reused within it. */
#define LATER   2u
#define EARLIER 100u

/* The age of a record, compared with the process that a report is about. */
typedef enum
{
  REPORT_SAME,
  REPORT_OLDER, /* an earlier process with this pid */
  REPORT_NEWER, /* a later process with this pid */
} ReportAge;

/* @at: the start of the process that the report is about. */
static ReportAge
report_age_of (guint64 start_time, guint64 at)
{
  if (start_time > at + LATER)
    return REPORT_NEWER;
  return start_time + EARLIER < at ? REPORT_OLDER : REPORT_SAME;
}

static void
report_put (ProcWatch *watch, ProcRecord *record)
{
  GPtrArray *records = watch->last->records;
  guint at;
  ProcRecord *before = proc_watch_find (watch, record->pid, &at);

  if (before == NULL)
    g_ptr_array_insert (records, (gint) at, proc_record_ref (record));
  else
    {
      records->pdata[at] = proc_record_ref (record);
      proc_record_unref (before);
    }
}

static void
report_remove (ProcWatch *watch, guint32 pid)
{
  guint at;

  if (proc_watch_find (watch, pid, &at) != NULL)
    g_ptr_array_remove_index (watch->last->records, at);
  g_hash_table_remove (watch->without_first_thread, GUINT_TO_POINTER (pid));
}

/* The record of the process that had the pid @pid at the time @at. */
static ProcRecord *
report_find (const ProcWatch *watch, guint32 pid, guint64 at)
{
  guint place;
  ProcRecord *record = proc_watch_find (watch, pid, &place);

  return record != NULL && record->start_time <= at + LATER ? record : NULL;
}

/* --- starts --- */

/* Ends the record of an earlier process with the same pid: it has ended, even if its end was not reported. */
static void
report_end_predecessor (ProcWatch *watch, guint32 pid, GArray *events)
{
  const WatchBrief *brief = g_hash_table_lookup (watch->brief, GUINT_TO_POINTER (pid));
  guint at;
  ProcRecord *record = proc_watch_find (watch, pid, &at);

  if (brief != NULL)
    proc_watch_add_event (events, PROC_EXITED, brief->record);
  g_hash_table_remove (watch->brief, GUINT_TO_POINTER (pid));
  if (record == NULL)
    return;
  proc_watch_add_event (events, PROC_EXITED, record);
  report_remove (watch, pid);
}

static void
report_start_unread (ProcWatch *watch, const ProcMessage *message, guint64 at, GArray *events)
{
  WatchBrief *brief = g_new (WatchBrief, 1);

  *brief = (WatchBrief){ proc_record_new_unknown (message->process), at };
  brief->record->ppid = message->parent;
  brief->record->unknown &= ~(guint) PROC_FIELD_PPID;
  g_hash_table_replace (watch->brief, GUINT_TO_POINTER (message->process), brief);
  proc_watch_add_event (events, PROC_STARTED, brief->record);
}

static void
report_start (ProcWatch *watch, const ProcMessage *message, guint64 at, GArray *events)
{
  guint place;
  const ProcRecord *known = proc_watch_find (watch, message->process, &place);
  ReportAge age = known != NULL ? report_age_of (known->start_time, at) : REPORT_OLDER;
  g_autoptr (ProcRecord) record = NULL;

  if (age == REPORT_SAME)
    return;
  if (age == REPORT_OLDER)
    report_end_predecessor (watch, message->process, events);
  if (age == REPORT_OLDER && proc_record_read (message->process, &record) == PROC_READ
      && report_age_of (record->start_time, at) != REPORT_NEWER)
    {
      report_put (watch, record);
      proc_watch_add_event (events, PROC_STARTED, record);
    }
  else
    report_start_unread (watch, message, at, events);
}

/* --- changes --- */

/* Returns a record of a process that has executed a program and can't be read: only the data that an exec does not change. */
static ProcRecord *
report_forget (const ProcRecord *before)
{
  ProcRecord *record = proc_record_new_unknown (before->pid);

  record->start_time = before->start_time;
  record->ppid = before->ppid;
  record->uid = before->uid;
  record->unknown &= ~(guint) (PROC_FIELD_START_TIME | PROC_FIELD_PPID | PROC_FIELD_UID);
  record->unknown |= before->unknown;
  return record;
}

/* A process that could not be read when it started may be readable now. */
static void
report_change_unread (ProcWatch *watch, const WatchBrief *brief, GArray *events)
{
  guint32 pid = brief->record->pid;
  g_autoptr (ProcRecord) record = NULL;

  if (proc_record_read (pid, &record) != PROC_READ || report_age_of (record->start_time, brief->start) != REPORT_SAME)
    {
      proc_watch_add_event (events, PROC_CHANGED, brief->record);
      return;
    }
  g_hash_table_remove (watch->brief, GUINT_TO_POINTER (pid));
  report_put (watch, record);
  proc_watch_add_event (events, PROC_CHANGED, record);
}

/* @executes: the process has executed a program, so it has changed even if the record is equal. */
static void
report_change (ProcWatch *watch, const ProcMessage *message, gboolean executes, guint64 at, GArray *events)
{
  const WatchBrief *brief = g_hash_table_lookup (watch->brief, GUINT_TO_POINTER (message->process));
  ProcRecord *before = report_find (watch, message->process, at);
  g_autoptr (ProcRecord) record = NULL;

  if (brief != NULL && executes)
    report_change_unread (watch, brief, events);
  if (brief != NULL || before == NULL)
    return;
  if (proc_record_read (message->process, &record) == PROC_READ && record->start_time == before->start_time)
    {
      if (executes || proc_watch_has_changed (before, record))
        proc_watch_add_event (events, PROC_CHANGED, record);
      report_put (watch, record);
    }
  else if (executes)
    {
      g_clear_pointer (&record, proc_record_unref);
      record = report_forget (before);
      proc_watch_add_event (events, PROC_CHANGED, record);
    }
}

/* --- names --- */

static void
report_note_name (ProcWatch *watch, guint32 pid, guint64 at)
{
  guint64 *newest = g_new (guint64, 1);

  *newest = at;
  g_hash_table_replace (watch->renamed, GUINT_TO_POINTER (pid), newest);
}

static void
report_read_name (ProcWatch *watch, guint32 pid, guint64 at, GArray *events)
{
  const ProcMessage message = { .kind = PROC_MESSAGE_COMM, .pid = pid, .process = pid };

  report_change (watch, &message, FALSE, at, events);
}

/* Reads the process of @message if it has reported another name. An exec reads it in any case. */
static void
report_settle_name (ProcWatch *watch, const ProcMessage *message, GArray *events)
{
  const guint64 *at = g_hash_table_lookup (watch->renamed, GUINT_TO_POINTER (message->process));

  if (at == NULL)
    return;
  if (message->kind != PROC_MESSAGE_EXEC)
    report_read_name (watch, message->process, *at, events);
  g_hash_table_remove (watch->renamed, GUINT_TO_POINTER (message->process));
}

void
proc_report_settle (ProcWatch *watch, GArray *events)
{
  GHashTableIter each;
  gpointer pid, at;

  g_hash_table_iter_init (&each, watch->renamed);
  while (g_hash_table_iter_next (&each, &pid, &at))
    report_read_name (watch, GPOINTER_TO_UINT (pid), *(const guint64 *) at, events);
  g_hash_table_remove_all (watch->renamed);
}

/* --- ends --- */

/* @threads: the number of threads that are left. */
static void
report_end (ProcWatch *watch, ProcRecord *record, guint threads, guint32 status, GArray *events)
{
  guint32 pid = record->pid;
  guint64 *start_time;

  proc_watch_add_exit (events, record, status);
  if (threads > 0)
    {
      start_time = g_new (guint64, 1);
      *start_time = record->start_time;
      g_hash_table_replace (watch->zombies, GUINT_TO_POINTER (pid), start_time);
    }
  report_remove (watch, pid);
}

static void
report_end_of_thread (ProcWatch *watch, const ProcMessage *message, guint64 at, GArray *events)
{
  gpointer key = GUINT_TO_POINTER (message->process);
  gboolean is_first = message->pid == message->process;
  const WatchBrief *brief = is_first ? g_hash_table_lookup (watch->brief, key) : NULL;
  ProcRecord *record = report_find (watch, message->process, at);
  guint threads;

  if (brief != NULL)
    {
      proc_watch_add_exit (events, brief->record, message->status);
      g_hash_table_remove (watch->brief, key);
      return;
    }
  if (record == NULL || (!is_first && !g_hash_table_contains (watch->without_first_thread, key)))
    return;
  threads = proc_identity_count_threads (message->process, record->start_time);
  if (threads > 1)
    g_hash_table_add (watch->without_first_thread, key);
  else
    report_end (watch, record, threads, message->status, events);
}

void
proc_report_apply (ProcWatch *watch, const ProcMessage *message, guint64 at, GArray *events)
{
  gboolean is_process = message->pid == message->process;

  if (watch->last == NULL)
    return;
  if (is_process && message->kind != PROC_MESSAGE_COMM)
    report_settle_name (watch, message, events);
  switch (message->kind)
    {
    case PROC_MESSAGE_FORK:
      if (is_process)
        report_start (watch, message, at, events);
      break;
    case PROC_MESSAGE_EXEC:
      if (is_process)
        report_change (watch, message, TRUE, at, events);
      break;
    case PROC_MESSAGE_COMM:
      if (is_process)
        report_note_name (watch, message->process, at);
      break;
    case PROC_MESSAGE_EXIT:
      report_end_of_thread (watch, message, at, events);
      break;
    case PROC_MESSAGE_NONE:
      break;
    }
}

/* --- full tables --- */

static gboolean
report_zombie_has_gone (gpointer pid, gpointer start_time, gpointer data)
{
  const ProcRecord record = { .pid = GPOINTER_TO_UINT (pid), .start_time = *(const guint64 *) start_time };

  return !proc_table_may_live (&record);
}

static void
report_leave_out_zombies (ProcWatch *watch, ProcTable *now)
{
  for (guint i = now->records->len; i-- > 0;)
    {
      const ProcRecord *record = g_ptr_array_index (now->records, i);
      const guint64 *ended = g_hash_table_lookup (watch->zombies, GUINT_TO_POINTER (record->pid));

      if (ended != NULL && *ended == record->start_time)
        g_ptr_array_remove_index (now->records, i);
    }
  g_hash_table_foreach_remove (watch->zombies, report_zombie_has_gone, NULL);
}

/* Finds the record in @now of a process whose start was reported. */
static ProcRecord *
report_find_brief (const ProcTable *now, const WatchBrief *brief)
{
  for (guint i = 0; i < now->records->len; i++)
    {
      ProcRecord *record = g_ptr_array_index (now->records, i);

      if (record->pid == brief->record->pid && report_age_of (record->start_time, brief->start) == REPORT_SAME)
        return record;
    }
  return NULL;
}

/* Settles the processes that could not be read when they started: a process that was read now gets its record, and one that has
 * ended causes an exit event. */
static void
report_settle_briefs (ProcWatch *watch, const ProcTable *now, GArray *events)
{
  GHashTableIter each;
  gpointer value;

  g_hash_table_iter_init (&each, watch->brief);
  while (g_hash_table_iter_next (&each, NULL, &value))
    {
      const WatchBrief *brief = value;
      ProcRecord *record = report_find_brief (now, brief);

      if (record != NULL)
        report_put (watch, record);
      else if (!proc_source_exists (brief->record->pid))
        proc_watch_add_event (events, PROC_EXITED, brief->record);
      else
        continue;
      g_hash_table_iter_remove (&each);
    }
}

static gboolean
report_is_unknown (gpointer pid, gpointer value, gpointer data)
{
  guint at;

  return proc_watch_find (data, GPOINTER_TO_UINT (pid), &at) == NULL;
}

GArray *
proc_report_compare (ProcWatch *watch, ProcTable *now)
{
  g_autoptr (GArray) rest = NULL;
  GArray *events;

  if (now == NULL || watch->last == NULL)
    return proc_watch_compare (watch, now);
  events = proc_watch_new_events ();
  report_leave_out_zombies (watch, now);
  report_settle_briefs (watch, now, events);
  rest = proc_watch_compare (watch, now);
  for (guint i = 0; i < rest->len; i++)
    {
      ProcEvent *event = &g_array_index (rest, ProcEvent, i);

      proc_watch_add_event (events, event->kind, event->record);
    }
  g_hash_table_foreach_remove (watch->without_first_thread, report_is_unknown, watch);
  return events;
}

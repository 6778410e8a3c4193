/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-task.h"

#include "base/bus-text.h"

#define STEPS_EXPECTED 4u /* steps of a task that runs once */

/* --- texts --- */

static WireSpan
task_keep_text (char **at, WireSpan text)
{
  WireSpan kept = wire_span ((const guint8 *) *at, text.len);

  if (text.len > 0)
    memcpy (*at, text.data, text.len);
  *at += text.len;
  return kept;
}

BusKey
bus_task_key (guint64 seed, guint32 account, WireSpan id, guint8 *bytes)
{
  gsize len = MIN (id.len, BUS_TASK_ID_MAX);

  for (guint i = 0; i < 4; i++)
    bytes[i] = (guint8) (account >> (8 * i));
  if (len > 0)
    memcpy (bytes + 4, id.data, len);
  return bus_key (seed, wire_span (bytes, 4 + len));
}

/* Copies @bytes. FALSE: no memory */
static gboolean
task_keep_bytes (GBytes **kept, WireSpan bytes)
{
  guint8 *copy = bytes.len > 0 ? g_try_malloc (bytes.len) : NULL;

  if (copy != NULL)
    *kept = g_bytes_new_take (memcpy (copy, bytes.data, bytes.len), bytes.len);
  return copy != NULL || bytes.len == 0;
}

/* Copies all texts that stay with the task into one block. FALSE: no memory */
static gboolean
task_keep_texts (BusTask *task, const BusTaskSpec *spec, guint64 seed)
{
  guint8 bytes[BUS_TASK_KEY_MAX];
  BusKey key = bus_task_key (seed, task->account->number, spec->id, bytes);
  char *at;

  task->text_len = key.text.len + spec->operation.len + spec->type.len + spec->target.len + spec->payload_type.len;
  task->text = at = g_try_malloc (task->text_len);
  if (at == NULL)
    return FALSE;
  task->key = (BusKey){ key.hash, task_keep_text (&at, key.text) };
  task->operation = bus_key (seed, task_keep_text (&at, spec->operation));
  task->type = task_keep_text (&at, spec->type);
  task->target = task_keep_text (&at, spec->target);
  task->payload_type = task_keep_text (&at, spec->payload_type);
  return TRUE;
}

static GPtrArray *
task_keep_tags (const BusTaskSpec *spec)
{
  GPtrArray *tags;

  if (spec->n_tags == 0)
    return NULL;
  tags = g_ptr_array_new_full (spec->n_tags, g_free);
  for (guint i = 0; i < spec->n_tags; i++)
    g_ptr_array_add (tags, bus_text_from_span (spec->tags[i]));
  return tags;
}

/* --- life --- */

static void
task_init_timer (BusTask *task, BusTimer *timer, BusTimerKind kind)
{
  timer->kind = kind;
  timer->owner = task;
}

static void
task_init_links (BusTask *task)
{
  task_init_timer (task, &task->deadline_timer, BUS_TIMER_TASK_DEADLINE);
  task_init_timer (task, &task->timer, BUS_TIMER_TASK);
  task_init_timer (task, &task->run_timer, BUS_TIMER_TASK_RUN);
  task_init_timer (task, &task->alone_timer, BUS_TIMER_TASK_ALONE);
  task->place.link.data = task;
  task->all_link.data = task;
  task->store_link.data = task;
  task->awaited_link.data = task;
}

BusTask *
bus_task_new (BusAccount *account, const BusTaskSpec *spec, guint64 seed, gint64 now_us)
{
  BusTask *task = g_new0 (BusTask, 1);

  task->account = account;
  task_init_links (task);
  if (!task_keep_texts (task, spec, seed) || !task_keep_bytes (&task->payload, spec->payload))
    {
      bus_task_free (task);
      return NULL;
    }
  task->tags = task_keep_tags (spec);
  task->payload_len = spec->payload.len;
  task->payload_hash = bus_hash (seed, spec->payload);
  task->priority = spec->priority;
  task->attempts = spec->attempts;
  task->submitted_us = now_us;
  task->deadline_us = spec->deadline_us;
  task->due_us = now_us + spec->deadline_us;
  task->run_limit_us = spec->run_limit_us;
  task->exclusive = spec->exclusive;
  task->cancel_when_alone = spec->cancel_when_alone;
  task->shard = spec->shard;
  task->shards = spec->shards;
  task->state = spec->not_before_us > 0 ? BUS_TASK_DELAYED : BUS_TASK_QUEUED;
  task->wait_reason = spec->not_before_us > 0 ? BUS_WAIT_NOT_BEFORE : BUS_WAIT_NONE;
  return task;
}

static void
task_progress_free (BusTaskProgress *progress)
{
  g_clear_pointer (&progress->details, g_bytes_unref);
  g_free (progress->text);
  g_free (progress);
}

static void
task_result_free (BusTaskResult *result)
{
  g_clear_pointer (&result->payload, g_bytes_unref);
  g_free (result->payload_type); /* the block of all three texts */
  g_free (result->extent);
  g_free (result);
}

void
bus_task_free (BusTask *task)
{
  g_assert (task->place.operation == NULL && task->avoids == NULL && task->lease == NULL && task->leases.length == 0
            && task->deaths.length == 0 && task->attachments.length == 0 && !task->is_awaited);
  g_assert (!bus_deadline_is_armed (&task->timer.deadline) && !bus_deadline_is_armed (&task->run_timer.deadline)
            && !bus_deadline_is_armed (&task->deadline_timer.deadline)
            && !bus_deadline_is_armed (&task->alone_timer.deadline));
  g_clear_pointer (&task->tags, g_ptr_array_unref);
  g_clear_pointer (&task->payload, g_bytes_unref);
  g_clear_pointer (&task->history, g_array_unref);
  g_clear_pointer (&task->holder, g_ref_string_release);
  g_clear_pointer (&task->died_on, g_ref_string_release);
  g_clear_pointer (&task->progress, task_progress_free);
  g_clear_pointer (&task->result, task_result_free);
  g_free (task->text);
  g_free (task);
}

/* --- state --- */

static void
task_step_clear (gpointer step)
{
  g_clear_pointer (&((BusTaskStep *) step)->member, g_ref_string_release);
}

static void
task_note_step (BusTask *task, BusTaskEvent event, char *member, gint64 now_us)
{
  const BusTaskStep step = { .at_us = now_us,
                             .member = member != NULL ? g_ref_string_acquire (member) : NULL,
                             .attempt = task->attempt,
                             .state = (guint8) task->state,
                             .event = (guint8) event };

  if (task->history == NULL)
    {
      task->history = g_array_sized_new (FALSE, FALSE, sizeof (BusTaskStep), STEPS_EXPECTED);
      g_array_set_clear_func (task->history, task_step_clear);
    }
  if (task->history->len == BUS_TASK_HISTORY_MAX)
    g_array_remove_index (task->history, 0);
  g_array_append_val (task->history, step);
}

/* Returns the counter that the change raises; NULL: none. The change to DELAYED counts a failure. Deaths are provisional at
 * first: bus-death counts them. */
static guint *
task_counter (BusTask *task, BusTaskState before, BusTaskEvent event)
{
  if (task->state == BUS_TASK_DELAYED)
    return &task->counts.failures;
  if (before != BUS_TASK_RUNNING || task->state != BUS_TASK_QUEUED)
    return NULL;
  switch ((guint) event)
    {
    case BUS_TASK_ON_PROGRESS_OVER:
    case BUS_TASK_ON_RUN_OVER:
      return &task->counts.expiries;
    case BUS_TASK_ON_CLOSED:
    case BUS_TASK_ON_DEREGISTER:
    case BUS_TASK_ON_DRAIN_OVER:
      return &task->counts.interruptions;
    default:
      return NULL;
    }
}

/* The only function that changes the state of a task. Events come from holders, connections, timers, submitters and tools, and
 * they race: a result may arrive just after its lease has expired, or for a task that was just cancelled. If each module
 * checked the state and assigned a new one, each would have to know all these combinations, and a timer that one of them forgot
 * to stop would expire in a state for which it was not armed. So every event is looked up in one table, which has an entry for
 * every state.
 *
 * The order of the steps matters. The timers stop first: `timer` has another meaning in each state (see bus_expiry_due()), so
 * it must not outlive the state for which it was armed. Then the attempt that has ended is counted, before any caller publishes
 * the change. The deadline timer runs in all live states.
 *
 * An event that leads to the same state, such as PROGRESS while RUNNING, stops no timer: otherwise a report of progress would
 * switch off the run limit. The caller arms the timers that the event renews. */
guint
bus_task_on (BusTaskRules *rules, BusTask *task, BusTaskEvent event, char *member, gint64 now_us)
{
  const BusTaskState before = task->state;
  guint verdict = bus_task_transition (before, event);
  guint *counter;

  g_assert (verdict != 0 && verdict != BUS_TASK_NEVER);
  rules->reached[before][event]++;
  if (verdict == BUS_TASK_IGNORED)
    rules->ignored++;
  if (verdict == BUS_TASK_REFUSED)
    rules->refused++;
  if (verdict >= BUS_N_TASK_STATES || verdict == before)
    return verdict;
  bus_deadline_disarm (rules->deadlines, &task->timer.deadline);
  bus_deadline_disarm (rules->deadlines, &task->run_timer.deadline);
  task->state = verdict;
  counter = task_counter (task, before, event);
  if (counter != NULL)
    ++*counter;
  if (!bus_task_state_is_live (verdict))
    {
      bus_deadline_disarm (rules->deadlines, &task->deadline_timer.deadline);
      bus_deadline_disarm (rules->deadlines, &task->alone_timer.deadline);
    }
  task_note_step (task, event, member, now_us);
  return verdict;
}

/* --- the specification --- */

static gboolean
task_has_tags (const BusTask *task, const BusTaskSpec *spec)
{
  if ((task->tags != NULL ? task->tags->len : 0) != spec->n_tags)
    return FALSE;
  for (guint i = 0; i < spec->n_tags; i++)
    if (!wire_span_equal (wire_span_str (g_ptr_array_index (task->tags, i)), spec->tags[i]))
      return FALSE;
  return TRUE;
}

const char *
bus_task_difference (const BusTask *task, const BusTaskSpec *spec, guint64 seed)
{
  const struct
  {
    const char *name;
    gboolean is_same;
  } fields[] = {
    { "operation", wire_span_equal (task->operation.text, spec->operation) },
    { "type", wire_span_equal (task->type, spec->type) },
    { "payload", task->payload_len == spec->payload.len && task->payload_hash == bus_hash (seed, spec->payload) },
    { "payload_type", wire_span_equal (task->payload_type, spec->payload_type) },
    { "priority", task->priority == spec->priority },
    { "target", wire_span_equal (task->target, spec->target) },
    { "tags", task_has_tags (task, spec) },
    { "exclusive", task->exclusive == spec->exclusive },
    { "run_limit_us", task->run_limit_us == spec->run_limit_us },
    { "on_submitter_gone", task->cancel_when_alone == spec->cancel_when_alone },
    { "attempts", task->attempts == spec->attempts },
  };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (!fields[i].is_same)
      return fields[i].name;
  return NULL;
}

/* --- progress and outcome --- */

static char *
task_keep_cut (WireSpan text, gsize max)
{
  return bus_text_from_span (bus_text_cut (text, max));
}

/* Details of an earlier report stay if this one has none, or if there is no memory for them. */
void
bus_task_set_progress (BusTask *task, const BusTaskReport *report)
{
  BusTaskProgress *progress = task->progress;
  GBytes *details = NULL;

  if (progress == NULL)
    progress = task->progress = g_new0 (BusTaskProgress, 1);
  progress->done = report->done;
  progress->total = report->total;
  g_free (progress->text);
  progress->text = task_keep_cut (report->text, BUS_TASK_TEXT_MAX);
  if (!task_keep_bytes (&details, report->details) || details == NULL)
    return;
  g_clear_pointer (&progress->details, g_bytes_unref);
  progress->details = details;
}

/* The texts of a result are in one block, which begins with the type. */
static void
task_keep_result_texts (BusTaskResult *result, const BusTaskAnswer *answer)
{
  const WireSpan texts[]
      = { bus_text_cut (answer->payload_type, BUS_TASK_TEXT_MAX), bus_text_cut (answer->error_name, BUS_TASK_TEXT_MAX),
          bus_text_cut (answer->error_text, BUS_TASK_TEXT_MAX) };
  char **const kept[] = { &result->payload_type, &result->error_name, &result->error_text };
  char *at = g_malloc (texts[0].len + texts[1].len + texts[2].len + G_N_ELEMENTS (texts));

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      if (texts[i].len > 0)
        memcpy (at, texts[i].data, texts[i].len);
      at[texts[i].len] = '\0';
      *kept[i] = at;
      at += texts[i].len + 1;
    }
}

void
bus_task_set_result (BusTask *task, const BusTaskAnswer *answer)
{
  BusTaskResult *result = g_new0 (BusTaskResult, 1);

  g_clear_pointer (&task->result, task_result_free);
  result->kind = answer->kind;
  if (answer->kept != NULL)
    result->payload = g_bytes_ref (answer->kept);
  task->payload_dropped = answer->kept == NULL && !task_keep_bytes (&result->payload, answer->payload);
  result->payload_len = answer->payload.len;
  task_keep_result_texts (result, answer);
  if (answer->extent != NULL)
    result->extent = g_memdup2 (answer->extent, sizeof *answer->extent);
  task->result = result;
}

void
bus_task_drop_payloads (BusTask *task)
{
  gboolean has_result = task->result != NULL && task->result->payload != NULL;

  task->payload_dropped |= task->payload != NULL || has_result;
  g_clear_pointer (&task->payload, g_bytes_unref);
  if (has_result)
    g_clear_pointer (&task->result->payload, g_bytes_unref);
}

/* --- memory --- */

static gsize
task_size_of_bytes (GBytes *bytes)
{
  return bytes != NULL ? g_bytes_get_size (bytes) : 0;
}

static gsize
task_size_of_result (const BusTaskResult *result)
{
  return sizeof *result + task_size_of_bytes (result->payload) + strlen (result->payload_type)
         + strlen (result->error_name) + strlen (result->error_text) + 3
         + (result->extent != NULL ? sizeof *result->extent : 0);
}

/* The size of a GRefString. It is charged in full, because this may be the last reference. */
static gsize
task_size_of_ref (const char *text)
{
  return text != NULL ? strlen (text) + 1 + BUS_TASK_REF_BYTES : 0;
}

gsize
bus_task_size (const BusTask *task)
{
  gsize size = sizeof *task + task->text_len + task_size_of_bytes (task->payload)
               + task->attachments.length * BUS_ATTACHMENT_BYTES + task->leases.length * BUS_LEASE_BYTES
               + task_size_of_ref (task->holder) + task_size_of_ref (task->died_on)
               + (task->is_awaited ? BUS_AWAITED_BYTES : 0);

  for (guint i = 0; task->tags != NULL && i < task->tags->len; i++)
    size += strlen (g_ptr_array_index (task->tags, i)) + 1 + sizeof (gpointer);
  if (task->history != NULL)
    size += task->history->len * sizeof (BusTaskStep);
  if (task->progress != NULL)
    size += sizeof *task->progress + strlen (task->progress->text) + 1 + task_size_of_bytes (task->progress->details);
  return task->result != NULL ? size + task_size_of_result (task->result) : size;
}

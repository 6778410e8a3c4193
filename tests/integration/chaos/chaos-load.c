/* SPDX-License-Identifier: Apache-2.0 */
#include "chaos-load.h"

#include "chaos-schedule.h"

#include <string.h>

#define AT_ONCE    40u
#define DEADLINE_S 120
#define N_STATES   (DEYE_BUS_TASK_STATE_UNKNOWN + 1u)
/* Number of ended tasks that are watched, because none may end twice. */
#define WATCHED 200u

typedef struct ChaosSubmitter ChaosSubmitter;

typedef struct
{
  ChaosSubmitter *submitter;
  DeyeBusTaskSpec *spec;
  DeyeBusTask *task;   /* NULL: the submitter is away */
  gint64 cancel_at_us; /* 0: it is not cancelled */
  guint agents;        /* agents that had ended when it was last submitted */
  guint clients;       /* clients that have submitted it */
  guint ends;
} ChaosTask;

struct ChaosSubmitter
{
  ChaosLoad *load;
  guint number;
  DeyeBusClient *client; /* NULL: it is away */
  GRand *random;
  guint n_submitted;
  guint n_clients;
  gint64 back_at_us;
  GPtrArray *alive; /* of ChaosTask */
  GQueue ended;     /* of ChaosTask, the newest ones */
};

struct ChaosLoad
{
  char *address;
  ChaosLedger *ledger; /* not owned */
  guint agents;        /* agents that have ended */
  ChaosSubmitter submitters[CHAOS_SUBMITTERS];
  guint states[N_STATES];
  GPtrArray *faults; /* of char* */
};

/* --- tasks --- */

static void
task_free (ChaosTask *self)
{
  if (self->task != NULL)
    g_signal_handlers_disconnect_by_data (self->task, self);
  g_clear_object (&self->task);
  deye_bus_task_spec_unref (self->spec);
  g_free (self);
}

/* The acts of the attempts of a task, and the share of such tasks in percent. */
static const struct
{
  guint share;
  const char *acts;
} fates[] = {
  { 68, "done" }, { 10, "retry done" }, { 3, "fail" },     { 2, "retry" }, { 4, "hang done" },
  { 4, "deaf" },  { 1, "deaf done" },   { 5, "die done" }, { 1, "die" },   { 2, "hang" },
};

static const char *
draw_acts (GRand *random)
{
  guint card = (guint) g_rand_int_range (random, 0, 100);
  guint i = 0;

  while (card >= fates[i].share)
    card -= fates[i++].share;
  return fates[i].acts;
}

static gboolean
draw_share (GRand *random, gint32 percent)
{
  return g_rand_int_range (random, 0, 100) < percent;
}

/* The numbers are drawn in the same order for each task, so that no task depends on another one. */
static DeyeBusTaskSpec *
draw_spec (ChaosSubmitter *submitter)
{
  static const char *const operations[] = { "scan", "scan", "quiet", "harm", "harm" };
  GRand *random = submitter->random;
  DeyeBusTaskSpec *spec = deye_bus_task_spec_new (operations[g_rand_int_range (random, 0, G_N_ELEMENTS (operations))]);
  const char *acts = draw_acts (random);
  g_autofree char *id = g_strdup_printf ("s%u-%u", submitter->number, submitter->n_submitted);
  g_autofree char *text = g_strdup_printf ("%d %s", g_rand_int_range (random, 0, 250), acts);
  g_autofree char *target = g_strdup_printf ("w%d", g_rand_int_range (random, 0, CHAOS_COLLECTORS));
  g_autoptr (GBytes) payload = g_bytes_new (text, strlen (text));
  const gint64 delay_us = g_rand_int_range (random, 1, 300) * G_TIME_SPAN_MILLISECOND;

  deye_bus_task_spec_set_id (spec, id);
  deye_bus_task_spec_set_payload (spec, payload, NULL);
  deye_bus_task_spec_set_priority (spec, (guint8) (g_rand_int_range (random, 0, 3) * 100));
  deye_bus_task_spec_set_cancel_when_gone (spec, submitter->number % 2 == 1);
  deye_bus_task_spec_set_timeout (spec, draw_share (random, 4) ? delay_us : DEADLINE_S * G_TIME_SPAN_SECOND);
  if (draw_share (random, 5))
    deye_bus_task_spec_set_target (spec, target);
  if (draw_share (random, 5))
    deye_bus_task_spec_set_delay (spec, delay_us);
  deye_bus_task_spec_set_exclusive (spec, draw_share (random, 3));
  return spec;
}

/* --- the end of a task --- */

static G_GNUC_PRINTF (2, 3) void load_blame (ChaosTask *task, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (task->submitter->load->faults,
                   g_strdup_printf ("task %s: %s", deye_bus_task_spec_get_id (task->spec), text));
}

static void
check_outcome (ChaosTask *self)
{
  const DeyeBusTaskState state = deye_bus_task_get_state (self->task);
  g_autoptr (GError) error = deye_bus_task_dup_error (self->task);
  const gboolean has_result = deye_bus_task_get_result (self->task) != NULL;

  if (has_result != (state == DEYE_BUS_TASK_STATE_SUCCEEDED) || has_result == (error != NULL))
    load_blame (self, "state %d, %s result, error: %s", state, has_result ? "a" : "no",
                error != NULL ? error->message : "none");
  if (state == DEYE_BUS_TASK_STATE_REFUSED)
    load_blame (self, "refused: %s", error != NULL ? error->message : "no error");
  if (state == DEYE_BUS_TASK_STATE_UNKNOWN && self->agents == self->submitter->load->agents)
    load_blame (self, "unknown to the agent that has accepted it");
}

static void
on_finished (DeyeBusTask *task, gpointer data)
{
  ChaosTask *self = data;
  ChaosSubmitter *submitter = self->submitter;
  ChaosLoad *load = submitter->load;
  GBytes *result = deye_bus_task_get_result (task);
  gsize len = 0;
  const char *text = result != NULL ? g_bytes_get_data (result, &len) : NULL;
  guint index = 0;

  if (++self->ends > 1)
    {
      load_blame (self, "ended %u times", self->ends);
      return;
    }
  load->states[deye_bus_task_get_state (task)]++;
  chaos_ledger_write (load->ledger, "final %s %d %.*s", deye_bus_task_get_id (task), deye_bus_task_get_state (task),
                      text != NULL ? (int) len : 1, text != NULL ? text : "-");
  check_outcome (self);
  g_ptr_array_find (submitter->alive, self, &index);
  g_ptr_array_steal_index_fast (submitter->alive, index);
  g_queue_push_tail (&submitter->ended, self);
}

/* --- submitters --- */

static void
submitter_send (ChaosTask *task)
{
  ChaosSubmitter *submitter = task->submitter;
  g_autoptr (GError) error = NULL;

  task->agents = submitter->load->agents;
  task->clients++;
  task->task = deye_bus_client_submit (submitter->client, task->spec, &error);
  g_assert_no_error (error);
  g_signal_connect (task->task, "finished", G_CALLBACK (on_finished), task);
}

static void
submitter_submit (ChaosSubmitter *self, gint64 now_us)
{
  ChaosTask *task = g_new0 (ChaosTask, 1);

  task->submitter = self;
  task->spec = draw_spec (self);
  if (draw_share (self->random, 4))
    task->cancel_at_us = now_us + g_rand_int_range (self->random, 0, 300) * G_TIME_SPAN_MILLISECOND;
  self->n_submitted++;
  g_ptr_array_add (self->alive, task);
  submitter_send (task);
}

static void
submitter_connect (ChaosSubmitter *self)
{
  g_autofree char *id = g_strdup_printf ("submitter-%u-%u", self->number, self->n_clients++);

  self->client = deye_bus_client_new_tool (self->load->address, id);
  deye_bus_client_connect_async (self->client, NULL, NULL, NULL);
  for (guint i = 0; i < self->alive->len; i++)
    submitter_send (self->alive->pdata[i]);
}

/* The next client of the submitter does not know the holders of its tasks. */
static void
submitter_forget (ChaosTask *task)
{
  chaos_ledger_write (task->submitter->load->ledger, "known %s - 0", deye_bus_task_spec_get_id (task->spec));
  g_signal_handlers_disconnect_by_data (task->task, task);
  g_clear_object (&task->task);
}

static void
submitter_disconnect (ChaosSubmitter *self)
{
  for (guint i = 0; i < self->alive->len; i++)
    submitter_forget (self->alive->pdata[i]);
  deye_bus_client_close (self->client, NULL, NULL);
  g_clear_object (&self->client);
}

/* TRUE if an earlier client has submitted the task, and the agent has not answered the present one. A cancel would end the task
 * for the present client, and no client would receive the result. */
static gboolean
task_may_be_there (const ChaosTask *task)
{
  return task->clients > 1 && deye_bus_task_get_state (task->task) == DEYE_BUS_TASK_STATE_SUBMITTED;
}

static void
submitter_cancel_due (ChaosSubmitter *self, gint64 now_us)
{
  for (guint i = 0; i < self->alive->len; i++)
    {
      ChaosTask *task = self->alive->pdata[i];

      if (task->cancel_at_us == 0 || task->cancel_at_us > now_us || task_may_be_there (task))
        continue;
      deye_bus_task_cancel (task->task);
      task->cancel_at_us = 0;
    }
}

static void
submitter_turn (ChaosSubmitter *self, gboolean submits)
{
  const gint64 now_us = g_get_monotonic_time ();

  while (self->ended.length > WATCHED)
    task_free (g_queue_pop_head (&self->ended));
  if (self->client == NULL && self->back_at_us > now_us)
    return;
  if (self->client == NULL)
    submitter_connect (self);
  submitter_cancel_due (self, now_us);
  while (submits && self->alive->len < AT_ONCE)
    submitter_submit (self, now_us);
}

/* --- the load --- */

ChaosLoad *
chaos_load_new (const char *address, ChaosLedger *ledger, guint32 seed)
{
  ChaosLoad *self = g_new0 (ChaosLoad, 1);

  self->address = g_strdup (address);
  self->ledger = ledger;
  self->faults = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < CHAOS_SUBMITTERS; i++)
    {
      self->submitters[i].load = self;
      self->submitters[i].number = i;
      self->submitters[i].random = g_rand_new_with_seed_array ((guint32[]){ seed, i + 1 }, 2);
      self->submitters[i].alive = g_ptr_array_new_with_free_func ((GDestroyNotify) task_free);
      g_queue_init (&self->submitters[i].ended);
    }
  return self;
}

void
chaos_load_free (ChaosLoad *self)
{
  for (guint i = 0; i < CHAOS_SUBMITTERS; i++)
    {
      g_queue_clear_full (&self->submitters[i].ended, (GDestroyNotify) task_free);
      g_ptr_array_unref (self->submitters[i].alive);
      g_rand_free (self->submitters[i].random);
    }
  g_ptr_array_unref (self->faults);
  g_free (self->address);
  g_free (self);
}

void
chaos_load_turn (ChaosLoad *self, gboolean submits)
{
  for (guint i = 0; i < CHAOS_SUBMITTERS; i++)
    submitter_turn (&self->submitters[i], submits);
}

gboolean
chaos_load_leave (ChaosLoad *self, guint submitter, gint64 time_us)
{
  ChaosSubmitter *chosen = &self->submitters[submitter % CHAOS_SUBMITTERS];

  if (chosen->client == NULL)
    return FALSE;
  submitter_disconnect (chosen);
  chosen->back_at_us = g_get_monotonic_time () + time_us;
  return TRUE;
}

void
chaos_load_close (ChaosLoad *self)
{
  for (guint i = 0; i < CHAOS_SUBMITTERS; i++)
    submitter_disconnect (&self->submitters[i]);
}

void
chaos_load_note_end_of_agent (ChaosLoad *self)
{
  chaos_ledger_write (self->ledger, "agent");
  self->agents++;
  for (guint i = 0; i < CHAOS_SUBMITTERS; i++)
    for (guint j = 0; j < self->submitters[i].alive->len; j++)
      {
        const ChaosTask *task = self->submitters[i].alive->pdata[j];

        if (task->task != NULL && deye_bus_task_get_state (task->task) == DEYE_BUS_TASK_STATE_RUNNING)
          chaos_ledger_write (self->ledger, "known %s %s %u", deye_bus_task_get_id (task->task),
                              deye_bus_task_get_holder (task->task), deye_bus_task_get_attempt (task->task));
      }
}

guint
chaos_load_alive (const ChaosLoad *self)
{
  guint n = 0;

  for (guint i = 0; i < CHAOS_SUBMITTERS; i++)
    n += self->submitters[i].alive->len;
  return n;
}

char *
chaos_load_describe (const ChaosLoad *self)
{
  for (guint i = 0; i < CHAOS_SUBMITTERS; i++)
    if (self->submitters[i].alive->len > 0)
      {
        const ChaosTask *task = self->submitters[i].alive->pdata[0];

        return g_strdup_printf ("%s, state %d, wait reason %d, %s", deye_bus_task_spec_get_id (task->spec),
                                task->task != NULL ? (int) deye_bus_task_get_state (task->task) : -1,
                                task->task != NULL ? (int) deye_bus_task_get_wait_reason (task->task) : -1,
                                task->task != NULL ? deye_bus_task_get_cause (task->task) : "away");
      }
  return g_strdup ("none");
}

guint
chaos_load_ended (const ChaosLoad *self, DeyeBusTaskState state)
{
  return self->states[state];
}

const GPtrArray *
chaos_load_faults (const ChaosLoad *self)
{
  return self->faults;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "chaos-audit.h"

#include "deye-bus.h"

#include <string.h>

typedef struct
{
  char *name;
  gboolean is_dead;
  guint64 epoch; /* of the broker with which it registered last */
} AuditInstance;

typedef struct
{
  AuditInstance *instance;
  guint attempt;
  guint64 epoch; /* of the broker that began it */
  gboolean has_ended;
  gboolean is_done;         /* it has a result */
  gboolean is_overtaken;    /* another run of the task began before this one ended */
  guint agents_at_overtake; /* agents that had ended at that time */
} AuditRun;

typedef struct
{
  gboolean runs_once; /* two runs of it must never be open at the same time */
  guint final;        /* the DeyeBusTaskState in which it ended; 0: it has not ended */
  GPtrArray *runs;    /* of AuditRun */
  char *known_holder;
  guint known_attempt;
  guint known_agents; /* agents that had ended when the line "known" was written */
} AuditTask;

typedef struct
{
  ChaosAudit *audit;
  gboolean holders_come_in_time;
  GHashTable *instances; /* name -> AuditInstance */
  GHashTable *tasks;     /* id -> AuditTask */
  guint agents;          /* agents that have ended */
  guint line;
} Auditor;

static void
instance_free (gpointer data)
{
  g_free (((AuditInstance *) data)->name);
  g_free (data);
}

static void
audit_task_free (gpointer data)
{
  AuditTask *task = data;

  g_ptr_array_unref (task->runs);
  g_free (task->known_holder);
  g_free (task);
}

static AuditInstance *
instance_of (Auditor *self, const char *name)
{
  AuditInstance *instance = g_hash_table_lookup (self->instances, name);

  if (instance == NULL)
    {
      instance = g_new0 (AuditInstance, 1);
      instance->name = g_strdup (name);
      g_hash_table_insert (self->instances, instance->name, instance);
    }
  return instance;
}

static AuditTask *
audit_task_of (Auditor *self, const char *id)
{
  AuditTask *task = g_hash_table_lookup (self->tasks, id);

  if (task == NULL)
    {
      task = g_new0 (AuditTask, 1);
      task->runs = g_ptr_array_new_with_free_func (g_free);
      g_hash_table_insert (self->tasks, g_strdup (id), task);
    }
  return task;
}

static G_GNUC_PRINTF (2, 3) void audit_blame (Auditor *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (self->audit->faults, g_strdup_printf ("line %u of the ledger: %s", self->line, text));
}

static gboolean
run_is_open (const AuditRun *run)
{
  return !run->has_ended && !run->instance->is_dead;
}

/* The newest run. @attempt: 0: of any attempt. */
static AuditRun *
find_run (const AuditTask *task, const char *instance, guint attempt)
{
  for (guint i = task->runs->len; i > 0; i--)
    {
      AuditRun *run = task->runs->pdata[i - 1];

      if (run->attempt == attempt && g_str_equal (run->instance->name, instance))
        return run;
    }
  return NULL;
}

/* --- lines --- */

static void
audit_registered (Auditor *self, char **words)
{
  instance_of (self, words[1])->epoch = g_ascii_strtoull (words[2], NULL, 10);
}

/* TRUE if the instance is one of the collector. */
static gboolean
is_of_collector (const AuditInstance *instance, const char *collector)
{
  const gsize len = strlen (collector);

  return strncmp (instance->name, collector, len) == 0 && instance->name[len] == '.';
}

/* TRUE if another broker started the run, and the broker of @epoch could not know that it continues. */
static gboolean
is_excused (const Auditor *self, const AuditTask *task, const AuditRun *run, guint64 epoch)
{
  const gboolean is_known = task->known_holder != NULL && task->known_agents == self->agents
                            && task->known_attempt == run->attempt
                            && is_of_collector (run->instance, task->known_holder);

  return run->epoch != epoch && !(self->holders_come_in_time && is_known && run->instance->epoch == epoch);
}

static void
audit_overtake (Auditor *self, const char *id, AuditTask *task, AuditRun *run, char **words)
{
  run->is_overtaken = TRUE;
  run->agents_at_overtake = self->agents;
  if (!task->runs_once || run->instance->is_dead)
    return;
  if (is_excused (self, task, run, g_ascii_strtoull (words[5], NULL, 10)))
    self->audit->excused++;
  else
    audit_blame (self, "task %s must run only once, but it begins in %s while attempt %u runs in %s", id, words[1],
                 run->attempt, run->instance->name);
}

static void
audit_begin (Auditor *self, char **words)
{
  AuditTask *task = audit_task_of (self, words[2]);
  AuditRun *run = g_new0 (AuditRun, 1);

  task->runs_once = g_str_equal (words[4], "harm");
  if (task->final != 0)
    audit_blame (self, "task %s begins in %s after its submitter received the final state %u", words[2], words[1],
                 task->final);
  for (guint i = 0; i < task->runs->len; i++)
    {
      AuditRun *other = task->runs->pdata[i];

      if (!other->has_ended)
        audit_overtake (self, words[2], task, other, words);
    }
  self->audit->runs++;
  self->audit->repeated += task->runs->len > 0 ? 1 : 0;
  run->instance = instance_of (self, words[1]);
  run->attempt = (guint) g_ascii_strtoull (words[3], NULL, 10);
  run->epoch = g_ascii_strtoull (words[5], NULL, 10);
  g_ptr_array_add (task->runs, run);
}

static void
audit_end (Auditor *self, char **words)
{
  AuditRun *run = find_run (audit_task_of (self, words[2]), words[1], (guint) g_ascii_strtoull (words[3], NULL, 10));

  if (run == NULL || run->has_ended)
    {
      audit_blame (self, "attempt %s of task %s ends in %s and has not begun", words[3], words[2], words[1]);
      return;
    }
  run->has_ended = TRUE;
  run->is_done = g_str_equal (words[4], "done");
}

static void
audit_dead (Auditor *self, char **words)
{
  instance_of (self, words[1])->is_dead = TRUE;
}

static void
audit_left (Auditor *self, char **words)
{
  AuditInstance *instance = instance_of (self, words[1]);
  GHashTableIter iter;
  gpointer id, value;

  g_hash_table_iter_init (&iter, self->tasks);
  while (g_hash_table_iter_next (&iter, &id, &value))
    for (guint i = 0; i < ((AuditTask *) value)->runs->len; i++)
      {
        const AuditRun *run = ((AuditTask *) value)->runs->pdata[i];

        if (run->instance == instance && run_is_open (run))
          audit_blame (self, "%s has stopped while task %s was running there", instance->name, (const char *) id);
      }
  instance->is_dead = TRUE;
}

static void
audit_agent (Auditor *self, char **words)
{
  self->agents++;
}

static void
audit_known (Auditor *self, char **words)
{
  AuditTask *task = audit_task_of (self, words[1]);

  g_free (task->known_holder);
  task->known_holder = g_str_equal (words[2], "-") ? NULL : g_strdup (words[2]);
  task->known_attempt = (guint) g_ascii_strtoull (words[3], NULL, 10);
  task->known_agents = self->agents;
}

static void
audit_final (Auditor *self, char **words)
{
  AuditTask *task = audit_task_of (self, words[1]);
  g_auto (GStrv) result = g_strsplit (words[3], "/", 3);
  const guint state = (guint) g_ascii_strtoull (words[2], NULL, 10);
  const AuditRun *run;

  if (state == DEYE_BUS_TASK_STATE_SUCCEEDED || state == DEYE_BUS_TASK_STATE_UNKNOWN)
    task->final = state;
  if (state != DEYE_BUS_TASK_STATE_SUCCEEDED)
    return;
  run = g_strv_length (result) == 3 && g_str_equal (result[2], words[1])
            ? find_run (task, result[0], (guint) g_ascii_strtoull (result[1], NULL, 10))
            : NULL;
  if (run == NULL || !run->is_done)
    audit_blame (self, "the result of task %s is %s, which no run has sent", words[1], words[3]);
  else if (run->is_overtaken && run->agents_at_overtake == self->agents)
    audit_blame (self,
                 "the submitter of task %s received the result of %s, although the task had been given to another "
                 "collector before",
                 words[1], words[3]);
}

static const struct
{
  const char *name;
  guint n_words;
  void (*run) (Auditor *self, char **words);
} lines[] = {
  { "registered", 3, audit_registered },
  { "begin", 6, audit_begin },
  { "end", 5, audit_end },
  { "dead", 2, audit_dead },
  { "left", 2, audit_left },
  { "agent", 1, audit_agent },
  { "known", 4, audit_known },
  { "final", 4, audit_final },
};

static void
audit_line (Auditor *self, const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);

  self->line++;
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    if (g_str_equal (words[0], lines[i].name) && g_strv_length (words) == lines[i].n_words)
      {
        lines[i].run (self, words);
        return;
      }
  audit_blame (self, "not a line of a ledger: %s", line);
}

ChaosAudit *
chaos_audit_new (const char *path, gboolean holders_come_in_time)
{
  ChaosAudit *audit = g_new0 (ChaosAudit, 1);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  Auditor self = { .audit = audit, .holders_come_in_time = holders_come_in_time };
  g_auto (GStrv) rows = NULL;

  audit->faults = g_ptr_array_new_with_free_func (g_free);
  self.instances = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, instance_free);
  self.tasks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, audit_task_free);
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  rows = g_strsplit (text, "\n", -1);
  for (guint i = 0; rows[i] != NULL && *rows[i] != '\0'; i++)
    audit_line (&self, rows[i]);
  g_hash_table_unref (self.tasks);
  g_hash_table_unref (self.instances);
  return audit;
}

void
chaos_audit_free (ChaosAudit *self)
{
  g_ptr_array_unref (self->faults);
  g_free (self);
}

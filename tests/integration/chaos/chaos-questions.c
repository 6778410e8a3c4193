/* SPDX-License-Identifier: Apache-2.0 */
#include "chaos-questions.h"

#include "chaos-schedule.h"

#include <string.h>

#define AT_ONCE    6u
#define TIMEOUT_US (1200 * G_TIME_SPAN_MILLISECOND)
#define N_VERDICTS (DEYE_BUS_GATHER_VERDICT_FAILED + 1u)

typedef enum
{
  ASK_ALL,
  ASK_SOME,
  ASK_SHARDS,
  N_MODES
} Mode;

typedef enum
{
  REQUIRE_ALL,
  REQUIRE_AT_LEAST,
  REQUIRE_ANY,
  N_REQUIRES
} Require;

typedef struct
{
  ChaosQuestions *owner;
  guint number;
  Mode mode;
  Require require;
  guint n;
  GCancellable *cancellable;
  gint64 cancel_at_us; /* 0: it is not cancelled */
  guint agents;        /* agents that had ended when it was asked */
} Question;

struct ChaosQuestions
{
  ChaosLedger *ledger; /* not owned */
  DeyeBusClient *client;
  GRand *random;
  GPtrArray *open; /* of Question */
  GPtrArray *faults;
  guint asked;
  guint agents; /* agents that have ended */
  guint lost;   /* questions without a manifest */
  guint verdicts[N_VERDICTS];
};

static G_GNUC_PRINTF (2, 3) void question_blame (Question *question, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (question->owner->faults,
                   g_strdup_printf ("question %u, mode %u, requirement %u, n %u: %s", question->number, question->mode,
                                    question->require, question->n, text));
}

/* --- answers and manifests --- */

static void
check_counts (Question *question, const DeyeBusManifest *manifest, const GPtrArray *entries)
{
  guint counts[DEYE_BUS_ANSWER_CLASS_NEVER_ASKED + 1] = { 0 };
  guint sum = 0;

  for (guint i = 0; i < entries->len; i++)
    counts[deye_bus_manifest_entry_get_answer_class (entries->pdata[i])]++;
  for (guint i = DEYE_BUS_ANSWER_CLASS_ANSWERED; i <= DEYE_BUS_ANSWER_CLASS_NEVER_ASKED; i++)
    {
      sum += deye_bus_manifest_get_count (manifest, i);
      if (counts[i] != deye_bus_manifest_get_count (manifest, i))
        question_blame (question, "%u entries of class %u, and the manifest counts %u", counts[i], i,
                        deye_bus_manifest_get_count (manifest, i));
    }
  if (sum != deye_bus_manifest_get_expected (manifest) || sum != entries->len)
    question_blame (question, "%u expected, %u entries, and the sum is %u", deye_bus_manifest_get_expected (manifest),
                    entries->len, sum);
}

/* Checks that each collector, or each shard, is counted once. */
static void
check_entries (Question *question, const GPtrArray *entries)
{
  g_autoptr (GHashTable) ids = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < entries->len; i++)
    {
      const DeyeBusManifestEntry *entry = entries->pdata[i];
      const char *id = deye_bus_manifest_entry_get_id (entry);

      if (question->mode == ASK_SHARDS && deye_bus_manifest_entry_get_shard (entry) != i)
        question_blame (question, "entry %u is of shard %u", i, deye_bus_manifest_entry_get_shard (entry));
      if (question->mode != ASK_SHARDS && id != NULL && !g_hash_table_add (ids, (gpointer) id))
        question_blame (question, "%s is counted twice", id);
    }
}

static gboolean
is_answer (const DeyeBusManifestEntry *entry)
{
  const DeyeBusAnswerClass answer_class = deye_bus_manifest_entry_get_answer_class (entry);

  return answer_class == DEYE_BUS_ANSWER_CLASS_ANSWERED || answer_class == DEYE_BUS_ANSWER_CLASS_EMPTY;
}

/* The result is "INSTANCE/ATTEMPT/TASK", as chaos-worker.c returns it. Returns the task; "": it does not belong to the
 * question. */
static char *
task_of_answer (Question *question, const DeyeBusManifest *manifest, DeyeBusGatherAnswer *answer, const char *text)
{
  g_autofree char *prefix
      = g_strdup_printf ("gather.%" G_GUINT64_FORMAT ".", deye_bus_manifest_get_query_id (manifest));
  g_autofree char *suffix = g_strdup_printf ("@%" G_GUINT64_FORMAT, deye_bus_manifest_get_epoch (manifest));
  g_auto (GStrv) parts = g_strsplit (text, "/", 3);
  const char *id = deye_bus_gather_answer_get_id (answer);
  const gboolean is_whole = g_strv_length (parts) == 3 && g_str_has_prefix (parts[0], id)
                            && parts[0][strlen (id)] == '.' && g_str_has_prefix (parts[2], prefix)
                            && g_str_has_suffix (parts[2], suffix);

  if (!is_whole)
    question_blame (question, "the answer of %s is %s", id, text);
  return g_strdup (is_whole ? parts[2] : "");
}

/* @tasks: the tasks of earlier answers */
static void
check_answer (Question *question,
              const DeyeBusManifest *manifest,
              const GPtrArray *entries,
              DeyeBusGatherAnswer *answer,
              GHashTable *tasks)
{
  const guint index = deye_bus_gather_answer_get_index (answer);
  const DeyeBusManifestEntry *entry = index < entries->len ? entries->pdata[index] : NULL;
  g_autoptr (GBytes) payload = deye_bus_gather_answer_dup_payload (answer);
  g_autofree char *text = g_strndup (g_bytes_get_data (payload, NULL), g_bytes_get_size (payload));
  char *task = task_of_answer (question, manifest, answer, text);

  if (entry == NULL || !is_answer (entry)
      || g_strcmp0 (deye_bus_manifest_entry_get_id (entry), deye_bus_gather_answer_get_id (answer)) != 0)
    question_blame (question, "the answer of %s has no entry %u that is answered",
                    deye_bus_gather_answer_get_id (answer), index);
  if (*task != '\0')
    chaos_ledger_write (question->owner->ledger, "final %s %d %s", task, DEYE_BUS_TASK_STATE_SUCCEEDED, text);
  if (!g_hash_table_add (tasks, task))
    question_blame (question, "two answers belong to one task");
}

static void
check_answers (Question *question, const DeyeBusManifest *manifest, const GPtrArray *entries, const GPtrArray *answers)
{
  g_autoptr (GHashTable) indices = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable) tasks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint expected = 0;

  for (guint i = 0; i < entries->len; i++)
    expected += is_answer (entries->pdata[i]) ? 1 : 0;
  if (answers->len != expected)
    question_blame (question, "%u answers, and %u entries are answered", answers->len, expected);
  for (guint i = 0; i < answers->len; i++)
    {
      check_answer (question, manifest, entries, answers->pdata[i], tasks);
      if (!g_hash_table_add (indices, GUINT_TO_POINTER (deye_bus_gather_answer_get_index (answers->pdata[i]))))
        question_blame (question, "two answers of entry %u", deye_bus_gather_answer_get_index (answers->pdata[i]));
    }
}

static DeyeBusGatherVerdict
verdict_of (const DeyeBusManifest *manifest)
{
  const guint expected = deye_bus_manifest_get_expected (manifest);
  const guint answers = deye_bus_manifest_get_count (manifest, DEYE_BUS_ANSWER_CLASS_ANSWERED)
                        + deye_bus_manifest_get_count (manifest, DEYE_BUS_ANSWER_CLASS_EMPTY);

  if (deye_bus_manifest_get_count (manifest, DEYE_BUS_ANSWER_CLASS_NEVER_ASKED) == expected)
    return DEYE_BUS_GATHER_VERDICT_NOBODY;
  if (answers == 0)
    return DEYE_BUS_GATHER_VERDICT_FAILED;
  return answers == expected && deye_bus_manifest_is_roster_sure (manifest) ? DEYE_BUS_GATHER_VERDICT_COMPLETE
                                                                            : DEYE_BUS_GATHER_VERDICT_PARTIAL;
}

static gboolean
is_met (const Question *question, const DeyeBusManifest *manifest)
{
  const guint answers = deye_bus_manifest_get_count (manifest, DEYE_BUS_ANSWER_CLASS_ANSWERED)
                        + deye_bus_manifest_get_count (manifest, DEYE_BUS_ANSWER_CLASS_EMPTY);

  if (question->require == REQUIRE_ALL)
    return verdict_of (manifest) == DEYE_BUS_GATHER_VERDICT_COMPLETE;
  return question->require == REQUIRE_ANY || answers >= question->n;
}

/* Takes ownership of @list and of its items. */
static GPtrArray *
array_of (GList *list, GDestroyNotify release)
{
  GPtrArray *array = g_ptr_array_new_with_free_func (release);

  for (const GList *link = list; link != NULL; link = link->next)
    g_ptr_array_add (array, link->data);
  g_list_free (list);
  return array;
}

static void
check_end (Question *question, DeyeBusGather *gather, const DeyeBusManifest *manifest)
{
  g_autoptr (GError) error = NULL;
  GList *whole = deye_bus_gather_get_answers (gather, &error);
  g_autoptr (GPtrArray) answers = array_of (error == NULL ? whole : deye_bus_gather_accept_partial (gather, NULL),
                                            (GDestroyNotify) deye_bus_gather_answer_unref);
  g_autoptr (GPtrArray) entries
      = array_of (deye_bus_manifest_list_entries (manifest), (GDestroyNotify) deye_bus_manifest_entry_unref);
  const DeyeBusGatherVerdict verdict = deye_bus_manifest_get_verdict (manifest);

  question->owner->verdicts[verdict]++;
  check_counts (question, manifest, entries);
  check_entries (question, entries);
  check_answers (question, manifest, entries, answers);
  if (verdict != verdict_of (manifest))
    question_blame (question, "verdict %d, not %d", verdict, verdict_of (manifest));
  if (deye_bus_manifest_is_met (manifest) != is_met (question, manifest))
    question_blame (question, "the requirement is %s", deye_bus_manifest_is_met (manifest) ? "met" : "not met");
  if ((error == NULL) != deye_bus_manifest_is_met (manifest)
      || (error != NULL && !g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_PARTIAL)))
    question_blame (question, "the answers: %s", error != NULL ? error->message : "no error");
}

/* A question may end without a manifest only if the agent has ended, or it was cancelled. */
static void
check_lost (Question *question, const GError *error)
{
  question->owner->lost++;
  if (question->agents == question->owner->agents && !g_cancellable_is_cancelled (question->cancellable))
    question_blame (question, "no manifest: %s", error != NULL ? error->message : "no error");
}

static void
question_free (gpointer data)
{
  g_object_unref (((Question *) data)->cancellable);
  g_free (data);
}

static void
on_gathered (GObject *source, GAsyncResult *result, gpointer data)
{
  Question *question = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusGather) gather = deye_bus_client_gather_finish (DEYE_BUS_CLIENT (source), result, &error);
  g_autoptr (DeyeBusManifest) manifest = gather != NULL ? deye_bus_gather_dup_manifest (gather) : NULL;

  if (manifest != NULL)
    check_end (question, gather, manifest);
  else
    check_lost (question, error);
  g_ptr_array_remove_fast (question->owner->open, question);
}

/* --- new questions --- */

static const char *
draw_payload (GRand *random)
{
  static const char *const payloads[] = {
    "10 done",       "50 done", "150 done", "20 done", "300 done",
    "10 retry done", "50 fail", "0 hang",   "0 deaf",  "20 die done",
  };

  return payloads[g_rand_int_range (random, 0, G_N_ELEMENTS (payloads))];
}

static void
set_mode (DeyeBusGatherSpec *spec, const Question *question)
{
  if (question->mode == ASK_ALL)
    deye_bus_gather_spec_ask_all (spec);
  else if (question->mode == ASK_SOME)
    deye_bus_gather_spec_ask_some (spec, question->n);
  else
    deye_bus_gather_spec_ask_shards (spec, question->n);
  if (question->require == REQUIRE_ALL)
    deye_bus_gather_spec_set_require_all (spec);
  else if (question->require == REQUIRE_AT_LEAST)
    deye_bus_gather_spec_set_require_at_least (spec, question->n);
  else
    deye_bus_gather_spec_set_require_any (spec);
}

static void
questions_ask (ChaosQuestions *self, gint64 now_us)
{
  static const char *const operations[] = { "scan", "quiet", "harm" };
  Question *question = g_new0 (Question, 1);
  const char *operation = operations[g_rand_int_range (self->random, 0, G_N_ELEMENTS (operations))];
  const char *text = draw_payload (self->random);
  g_autoptr (DeyeBusGatherSpec) spec = deye_bus_gather_spec_new (operation);
  g_autoptr (GBytes) payload = g_bytes_new_static (text, strlen (text));

  question->owner = self;
  question->number = self->asked++;
  question->mode = (Mode) g_rand_int_range (self->random, 0, N_MODES);
  question->require = (Require) g_rand_int_range (self->random, 0, N_REQUIRES);
  question->n = (guint) g_rand_int_range (self->random, 1, CHAOS_COLLECTORS + 1);
  question->agents = self->agents;
  question->cancellable = g_cancellable_new ();
  if (g_rand_int_range (self->random, 0, 10) == 0)
    question->cancel_at_us = now_us + g_rand_int_range (self->random, 0, 400) * G_TIME_SPAN_MILLISECOND;
  set_mode (spec, question);
  deye_bus_gather_spec_set_payload (spec, payload, NULL);
  deye_bus_gather_spec_set_timeout (spec, TIMEOUT_US);
  g_ptr_array_add (self->open, question);
  deye_bus_client_gather_async (self->client, spec, question->cancellable, on_gathered, question);
}

void
chaos_questions_turn (ChaosQuestions *self, gboolean asks)
{
  const gint64 now_us = g_get_monotonic_time ();

  for (guint i = 0; i < self->open->len; i++)
    {
      Question *question = self->open->pdata[i];

      if (question->cancel_at_us != 0 && question->cancel_at_us <= now_us)
        g_cancellable_cancel (question->cancellable);
    }
  while (asks && self->open->len < AT_ONCE && deye_bus_client_get_state (self->client) == DEYE_BUS_CLIENT_STATE_READY)
    questions_ask (self, now_us);
}

ChaosQuestions *
chaos_questions_new (const char *address, ChaosLedger *ledger, guint32 seed)
{
  ChaosQuestions *self = g_new0 (ChaosQuestions, 1);

  self->ledger = ledger;
  self->random = g_rand_new_with_seed_array ((guint32[]){ seed, 99 }, 2);
  self->open = g_ptr_array_new_with_free_func (question_free);
  self->faults = g_ptr_array_new_with_free_func (g_free);
  self->client = deye_bus_client_new_tool (address, "asker");
  deye_bus_client_connect_async (self->client, NULL, NULL, NULL);
  return self;
}

void
chaos_questions_close (ChaosQuestions *self)
{
  deye_bus_client_close (self->client, NULL, NULL);
}

void
chaos_questions_free (ChaosQuestions *self)
{
  g_object_unref (self->client);
  g_ptr_array_unref (self->open);
  g_ptr_array_unref (self->faults);
  g_rand_free (self->random);
  g_free (self);
}

void
chaos_questions_note_end_of_agent (ChaosQuestions *self)
{
  self->agents++;
}

guint
chaos_questions_open (const ChaosQuestions *self)
{
  return self->open->len;
}

char *
chaos_questions_describe (const ChaosQuestions *self)
{
  return g_strdup_printf (
      "%u asked: %u complete, %u partial, %u nobody, %u failed, %u without a manifest", self->asked,
      self->verdicts[DEYE_BUS_GATHER_VERDICT_COMPLETE], self->verdicts[DEYE_BUS_GATHER_VERDICT_PARTIAL],
      self->verdicts[DEYE_BUS_GATHER_VERDICT_NOBODY], self->verdicts[DEYE_BUS_GATHER_VERDICT_FAILED], self->lost);
}

const GPtrArray *
chaos_questions_faults (const ChaosQuestions *self)
{
  return self->faults;
}

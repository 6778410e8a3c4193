/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-collector-private.h"

#include "deye-bus-message-private.h"

/*
 * The state of a collector that survives the end of a connection and of a broker: works that run, and results that are not
 * confirmed.
 *
 * A result is kept until the broker confirms that the submitter has it. With each registration the collector sends a claim for
 * each work and each result. The broker accepts a claim with Execute{adopt}, which gives it a new lease, or rejects (fences)
 * it. A handler does not notice that its work was adopted; a fenced work is cancelled.
 *
 * The broker does not confirm answers to a question to many collectors, because the asker needs no result after the question.
 * The answer for a shard is kept until the deadline of the question, and other answers are not kept.
 *
 * Invariant: an attempt is in the list of runs or in that of results, never in both.
 */

#define KEPT_BYTES  (4u << 20)
#define KEPT_US     (300 * G_TIME_SPAN_SECOND)
#define CLAIMS_MAX  1024u
#define ENTRY_BYTES 256u /* of a result without its payload and texts */

/* One block, with its link, because most results are kept until they are old: the block is then no longer in the cache. */
typedef struct
{
  GList link; /* in DeyeBusCollector.kept */
  guint32 attempt;
  DeyeBusToken token; /* of the newest lease */
  DeyeBusOutcome *outcome;
  guint64 origin; /* session and route on which the result was last sent */
  guint64 route;  /* 0: the result was not sent */
  gint64 until_us;
  gsize size;
  char task_id[];
} KeptResult;

static void
kept_free (gpointer data)
{
  KeptResult *kept = data;

  deye_bus_outcome_free (kept->outcome);
  g_free (kept);
}

/* --- the results --- */

/* A collector that stops waits for results that were not sent: lets its timer check whether that wait is over. */
static void
kept_wake_stop (DeyeBusCollector *self)
{
  if (self->is_stopping)
    deye_bus_collector_arm (self, 0);
}

static void
kept_remove (DeyeBusCollector *self, GList *link)
{
  KeptResult *kept = link->data;

  self->kept_bytes -= kept->size;
  g_queue_unlink (&self->kept, link);
  kept_free (kept);
  kept_wake_stop (self);
}

void
deye_bus_collector_forget_kept (DeyeBusCollector *self)
{
  while (self->kept.head != NULL)
    kept_remove (self, self->kept.head);
}

static gsize
kept_size (const DeyeBusOutcome *outcome)
{
  gsize payload = outcome->payload != NULL ? g_bytes_get_size (outcome->payload) : 0;

  return ENTRY_BYTES + payload + strlen (outcome->payload_type) + strlen (outcome->error_name)
         + strlen (outcome->error_text);
}

/* The time at which @run's result is forgotten, even if it was not confirmed. */
static gint64
kept_until_us (const DeyeBusRun *run)
{
  const gint64 until_us = g_get_monotonic_time () + KEPT_US;

  return deye_bus_run_task_is_question (&run->task) ? MIN (until_us, run->task.due_us) : until_us;
}

/* Adds a result behind all that are forgotten earlier. Usually this is the end of the list: only shards have another time. */
static void
kept_insert (DeyeBusCollector *self, KeptResult *kept)
{
  GList *later = NULL;

  if (self->kept.tail != NULL && ((const KeptResult *) self->kept.tail->data)->until_us > kept->until_us)
    for (later = self->kept.head; ((const KeptResult *) later->data)->until_us <= kept->until_us;)
      later = later->next;
  g_queue_insert_before_link (&self->kept, later, &kept->link);
  self->kept_bytes += kept->size;
}

/* Beyond KEPT_BYTES the first result of the list is forgotten, even if its submitter does not have it. If the broker loses the
 * result as well, because it is restarted, the task is attempted again. */
void
deye_bus_collector_keep (DeyeBusCollector *self, const DeyeBusRun *run, DeyeBusOutcome *outcome, gboolean is_sent)
{
  const WireSpan task_id = wire_span_str (run->task.task_id);
  KeptResult *kept = g_malloc (sizeof *kept + task_id.len + 1);

  *kept = (KeptResult){ .link = { .data = kept },
                        .attempt = run->task.attempt,
                        .token = run->token,
                        .outcome = outcome,
                        .origin = run->request->origin,
                        .route = is_sent ? run->request->route_id : 0,
                        .until_us = kept_until_us (run),
                        .size = kept_size (outcome) };
  memcpy (kept->task_id, task_id.data, task_id.len + 1);
  kept_insert (self, kept);
  deye_bus_collector_arm (self, kept->until_us);
  while (self->kept_bytes > KEPT_BYTES)
    kept_remove (self, self->kept.head);
}

gint64
deye_bus_collector_step_kept (DeyeBusCollector *self, gint64 now_us)
{
  while (self->kept.head != NULL && ((const KeptResult *) self->kept.head->data)->until_us <= now_us)
    kept_remove (self, self->kept.head);
  return self->kept.head != NULL ? ((const KeptResult *) self->kept.head->data)->until_us : G_MAXINT64;
}

void
deye_bus_collector_forget_delivered (DeyeBusCollector *self, guint64 origin, guint64 route)
{
  for (GList *link = self->kept.head; link != NULL; link = link->next)
    {
      const KeptResult *kept = link->data;

      if (kept->origin == origin && kept->route == route)
        {
          kept_remove (self, link);
          return;
        }
    }
}

gboolean
deye_bus_collector_has_unsent (const DeyeBusCollector *self)
{
  for (const GList *link = self->kept.head; link != NULL; link = link->next)
    if (((const KeptResult *) link->data)->route == 0)
      return TRUE;
  return FALSE;
}

/* --- claims --- */

static void
claims_fill (TaskClaim *claim, const char *task_id, guint32 attempt, const DeyeBusToken *token)
{
  daemoneye__eventbus__v1__task_claim__init (claim);
  claim->task_id = (char *) (gsize) task_id; /* protobuf-c does not write to it */
  claim->attempt = attempt;
  claim->token = (ProtobufCBinaryData){ token->len, (guint8 *) (gsize) token->bytes };
}

/* Works that run are always claimed: if one were left out, the broker would give its task to another collector, and the work would
 * be done twice. The slots limit their number. Results take the rest of CLAIMS_MAX, the last of the list first, because those
 * before it are forgotten sooner anyway. A result that is not claimed stays here, and the next registration may claim it. */
void
deye_bus_collector_list_claims (DeyeBusCollector *self, DeyeBusClaims *claims)
{
  guint n_kept = MIN (self->kept.length, CLAIMS_MAX - MIN (self->runs->len, CLAIMS_MAX));
  const GList *link = self->kept.tail;

  claims->n_running = self->runs->len;
  claims->n_finished = n_kept;
  claims->all = g_new (TaskClaim, claims->n_running + n_kept + 1);
  claims->list = g_new (TaskClaim *, claims->n_running + n_kept + 1);
  for (guint i = 0; i < claims->n_running + n_kept; i++)
    claims->list[i] = &claims->all[i];
  for (guint i = 0; i < self->runs->len; i++)
    {
      const DeyeBusRun *run = self->runs->pdata[i];

      claims_fill (&claims->all[i], run->task.task_id, run->task.attempt, &run->token);
    }
  for (guint i = 0; i < n_kept; i++, link = link->prev)
    {
      const KeptResult *kept = link->data;
      TaskClaim *claim = &claims->all[claims->n_running + i];

      claims_fill (claim, kept->task_id, kept->attempt, &kept->token);
      claim->length = kept->outcome->payload != NULL ? g_bytes_get_size (kept->outcome->payload) : 0;
    }
}

void
deye_bus_claims_clear (DeyeBusClaims *claims)
{
  g_free (claims->list);
  g_free (claims->all);
}

/* --- fenced --- */

static gboolean
claims_match (const TaskClaim *claim, const char *task_id, guint32 attempt, const DeyeBusToken *token)
{
  return claim->attempt == attempt && g_str_equal (claim->task_id, task_id)
         && wire_span_equal (wire_span (claim->token.data, claim->token.len), deye_bus_token_span (token));
}

static void
claims_fence_run (DeyeBusCollector *self, const TaskClaim *claim)
{
  for (guint i = 0; i < self->runs->len; i++)
    {
      g_autoptr (DeyeBusRun) run = deye_bus_run_ref (self->runs->pdata[i]);

      if (claims_match (claim, run->task.task_id, run->task.attempt, &run->token))
        {
          deye_bus_run_cancel (run, DEYE_BUS_CANCEL_SUPERSEDED);
          return;
        }
    }
}

static void
claims_fence_kept (DeyeBusCollector *self, const TaskClaim *claim)
{
  for (GList *link = self->kept.head; link != NULL; link = link->next)
    {
      const KeptResult *kept = link->data;

      if (claims_match (claim, kept->task_id, kept->attempt, &kept->token))
        {
          kept_remove (self, link);
          return;
        }
    }
}

void
deye_bus_collector_fence (DeyeBusCollector *self, TaskClaim *const *fenced, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      claims_fence_kept (self, fenced[i]);
      claims_fence_run (self, fenced[i]);
    }
}

/* --- adopted --- */

/* TRUE if @execute adopts the attempt of these arguments. A broker that does not send the token of the claim means the only
 * claim with this id and attempt. */
static gboolean
claims_is_meant (const DeyeBusExecute *execute, const char *task_id, guint32 attempt, const DeyeBusToken *token)
{
  return execute->attempt == attempt && wire_span_equal (execute->task_id, wire_span_str (task_id))
         && (execute->claimed.len == 0 || wire_span_equal (execute->claimed, deye_bus_token_span (token)));
}

DeyeBusRun *
deye_bus_collector_find_run (DeyeBusCollector *self, const DeyeBusExecute *execute)
{
  for (guint i = 0; i < self->runs->len; i++)
    {
      DeyeBusRun *run = self->runs->pdata[i];

      if (claims_is_meant (execute, run->task.task_id, run->task.attempt, &run->token))
        return run;
    }
  return NULL;
}

const DeyeBusOutcome *
deye_bus_collector_adopt_kept (DeyeBusCollector *self, const DeyeBusExecute *execute, const DeyeBusMessage *request)
{
  for (GList *link = self->kept.head; link != NULL; link = link->next)
    {
      KeptResult *kept = link->data;

      if (!claims_is_meant (execute, kept->task_id, kept->attempt, &kept->token))
        continue;
      deye_bus_token_set (&kept->token, execute->token);
      kept->origin = request->origin;
      kept->route = request->route_id;
      kept_wake_stop (self);
      return kept->outcome;
    }
  return NULL;
}

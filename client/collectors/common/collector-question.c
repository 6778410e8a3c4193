/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-question.h"

#include "collector-reply.h"
#include "collector-timer.h"
#include "deye-bus-pack.h"

#define REPLY_REST 32u /* room for the counts of an answer, beside its records */
#define RESULT_REST                                                                                                    \
  ((16u << 10) + 64u) /* not usable of the largest payload: the reserve of deye_bus_work_succeed(), and the counts */

/* The packed answer; NULL with @refusal: there is none. */
static GBytes *
question_pack (const CollectorQuestion *question, gpointer answer, CollectorRefusal *refusal)
{
  return question->check == NULL || question->check (answer, refusal) ? question->pack (answer) : NULL;
}

/* --- the method --- */

typedef struct
{
  const CollectorQuestion *question;
  gpointer data;
} QuestionMethod;

static void
question_answer_call (DeyeBusClient *client, DeyeBusMessage *request, const QuestionMethod *method, gconstpointer query)
{
  const CollectorQuestion *question = method->question;
  CollectorRefusal refusal = { NULL, NULL, FALSE };
  gpointer answer = question->begin (query, collector_reply_room (client, REPLY_REST), &refusal, method->data);
  g_autoptr (GBytes) packed = NULL;
  guint done, total;

  if (answer == NULL)
    {
      collector_reply_error (client, request, refusal.name, refusal.text);
      return;
    }
  while (question->step != NULL && question->step (answer, G_MAXUINT, &done, &total))
    ;
  packed = question_pack (question, answer, &refusal);
  question->free (answer);
  if (packed != NULL)
    collector_reply (client, request, packed, NULL);
  else
    collector_reply_error (client, request, refusal.name, refusal.text);
}

static void
question_on_call (DeyeBusClient *client, DeyeBusMessage *request, gpointer data)
{
  const QuestionMethod *method = data;
  g_autoptr (WireGuard) query = deye_bus_unpack (method->question->query_type, request);
  g_autofree char *text = NULL;

  if (query != NULL)
    {
      question_answer_call (client, request, method, wire_guard_message (query));
      return;
    }
  text = g_strconcat ("the payload is not a ", method->question->query_type->name, NULL);
  collector_reply_error (client, request, "BadRequest", text);
}

void
collector_question_add_method (const CollectorQuestion *question, DeyeBusService *service, gpointer data)
{
  QuestionMethod *method = g_new (QuestionMethod, 1);

  *method = (QuestionMethod){ question, data };
  deye_bus_service_add_method (service, question->method, question->query_type->name, question->answer_type,
                               question->text, question_on_call, method, g_free);
}

/* --- tasks --- */

struct CollectorTasks
{
  const CollectorQuestion *question;
  gpointer data;
  guint step;
  guint pace_ms;
  GPtrArray *runs; /* of QuestionRun */
};

/* One task. */
typedef struct
{
  CollectorTasks *tasks; /* borrowed: it owns the run */
  DeyeBusWork *work;
  WireGuard *query;
  gpointer answer;
  GSource *next; /* NULL: none */
} QuestionRun;

static void
question_run_free (gpointer data)
{
  QuestionRun *run = data;

  collector_timer_clear (&run->next);
  if (run->answer != NULL)
    run->tasks->question->free (run->answer);
  g_clear_pointer (&run->query, wire_guard_free);
  g_object_unref (run->work);
  g_free (run);
}

void
collector_tasks_free (CollectorTasks *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->runs);
  g_free (self);
}

static void
question_refuse_work (DeyeBusWork *work, const CollectorRefusal *refusal)
{
  if (refusal->later)
    deye_bus_work_retry (work, refusal->text, 0, NULL);
  else
    deye_bus_work_fail (work, refusal->name, refusal->text, NULL);
}

/* Only a limit of the broker that leaves no room for one record makes a result too large. */
static void
question_run_end (QuestionRun *run)
{
  const CollectorQuestion *question = run->tasks->question;
  CollectorRefusal refusal = { NULL, NULL, FALSE };
  g_autoptr (GBytes) result = question_pack (question, run->answer, &refusal);
  g_autoptr (GError) error = NULL;

  if (result == NULL)
    {
      question_refuse_work (run->work, &refusal);
      return;
    }
  if (question->set_extent != NULL)
    question->set_extent (run->answer, run->work);
  if (!deye_bus_work_succeed (run->work, result, question->answer_type, &error))
    deye_bus_work_fail (run->work, "ResultTooLarge", error->message, NULL);
}

static void question_run_schedule (QuestionRun *run);

static gboolean
question_run_on_step (gpointer data)
{
  QuestionRun *run = data;
  CollectorTasks *tasks = run->tasks;
  guint done = 1, total = 1;
  gboolean more = tasks->question->step != NULL && tasks->question->step (run->answer, tasks->step, &done, &total);

  collector_timer_clear (&run->next);
  if (!deye_bus_work_progress (run->work, done, total, NULL, NULL, NULL))
    deye_bus_work_acknowledge_cancel (run->work, NULL);
  else if (more)
    {
      question_run_schedule (run);
      return G_SOURCE_REMOVE;
    }
  else
    question_run_end (run);
  g_ptr_array_remove_fast (tasks->runs, run);
  return G_SOURCE_REMOVE;
}

/* The step is a timer, not an idle source: an idle source never runs if another timer of the program takes as long as its
 * interval. */
static void
question_run_schedule (QuestionRun *run)
{
  run->next = collector_timer_new (run->tasks->pace_ms, question_run_on_step, run);
}

static void
question_begin_work (CollectorTasks *self, DeyeBusWork *work, WireGuard *query, gsize room)
{
  CollectorRefusal refusal = { NULL, NULL, FALSE };
  QuestionRun *run = g_new (QuestionRun, 1);

  *run = (QuestionRun){ self, g_object_ref (work), query, NULL, NULL };
  run->answer = self->question->begin (wire_guard_message (query), room, &refusal, self->data);
  if (run->answer == NULL)
    {
      question_refuse_work (work, &refusal);
      question_run_free (run);
      return;
    }
  if (deye_bus_work_get_shards (work) > 0 && self->question->set_part != NULL)
    self->question->set_part (run->answer, deye_bus_work_get_shard (work), deye_bus_work_get_shards (work));
  g_ptr_array_add (self->runs, run);
  question_run_schedule (run);
}

static void
question_on_work (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  CollectorTasks *self = data;
  gsize room = collector_reply_room (deye_bus_collector_get_client (collector), RESULT_REST);
  gsize len;
  gconstpointer payload = g_bytes_get_data (deye_bus_work_get_payload (work), &len);
  WireGuard *query = wire_guard_unpack_lenient (self->question->query_type, wire_span (payload, len), 0, NULL);
  g_autofree char *text = NULL;

  if (query != NULL)
    {
      question_begin_work (self, work, query, room);
      return;
    }
  text = g_strconcat ("the payload is not a ", self->question->query_type->name, NULL);
  deye_bus_work_fail (work, "BadRequest", text, NULL);
}

CollectorTasks *
collector_tasks_new (const CollectorQuestion *question,
                     DeyeBusCollector *collector,
                     guint step,
                     guint pace_ms,
                     gpointer data,
                     GError **error)
{
  g_autoptr (CollectorTasks) self = g_new (CollectorTasks, 1);

  *self = (CollectorTasks){ question, data, step, pace_ms, g_ptr_array_new_with_free_func (question_run_free) };
  if (!deye_bus_collector_add_operation (collector, question->operation, question->query_type->name,
                                         DEYE_BUS_OPERATION_IDEMPOTENT, question_on_work, self, NULL, error))
    return NULL;
  return g_steal_pointer (&self);
}

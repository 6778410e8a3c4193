/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-script.h"

typedef Daemoneye__Eventbus__V1__SubmitRequest SubmitRequest;
typedef Daemoneye__Eventbus__V1__TaskIdsRequest TaskIdsRequest;
typedef Daemoneye__Eventbus__V1__TaskSpec TaskSpec;
typedef Daemoneye__Eventbus__V1__SubmitVerdict Verdict;

void
tasks_script_allow (DeyeBusClient *client)
{
  client->features |= WIRE_FEATURE_TASKS;
}

/* --- from the client --- */

static gboolean
is_method (const ScriptFrame *frame, const char *method)
{
  return frame->kind == WIRE_KIND_REQUEST && wire_span_equal (frame->envelope.method, wire_span_str (method));
}

const ScriptFrame *
tasks_script_find (GPtrArray *frames, const char *method)
{
  for (guint i = 0; i < frames->len; i++)
    if (is_method (frames->pdata[i], method))
      return frames->pdata[i];
  return NULL;
}

guint
tasks_script_count (GPtrArray *frames, const char *method)
{
  guint n = 0;

  for (guint i = 0; i < frames->len; i++)
    n += is_method (frames->pdata[i], method) ? 1 : 0;
  return n;
}

static WireGuard *
unpack (const ScriptFrame *request, const ProtobufCMessageDescriptor *type)
{
  WireGuard *guard = wire_guard_unpack (type, request->envelope.payload, 0, NULL);

  g_assert_nonnull (guard);
  g_assert_true (wire_span_equal (request->envelope.type_name, wire_span_str (type->name)));
  return guard;
}

/* Returns the ids in a request. (element-type utf8) */
static GPtrArray *
ids_of (const ScriptFrame *request)
{
  GPtrArray *ids = g_ptr_array_new_with_free_func (g_free);

  if (is_method (request, "Submit"))
    {
      g_autoptr (WireGuard) guard = unpack (request, &daemoneye__eventbus__v1__submit_request__descriptor);
      const SubmitRequest *submit = wire_guard_message (guard);

      g_assert_true (wire_span_equal (request->envelope.topic, WIRE_SPAN_LITERAL ("control.collector.task")));
      for (gsize i = 0; i < submit->n_tasks; i++)
        g_ptr_array_add (ids, g_strdup (submit->tasks[i]->id));
    }
  else
    {
      g_autoptr (WireGuard) guard = unpack (request, &daemoneye__eventbus__v1__task_ids_request__descriptor);
      const TaskIdsRequest *message = wire_guard_message (guard);

      g_assert_true (wire_span_equal (request->envelope.topic, WIRE_SPAN_LITERAL ("control.bus.task")));
      for (gsize i = 0; i < message->n_ids; i++)
        g_ptr_array_add (ids, g_strdup (message->ids[i]));
    }
  return ids;
}

char *
tasks_script_ids (const ScriptFrame *request)
{
  g_autoptr (GPtrArray) ids = ids_of (request);

  g_ptr_array_add (ids, NULL);
  return g_strjoinv (" ", (char **) ids->pdata);
}

char *
tasks_script_repetitions (const ScriptFrame *request)
{
  g_autoptr (WireGuard) guard = unpack (request, &daemoneye__eventbus__v1__submit_request__descriptor);
  const SubmitRequest *submit = wire_guard_message (guard);
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < submit->n_tasks; i++)
    {
      const TaskSpec *task = submit->tasks[i];

      g_string_append_printf (text, "%s%s%s", i > 0 ? " " : "", task->id, task->resubmit ? "+" : "");
      if (task->last_holder[0] != '\0')
        g_string_append_printf (text, "%s/%u", task->last_holder, task->last_attempt);
    }
  return g_string_free (text, FALSE);
}

/* --- from the broker --- */

static void
reply (GByteArray *out, guint64 answers, guint8 flags, const ProtobufCMessage *message)
{
  g_autofree guint8 *bytes = g_malloc (protobuf_c_message_get_packed_size (message) + 1);
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.answers = answers;
  envelope.sender = wire_span_str ("bus");
  envelope.type_name = wire_span_str (message->descriptor->name);
  envelope.payload = wire_span (bytes, protobuf_c_message_pack (message, bytes));
  script_frame (out, WIRE_KIND_REPLY, flags, &envelope);
}

static char *
text_of (const char *text)
{
  return (char *) (guintptr) (text != NULL ? text : "");
}

static void
fill_verdict (Verdict *message, char *id, const ScriptVerdict *verdict)
{
  daemoneye__eventbus__v1__submit_verdict__init (message);
  message->id = id;
  message->status = verdict->status;
  message->state = (Daemoneye__Eventbus__V1__TaskState) verdict->state;
  message->reason = (Daemoneye__Eventbus__V1__WaitReason) verdict->reason;
  message->detail = text_of (verdict->detail);
  message->setting = text_of (verdict->setting);
  message->value = verdict->value;
}

/* The answers of all methods have the same form. */
static void
answer (GByteArray *out, guint64 request, GPtrArray *ids, guint n, const ScriptVerdict *verdict)
{
  Daemoneye__Eventbus__V1__SubmitReply message = DAEMONEYE__EVENTBUS__V1__SUBMIT_REPLY__INIT;
  g_autofree Verdict *verdicts = g_new0 (Verdict, n + 1);
  g_autofree Verdict **list = g_new0 (Verdict *, n + 1);

  for (guint i = 0; i < n; i++)
    {
      fill_verdict (&verdicts[i], ids->pdata[i], verdict);
      list[i] = &verdicts[i];
    }
  message.verdicts = list;
  message.n_verdicts = n;
  reply (out, request, WIRE_FLAG_FINAL, &message.base);
}

void
tasks_script_answer (GByteArray *out, const ScriptFrame *request, guint n, const ScriptVerdict *verdict)
{
  g_autoptr (GPtrArray) ids = ids_of (request);

  g_assert_cmpuint (n, <=, ids->len);
  answer (out, request->envelope.id, ids, n, verdict);
}

void
tasks_script_accept (GByteArray *out, const ScriptFrame *request)
{
  const ScriptVerdict accepted = { .state = DEYE_BUS_TASK_STATE_QUEUED };
  g_autoptr (GPtrArray) ids = ids_of (request);

  answer (out, request->envelope.id, ids, ids->len, &accepted);
}

void
tasks_script_accept_early (GByteArray *out, guint64 request, const char *id)
{
  const ScriptVerdict accepted = { .state = DEYE_BUS_TASK_STATE_QUEUED };
  g_autoptr (GPtrArray) ids = g_ptr_array_new ();

  g_ptr_array_add (ids, text_of (id));
  answer (out, request, ids, 1, &accepted);
}

typedef struct
{
  Daemoneye__Eventbus__V1__TaskRecord record;
  Daemoneye__Eventbus__V1__Progress progress;
  Daemoneye__Eventbus__V1__Outcome outcome;
} Record;

static void
fill_outcome (Record *r, const ScriptPush *push)
{
  daemoneye__eventbus__v1__outcome__init (&r->outcome);
  if (push->result != NULL)
    r->outcome.payload = (ProtobufCBinaryData){ strlen (push->result), (guint8 *) (guintptr) push->result };
  r->outcome.payload_type = text_of (push->result_type);
  r->outcome.error_name = text_of (push->error_name);
  r->outcome.error_text = text_of (push->error_text);
  r->record.outcome = &r->outcome;
}

static void
fill_record (Record *r, const ScriptPush *push)
{
  daemoneye__eventbus__v1__task_record__init (&r->record);
  r->record.id = text_of (push->id);
  r->record.operation = text_of ("scan");
  r->record.state = (Daemoneye__Eventbus__V1__TaskState) push->state;
  r->record.reason = (Daemoneye__Eventbus__V1__WaitReason) push->reason;
  r->record.cause = text_of (push->cause);
  r->record.holder = text_of (push->holder);
  r->record.attempt = push->attempt;
  r->record.late = push->late;
  r->record.unconfirmed = push->unconfirmed;
  r->record.payload_dropped = push->dropped;
  if (push->result != NULL || push->error_name != NULL || push->error_text != NULL)
    fill_outcome (r, push);
  if (push->doing == NULL)
    return;
  daemoneye__eventbus__v1__progress__init (&r->progress);
  r->progress.text = text_of (push->doing);
  r->progress.done = push->done;
  r->progress.total = push->total;
  r->record.progress = &r->progress;
}

void
tasks_script_push (GByteArray *out, guint64 await, const ScriptPush *push)
{
  Daemoneye__Eventbus__V1__TaskPush message = DAEMONEYE__EVENTBUS__V1__TASK_PUSH__INIT;
  Record record;

  fill_record (&record, push);
  message.task = &record.record;
  message.skipped = push->skipped;
  reply (out, await, WIRE_FLAG_PROGRESS, &message.base);
}

void
tasks_script_result (GByteArray *out, guint64 request, const ScriptPush *push)
{
  Daemoneye__Eventbus__V1__TaskReply message = DAEMONEYE__EVENTBUS__V1__TASK_REPLY__INIT;
  Record record;

  fill_record (&record, push);
  message.task = &record.record;
  reply (out, request, WIRE_FLAG_FINAL, &message.base);
}

void
tasks_script_push_bytes (GByteArray *out, guint64 await, const char *bytes)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.answers = await;
  envelope.sender = wire_span_str ("bus");
  envelope.payload = wire_span_str (bytes);
  script_frame (out, WIRE_KIND_REPLY, WIRE_FLAG_PROGRESS, &envelope);
}

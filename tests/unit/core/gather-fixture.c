/* SPDX-License-Identifier: Apache-2.0 */
#include "gather-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "wire-feature.h"

void
gathers_setup (Core *core, gconstpointer limits_or_null)
{
  tasks_setup (core, limits_or_null);
  tasks_advance (core, (gint64) core->core->limits.task_recovery_us);
}

/* --- questions --- */

void
gather_fill (GatherRequest *request)
{
  static char operation[] = "scan";

  daemoneye__eventbus__v1__gather_request__init (request);
  request->operation = operation;
  request->payload = (ProtobufCBinaryData){ 4, (guint8 *) (gsize) "work" };
  request->mode = DAEMONEYE__EVENTBUS__V1__GATHER_MODE__GATHER_ALL;
  request->require = DAEMONEYE__EVENTBUS__V1__GATHER_REQUIRE__GATHER_REQUIRE_ALL;
}

static guint64
send_method (Client *asker, const char *topic, const char *method, const ProtobufCMessage *request, gint64 deadline_us)
{
  g_autofree guint8 *payload = g_malloc (protobuf_c_message_get_packed_size (request) + 1);
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.method = wire_span_str (method);
  envelope.deadline_us = (guint64) deadline_us;
  envelope.payload = wire_span (payload, protobuf_c_message_pack (request, payload));
  return client_send (asker, WIRE_KIND_REQUEST, 0, &envelope);
}

guint64
gather_send (Client *asker, const GatherRequest *request, gint64 deadline_us)
{
  asker->peer->features |= WIRE_FEATURE_TASKS | WIRE_FEATURE_STREAM;
  return send_method (asker, "control.bus.gather", "Gather", &request->base, deadline_us);
}

guint64
gather_all (Client *asker)
{
  GatherRequest request;

  gather_fill (&request);
  return gather_send (asker, &request, 0);
}

void
gather_cancel (Client *asker, guint64 id)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.id = id;
  client_send (asker, WIRE_KIND_CANCEL, 0, &envelope);
}

void
gather_expect (Client *asker, const char *const *ids)
{
  Daemoneye__Eventbus__V1__BarrierRequest request = DAEMONEYE__EVENTBUS__V1__BARRIER_REQUEST__INIT;
  g_autoptr (Got) reply = NULL;

  asker->peer->features |= WIRE_FEATURE_TASKS;
  request.expected = (char **) (gsize) ids;
  request.n_expected = g_strv_length ((char **) (gsize) ids);
  gather_cancel (asker, send_method (asker, "control.bus.collectors", "Barrier", &request.base, 0));
  core_flush (asker->core);
  reply = client_take (asker, WIRE_KIND_REPLY); /* of a question that was met at once */
}

/* --- received answers --- */

void
account_free (Account *account)
{
  g_string_free (account->answers, TRUE);
  if (account->manifest != NULL)
    daemoneye__eventbus__v1__manifest__free_unpacked (account->manifest, NULL);
  g_free (account);
}

static void
take_answer (Account *account, const Got *got)
{
  Daemoneye__Eventbus__V1__GatherAnswer *answer
      = daemoneye__eventbus__v1__gather_answer__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);

  g_assert_nonnull (answer);
  g_assert_nonnull (answer->outcome);
  g_assert_cmpuint (answer->outcome->token.len, ==, 0);
  g_assert_cmpint (answer->outcome->kind, ==, DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED);
  g_string_append_printf (account->answers, "%s%s=%.*s", account->answers->len > 0 ? " " : "", answer->id,
                          (int) MIN (answer->outcome->payload.len, 16), (const char *) answer->outcome->payload.data);
  daemoneye__eventbus__v1__gather_answer__free_unpacked (answer, NULL);
}

static void
take_manifest (Account *account, const Got *got)
{
  const char *problem;

  account->manifest
      = daemoneye__eventbus__v1__manifest__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  account->status = got->envelope.status;
  g_assert_nonnull (account->manifest);
  problem = manifest_problem (account->manifest, account->is_one_each);
  g_assert_cmpstr (problem, ==, NULL);
  g_assert_cmpuint (account->status, ==, account->manifest->is_met ? WIRE_STATUS_OK : WIRE_STATUS_PARTIAL);
}

/* The mode is not in the manifest: a member with a shard number, or two with one id of which one has a number, are shards. */
static gboolean
is_of_shards (const Got *got)
{
  Manifest *manifest
      = daemoneye__eventbus__v1__manifest__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  gboolean is_shards = FALSE;

  for (gsize i = 0; i < manifest->n_members; i++)
    is_shards |= manifest->members[i]->shard > 0;
  daemoneye__eventbus__v1__manifest__free_unpacked (manifest, NULL);
  return is_shards;
}

static GList *
find_reply (Client *asker, guint64 id)
{
  for (GList *link = asker->got.head; link != NULL; link = link->next)
    {
      const Got *got = link->data;

      if (got->kind == WIRE_KIND_REPLY && got->envelope.answers == id)
        return link;
    }
  return NULL;
}

Account *
gather_take (Client *asker, guint64 id)
{
  Account *account = g_new0 (Account, 1);
  GList *link;

  account->answers = g_string_new (NULL);
  core_flush (asker->core);
  while ((link = find_reply (asker, id)) != NULL)
    {
      g_autoptr (Got) got = link->data;

      g_queue_delete_link (&asker->got, link);
      g_assert_null (account->manifest); /* nothing follows it */
      if (got->flags & WIRE_FLAG_FINAL)
        {
          account->is_one_each = !is_of_shards (got);
          take_manifest (account, got);
        }
      else
        take_answer (account, got);
    }
  return account;
}

const ManifestMember *
account_member (const Account *account, const char *id)
{
  g_assert_nonnull (account->manifest);
  for (gsize i = 0; i < account->manifest->n_members; i++)
    if (g_str_equal (account->manifest->members[i]->id, id))
      return account->manifest->members[i];
  g_assert_not_reached ();
}

/* --- workers --- */

Job *
gather_run (Client *worker)
{
  Job *job;

  core_flush (worker->core);
  job = worker_take (worker);
  g_assert_nonnull (job);
  g_assert_true (g_str_has_prefix (job->execute->task_id, "gather."));
  worker_start (worker, job);
  return job;
}

void
gather_begin (Client *worker)
{
  job_free (gather_run (worker));
}

void
gather_finish (Client *worker, const Job *job, guint kind, const char *payload, const Extent *extent)
{
  Daemoneye__Eventbus__V1__Outcome outcome = DAEMONEYE__EVENTBUS__V1__OUTCOME__INIT;
  g_autofree guint8 *bytes = NULL;
  WireEnvelope envelope;

  outcome.token = job->execute->token;
  outcome.kind = (Daemoneye__Eventbus__V1__OutcomeKind) kind;
  outcome.payload.data = (guint8 *) (gsize) payload;
  outcome.payload.len = strlen (payload);
  outcome.extent = (Extent *) (gsize) extent;
  bytes = g_malloc (daemoneye__eventbus__v1__outcome__get_packed_size (&outcome) + 1);
  wire_envelope_init (&envelope);
  envelope.route = job->route;
  envelope.payload = wire_span (bytes, daemoneye__eventbus__v1__outcome__pack (&outcome, bytes));
  client_send (worker, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope);
}

void
gather_answer (Client *worker, const char *payload)
{
  g_autoptr (Job) job = gather_run (worker);

  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, payload);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"

#include "control.pb-c.h"
#include "health.pb-c.h"
#include "test-system.h"
#include "wire-guard.h"

/* What comes in: deliveries, gaps, requests; and what a callback may do (H07). */

typedef ClientFixture Fixture;

typedef struct
{
  Fixture *f;
  DeyeBusSubscription *subscription;
  GString *got; /* payloads, with a blank behind each */
  guint depth;  /* of callbacks; must stay 1 */
  guint destroyed;
  guint64 missed;
  void (*act) (gpointer log); /* done in the callback */
} Log;

static void
log_init (Log *log, Fixture *f)
{
  *log = (Log){ .f = f, .got = g_string_new (NULL) };
}

/* Whatever happened before: what belongs to the callback is freed once, at the latest when the client is closed. */
static void
log_clear (Log *log)
{
  if (log->f->client != NULL)
    g_assert_true (deye_bus_client_close (log->f->client, NULL, NULL));
  client_fixture_settle (log->f);
  g_assert_cmpuint (log->destroyed, ==, 1);
  g_clear_object (&log->subscription);
  g_string_free (log->got, TRUE);
}

static void
on_destroyed (gpointer data)
{
  ((Log *) data)->destroyed++;
}

static void
on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Log *log = data;
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (message, &len);

  g_assert_cmpuint (++log->depth, ==, 1);
  g_assert_cmpuint (log->destroyed, ==, 0);
  g_assert_true (g_main_context_get_thread_default () == log->f->context);
  g_string_append_len (log->got, (const char *) bytes, (gssize) len);
  g_string_append_c (log->got, ' ');
  if (log->act != NULL)
    log->act (log);
  log->depth--;
}

static void
on_gap (DeyeBusSubscription *subscription, guint64 from, guint64 to, guint64 n, guint reason, gpointer data)
{
  Log *log = data;

  log->missed += n;
  g_string_append_printf (log->got, "[%d-%d:%d] ", (int) from, (int) to, (int) n);
  g_assert_cmpuint (reason, ==, WIRE_STATUS_SLOW_CONSUMER);
}

/* The answer to the next call has the id @id. */
static void
subscribe (Fixture *f, Log *log, guint64 id, gboolean pull)
{
  g_autoptr (GError) error = NULL;

  script_subscribe_reply (f->in, id, 100, 100000);
  client_fixture_say (f);
  log->subscription = deye_bus_client_subscribe (f->client, "events.#", NULL, pull ? NULL : on_message, log,
                                                 on_destroyed, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (log->subscription);
  g_signal_connect (log->subscription, "gap", G_CALLBACK (on_gap), log);
}

static void
deliver (Fixture *f, const Log *log, const char *payload)
{
  script_deliver (f->in, deye_bus_subscription_get_id (log->subscription), 0, 1, "events.a", payload, strlen (payload));
}

static void
start (Fixture *f, Log *log, gboolean pull)
{
  client_fixture_connect (f, NULL);
  log_init (log, f);
  subscribe (f, log, 2, pull);
}

/* --- deliveries --- */

static void
test_subscribe (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__SubscribeRequest *request;

  start (f, &log, FALSE);
  frames = client_fixture_hear_one (f, WIRE_KIND_REQUEST);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__subscribe_request__descriptor,
                             ((ScriptFrame *) frames->pdata[0])->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  request = wire_guard_message (guard);
  g_assert_cmpuint (request->subscription, ==, 1);
  g_assert_cmpstr (request->pattern, ==, "events.#");
  g_assert_false (request->serve);
  g_assert_cmpstr (deye_bus_subscription_get_pattern (log.subscription), ==, "events.#");
  g_assert_null (deye_bus_subscription_get_group (log.subscription));

  deliver (f, &log, "a");
  script_gap (f->in, 1, 2, 4, 3);
  deliver (f, &log, "b");
  client_fixture_say (f);
  client_fixture_wait (f, deye_bus_subscription_get_delivered (log.subscription) == 2);
  g_assert_cmpstr (log.got->str, ==, "a [2-4:3] b ");
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 3);
  log_clear (&log);
}

static void
test_subscribe_async (Fixture *f, gconstpointer data)
{
  Log log;
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  log_init (&log, f);
  deye_bus_client_subscribe_async (f->client, "events.#", "workers", on_message, &log, on_destroyed, NULL,
                                   client_result_set, &result);
  script_subscribe_reply (f->in, 2, 100, 100000);
  script_deliver (f->in, 1, 0, 1, "events.a", "first", 5);
  client_fixture_say (f);
  client_fixture_wait (f, log.got->len > 0);
  /* The answer was told before what followed it. */
  g_assert_cmpuint (result.calls, ==, 1);
  log.subscription = deye_bus_client_subscribe_finish (f->client, result.result, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (deye_bus_subscription_get_group (log.subscription), ==, "workers");
  log_clear (&log);
}

static void
test_subscribe_refused (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  log_init (&log, f);
  script_error (f->in, 2, WIRE_STATUS_DENIED);
  client_fixture_say (f);
  g_assert_null (deye_bus_client_subscribe (f->client, "system.#", NULL, on_message, &log, on_destroyed, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  client_fixture_settle (f);
  g_assert_cmpuint (log.destroyed, ==, 1);
  log_clear (&log);
}

/* Given up, but the broker may have done it: it is told to undo it. */
static void
test_subscribe_cancelled (Fixture *f, gconstpointer data)
{
  Log log;
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  log_init (&log, f);
  deye_bus_client_subscribe_async (f->client, "events.#", NULL, on_message, &log, on_destroyed, cancellable,
                                   client_result_set, &result);
  g_cancellable_cancel (cancellable);
  client_fixture_wait (f, result.calls > 0);
  g_assert_null (deye_bus_client_subscribe_finish (f->client, result.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  client_fixture_wait (f, log.destroyed > 0);
  frames = client_fixture_hear (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_REQUEST), ==, 2);
  log_clear (&log);
}

/* What pours in during a synchronous call is told afterwards, in order, from the context. */
static void
test_sync_call_meanwhile (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) expected = g_string_new (NULL);

  start (f, &log, FALSE);
  for (guint i = 0; i < 90; i++)
    {
      g_autofree char *payload = g_strdup_printf ("m%u", i);

      deliver (f, &log, payload);
      g_string_append_printf (expected, "m%u ", i);
      if (i == 70)
        script_reply (f->in, 4, "answer");
    }
  client_fixture_say (f);
  reply = deye_bus_client_request (f->client, "tasks.a", NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (log.got->str, ==, "");
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, expected->str);
  log_clear (&log);
}

/* --- H07: in a callback --- */

static void
request_in_callback (gpointer data)
{
  Log *log = data;
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GError) error = NULL;

  log->act = NULL;
  deliver (log->f, log, "during");
  script_reply (log->f->in, 4, "answer");
  client_fixture_say (log->f);
  reply = deye_bus_client_request (log->f->client, "tasks.a", NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
test_request_in_callback (Fixture *f, gconstpointer data)
{
  Log log;

  start (f, &log, FALSE);
  log.act = request_in_callback;
  deliver (f, &log, "a");
  deliver (f, &log, "b");
  client_fixture_say (f);
  client_fixture_wait (f, deye_bus_subscription_get_delivered (log.subscription) == 3);
  g_assert_cmpstr (log.got->str, ==, "a b during ");
  log_clear (&log);
}

static void
unsubscribe_in_callback (gpointer data)
{
  Log *log = data;
  g_autoptr (GError) error = NULL;

  script_reply (log->f->in, 4, "");
  client_fixture_say (log->f);
  g_assert_true (deye_bus_subscription_unsubscribe (log->subscription, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (log->destroyed, ==, 0);
}

static void
test_unsubscribe_in_callback (Fixture *f, gconstpointer data)
{
  Log log;

  start (f, &log, FALSE);
  log.act = unsubscribe_in_callback;
  deliver (f, &log, "a");
  deliver (f, &log, "b");
  client_fixture_say (f);
  client_fixture_wait (f, log.destroyed > 0);
  /* Late ones, sent before the broker knew. */
  deliver (f, &log, "c");
  client_fixture_say (f);
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a ");
  g_assert_cmpuint (log.destroyed, ==, 1);
  g_assert_true (deye_bus_subscription_unsubscribe (log.subscription, NULL, NULL));
  log_clear (&log);
}

static void
unsubscribe_async_in_callback (gpointer data)
{
  Log *log = data;

  deye_bus_subscription_unsubscribe_async (log->subscription, NULL, NULL, NULL);
}

static void
test_unsubscribe_async_in_callback (Fixture *f, gconstpointer data)
{
  Log log;

  start (f, &log, FALSE);
  log.act = unsubscribe_async_in_callback;
  deliver (f, &log, "a");
  deliver (f, &log, "b");
  script_reply (f->in, 4, "");
  client_fixture_say (f);
  client_fixture_wait (f, log.destroyed > 0);
  script_reply (f->in, 4, "");
  client_fixture_say (f);
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a ");
  log_clear (&log);
}

static void
close_in_callback (gpointer data)
{
  Log *log = data;

  g_assert_true (deye_bus_client_close (log->f->client, NULL, NULL));
}

static void
test_close_in_callback (Fixture *f, gconstpointer data)
{
  Log log;

  start (f, &log, FALSE);
  log.act = close_in_callback;
  deliver (f, &log, "a");
  deliver (f, &log, "never told");
  client_fixture_say (f);
  client_fixture_wait (f, log.destroyed > 0);
  g_assert_cmpstr (log.got->str, ==, "a ");
  log_clear (&log);
}

static void
unref_in_callback (gpointer data)
{
  Log *log = data;

  g_clear_object (&log->f->client);
}

static void
test_unref_in_callback (Fixture *f, gconstpointer data)
{
  Log log;

  start (f, &log, FALSE);
  log.act = unref_in_callback;
  deliver (f, &log, "a");
  client_fixture_say (f);
  client_fixture_wait (f, f->client == NULL);
  client_fixture_settle (f);
  g_assert_cmpuint (log.destroyed, ==, 1);
  {
    g_autoptr (GPtrArray) frames = client_fixture_hear (f);

    g_assert_cmpuint (script_count (frames, WIRE_KIND_GOODBYE), ==, 1);
  }
  log_clear (&log);
}

static void
publish_in_callback (gpointer data)
{
  Log *log = data;

  for (guint i = 0; i < 3; i++)
    g_assert_true (deye_bus_client_publish (log->f->client, "events.b", NULL, NULL, NULL, NULL, NULL));
}

static void
test_publish_in_callback (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  start (f, &log, FALSE);
  before = client_fixture_hear (f);
  log.act = publish_in_callback;
  deliver (f, &log, "a");
  client_fixture_say (f);
  client_fixture_wait (f, log.got->len > 0);
  frames = client_fixture_hear (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_PUBLISH), ==, 3);
  log_clear (&log);
}

/* --- next --- */

static void
test_next (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (DeyeBusMessage) message = NULL;
  g_autoptr (DeyeBusMessage) none = NULL;
  g_autoptr (GError) error = NULL;
  gsize len;

  start (f, &log, TRUE);
  none = deye_bus_subscription_next (log.subscription, 0, NULL, &error);
  g_assert_null (none);
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  g_clear_error (&error);
  deliver (f, &log, "one");
  client_fixture_say (f);
  message = deye_bus_subscription_next (log.subscription, -1, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (deye_bus_message_get_data (message, &len), len, "one", 3);
  g_assert_cmpuint (deye_bus_subscription_get_delivered (log.subscription), ==, 1);
  log_clear (&log);
}

/* A quarter of the window taken: credit goes back. */
static void
test_next_returns_credit (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  start (f, &log, TRUE);
  before = client_fixture_hear (f);
  for (guint i = 0; i < 25; i++)
    deliver (f, &log, "x");
  client_fixture_say (f);
  for (guint i = 0; i < 25; i++)
    {
      g_autoptr (DeyeBusMessage) message = deye_bus_subscription_next (log.subscription, -1, NULL, NULL);

      g_assert_nonnull (message);
    }
  frames = client_fixture_hear_one (f, WIRE_KIND_CREDIT);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_CREDIT)->envelope.credit_messages, ==, 125);
  log_clear (&log);
}

static void
test_next_async (Fixture *f, gconstpointer data)
{
  Log log;
  g_auto (ClientResult) first = { NULL, 0 }, second = { NULL, 0 }, third = { NULL, 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (DeyeBusMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  start (f, &log, TRUE);
  deye_bus_subscription_next_async (log.subscription, NULL, client_result_set, &first);
  deliver (f, &log, "one");
  client_fixture_say (f);
  client_fixture_wait (f, first.calls > 0);
  message = deye_bus_subscription_next_finish (log.subscription, first.result, &error);
  g_assert_no_error (error);
  g_assert_nonnull (message);

  deye_bus_subscription_next_async (log.subscription, cancellable, client_result_set, &second);
  g_cancellable_cancel (cancellable);
  client_fixture_wait (f, second.calls > 0);
  g_assert_null (deye_bus_subscription_next_finish (log.subscription, second.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  deye_bus_subscription_next_async (log.subscription, NULL, client_result_set, &third);
  client_fixture_hang_up (f);
  client_fixture_wait (f, third.calls > 0);
  g_assert_null (deye_bus_subscription_next_finish (log.subscription, third.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  log_clear (&log);
}

/* Somebody who waits does not keep the client alive. */
static void
test_next_async_and_unref (Fixture *f, gconstpointer data)
{
  Log log;
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  start (f, &log, TRUE);
  client_fixture_settle (f);
  deye_bus_subscription_next_async (log.subscription, NULL, client_result_set, &result);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  g_assert_cmpuint (result.calls, ==, 0);
  client_fixture_wait (f, result.calls > 0);
  g_assert_null (deye_bus_subscription_next_finish (log.subscription, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  log_clear (&log);
}

/* --- serve --- */

static void
on_request (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer data)
{
  Log *log = data;
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (request);
  g_autoptr (GError) error = NULL;

  if (g_strcmp0 (deye_bus_message_get_method (request), "Fail") == 0)
    deye_bus_client_respond_error (log->f->client, request, "org.example.No", "not today", &error);
  else
    deye_bus_client_respond (log->f->client, request, payload, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (deye_bus_client_respond (log->f->client, request, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CANCELLED);
  g_string_append (log->got, "served ");
}

/* The messages that the last CREDIT frame grants; it is the last frame. */
static guint64
last_credit (GPtrArray *frames)
{
  const ScriptFrame *last = frames->pdata[frames->len - 1];

  g_assert_cmpint (last->kind, ==, WIRE_KIND_CREDIT);
  return last->envelope.credit_messages;
}

static void
test_serve (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  const ScriptFrame *good, *bad;

  client_fixture_connect (f, NULL);
  log_init (&log, f);
  script_subscribe_reply (f->in, 2, 100, 100000);
  client_fixture_say (f);
  log.subscription = deye_bus_client_serve (f->client, "control.collector.task.procmond", NULL, on_request, &log,
                                            on_destroyed, NULL, &error);
  g_assert_no_error (error);
  before = client_fixture_hear (f);
  script_request (f->in, 1, 700, "control.collector.task.procmond", "Echo", "question");
  script_request (f->in, 1, 701, "control.collector.task.procmond", "Fail", "question");
  client_fixture_say (f);
  client_fixture_wait (f, log.got->len == 14);
  frames = client_fixture_hear (f);
  /* Of several servers the broker prefers those that return their credit, so it is returned at once. */
  g_assert_cmpuint (script_count (frames, WIRE_KIND_REPLY), ==, 2);
  g_assert_cmpuint (last_credit (frames), ==, 100 + 2);
  good = script_find (frames, WIRE_KIND_REPLY);
  bad = frames->pdata[frames->len - 2];
  g_assert_cmpint (bad->kind, ==, WIRE_KIND_REPLY);
  g_assert_cmpint (good->flags, ==, WIRE_FLAG_FINAL);
  g_assert_cmpuint (good->envelope.route, ==, 700);
  g_assert_true (wire_span_equal (good->envelope.payload, WIRE_SPAN_LITERAL ("question")));
  g_assert_cmpuint (bad->envelope.status, ==, WIRE_STATUS_FAILED);
  g_assert_true (wire_span_equal (bad->envelope.error_name, WIRE_SPAN_LITERAL ("org.example.No")));
  g_assert_true (wire_span_equal (bad->envelope.detail, WIRE_SPAN_LITERAL ("not today")));
  log_clear (&log);
}

/* --- what every collector does --- */

static gboolean
on_reload (DeyeBusClient *client, guint64 generation, gpointer data)
{
  g_string_append_printf (((Log *) data)->got, "reload%d ", (int) generation);
  return TRUE;
}

static void
say_reload (Fixture *f)
{
  Daemoneye__Eventbus__V1__ConfigReload reload = DAEMONEYE__EVENTBUS__V1__CONFIG_RELOAD__INIT;
  guint32 subscription = 2;
  guint8 packed[16], ids[5];
  WireEnvelope envelope;

  reload.generation = 9;
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("control.collector.config.reload");
  envelope.correlation_id = wire_span_str ("reload-9");
  envelope.subscriptions = wire_span (ids, wire_envelope_pack_u32 (&subscription, 1, ids));
  envelope.payload = wire_span (packed, daemoneye__eventbus__v1__config_reload__pack (&reload, packed));
  script_frame (f->in, WIRE_KIND_DELIVER, 0, &envelope);
}

static void
check_health (const ScriptFrame *frame)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__health_reply__descriptor, frame->envelope.payload, 0, NULL);
  const Daemoneye__Eventbus__V1__HealthReply *reply;

  g_assert_nonnull (guard);
  reply = wire_guard_message (guard);
  g_assert_cmpstr (reply->id, ==, "tester");
  g_assert_cmpuint (reply->health, ==, 2);
  g_assert_cmpstr (reply->detail, ==, "disk nearly full");
  g_assert_cmpuint (reply->pid, ==, test_system_pid ());
  g_assert_cmpuint (reply->requests_served, ==, 2);
}

static void
check_reloaded (const ScriptFrame *frame)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__config_reloaded__descriptor, frame->envelope.payload, 0, NULL);
  const Daemoneye__Eventbus__V1__ConfigReloaded *reloaded;

  g_assert_nonnull (guard);
  reloaded = wire_guard_message (guard);
  g_assert_cmpuint (reloaded->generation, ==, 9);
  g_assert_true (wire_span_equal (frame->envelope.topic, WIRE_SPAN_LITERAL ("results.procmond")));
  g_assert_true (wire_span_equal (frame->envelope.correlation_id, WIRE_SPAN_LITERAL ("reload-9")));
  g_assert_true (
      wire_span_equal (frame->envelope.type_name, WIRE_SPAN_LITERAL ("daemoneye.eventbus.v1.ConfigReloaded")));
}

/* Serving is two calls in one: a thread answers the second when it was made. */
static gpointer
answer_both (gpointer data)
{
  Fixture *f = data;

  for (guint64 id = 2; id <= 4; id += 2)
    {
      guint heard = 0;

      while (heard == 0)
        {
          g_autoptr (GPtrArray) frames = NULL;

          raw_socket_wait (f->peer);
          frames = client_fixture_hear (f);
          heard = frames->len;
        }
      script_subscribe_reply (f->in, id, 100, 100000);
      client_fixture_say (f);
    }
  return NULL;
}

static GPtrArray *
hear_at_least (Fixture *f, guint n)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) script_frame_free);

  while (all->len < n)
    {
      g_autoptr (GPtrArray) frames = NULL;

      g_main_context_iteration (f->context, TRUE);
      frames = client_fixture_hear (f);
      g_ptr_array_extend_and_steal (all, g_steal_pointer (&frames));
    }
  return all;
}

static void
test_standard (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;

  client_fixture_connect (f, NULL);
  log_init (&log, f);
  deye_bus_client_set_health (f->client, DEYE_BUS_HEALTH_DEGRADED, "disk nearly full");
  thread = g_thread_new ("broker", answer_both, f);
  g_assert_true (deye_bus_client_serve_standard (f->client, on_reload, &log, on_destroyed, NULL, &error));
  g_thread_join (thread);
  g_assert_no_error (error);
  script_request (f->in, 1, 700, "control.collector.tester", "Ping", "hello");
  script_request (f->in, 1, 704, "control.collector.tester", "HealthCheck", "");
  script_request (f->in, 1, 708, "control.collector.tester", "Dance", "");
  say_reload (f);
  client_fixture_say (f);
  frames = hear_at_least (f, 4);
  g_assert_true (wire_span_equal (((ScriptFrame *) frames->pdata[0])->envelope.payload, WIRE_SPAN_LITERAL ("hello")));
  check_health (frames->pdata[1]);
  g_assert_true (
      wire_span_equal (((ScriptFrame *) frames->pdata[2])->envelope.error_name, WIRE_SPAN_LITERAL ("UnknownMethod")));
  check_reloaded (frames->pdata[3]);
  g_assert_cmpstr (log.got->str, ==, "reload9 ");
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  client_fixture_settle (f);
  g_assert_cmpuint (log.destroyed, ==, 1);
  log_clear (&log);
}

static void
test_heartbeat (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;
  gint64 start_us;

  client_fixture_connect (f, NULL);
  g_assert_false (deye_bus_client_set_heartbeat (f->client, 1000, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_clear_error (&error);
  start_us = g_get_monotonic_time ();
  g_assert_true (deye_bus_client_set_heartbeat (f->client, 100000, &error));
  first = client_fixture_hear_one (f, WIRE_KIND_PUBLISH);
  g_assert_true (wire_span_equal (((ScriptFrame *) first->pdata[0])->envelope.topic,
                                  WIRE_SPAN_LITERAL ("control.health.heartbeat.tester")));
  second = hear_at_least (f, 2);
  g_assert_cmpint (g_get_monotonic_time () - start_us, >=, 200000);
  g_assert_true (deye_bus_client_set_heartbeat (f->client, 0, NULL));
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/subscriptions/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("subscribe", test_subscribe);
  ADD ("subscribe-async", test_subscribe_async);
  ADD ("subscribe-refused", test_subscribe_refused);
  ADD ("subscribe-cancelled", test_subscribe_cancelled);
  ADD ("sync-call-meanwhile", test_sync_call_meanwhile);
  ADD ("H07/request", test_request_in_callback);
  ADD ("H07/unsubscribe", test_unsubscribe_in_callback);
  ADD ("H07/unsubscribe-async", test_unsubscribe_async_in_callback);
  ADD ("H07/close", test_close_in_callback);
  ADD ("H07/unref", test_unref_in_callback);
  ADD ("H07/publish", test_publish_in_callback);
  ADD ("next", test_next);
  ADD ("next-returns-credit", test_next_returns_credit);
  ADD ("next-async", test_next_async);
  ADD ("next-async-and-unref", test_next_async_and_unref);
  ADD ("serve", test_serve);
  ADD ("standard", test_standard);
  ADD ("heartbeat", test_heartbeat);
  return g_test_run ();
}

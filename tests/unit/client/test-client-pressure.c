/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"

#include "control.pb-c.h"
#include "deye-bus-subscription-private.h"
#include "wire-guard.h"

/*
 * M08, the client's part: policies and bounds are asked for and told, a subscription is paused without holding up another,
 * credit goes back in time.
 */

typedef ClientFixture Fixture;

/* One subscription; several may write into the same text. */
typedef struct
{
  Fixture *f;
  DeyeBusSubscription *subscription;
  GString *got; /* payloads and gaps, with a blank behind each */
  guint destroyed;
  void (*act) (gpointer log, const char *payload); /* done in the callback */
  guint64 credit;                                  /* what act() heard */
} Log;

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
  g_autofree char *payload = g_strndup ((const char *) bytes, len);

  g_assert_cmpuint (log->destroyed, ==, 0);
  g_string_append_printf (log->got, "%s ", payload);
  if (log->act != NULL)
    log->act (log, payload);
}

static void
on_gap (DeyeBusSubscription *subscription, guint64 from, guint64 to, guint64 n, guint reason, gpointer data)
{
  g_string_append_printf (((Log *) data)->got, "[%d-%d:%d] ", (int) from, (int) to, (int) n);
}

static void
listen_to_gaps (Log *log)
{
  g_signal_connect (log->subscription, "gap", G_CALLBACK (on_gap), log);
}

/* The answer to the next call has the id @id. @got: to share one, or NULL. */
static void
subscribe (Fixture *f, Log *log, guint64 id, DeyeBusPolicy policy, gboolean pull, GString *got)
{
  g_autoptr (GError) error = NULL;

  *log = (Log){ .f = f, .got = got != NULL ? got : g_string_new (NULL) };
  script_subscribed (f->in, id, policy, 100, 100000);
  client_fixture_say (f);
  log->subscription = deye_bus_client_subscribe (f->client, "events.#", NULL, pull ? NULL : on_message, log,
                                                 on_destroyed, NULL, &error);
  g_assert_no_error (error);
  listen_to_gaps (log);
}

static void
start (Fixture *f, Log *log, DeyeBusPolicy policy, gboolean pull)
{
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, NULL);
  subscribe (f, log, 2, policy, pull, NULL);
  frames = client_fixture_hear_one (f, WIRE_KIND_REQUEST);
}

static void
finish (Log *log)
{
  if (log->f->client != NULL)
    g_assert_true (deye_bus_client_close (log->f->client, NULL, NULL));
  client_fixture_settle (log->f);
  g_assert_cmpuint (log->destroyed, ==, 1);
  g_clear_object (&log->subscription);
  g_string_free (log->got, TRUE);
}

static void
deliver (const Log *log, const char *payload)
{
  script_deliver (log->f->in, deye_bus_subscription_get_id (log->subscription), 0, 1, "events.a", payload,
                  strlen (payload));
}

static void
gap (const Log *log, guint64 from, guint64 to)
{
  script_gap (log->f->in, deye_bus_subscription_get_id (log->subscription), from, to, to - from + 1);
}

static void
say_and_settle (Fixture *f)
{
  client_fixture_say (f);
  client_fixture_settle (f);
}

static void
pause_it (const Log *log)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_subscription_pause (log->subscription, &error));
  g_assert_no_error (error);
}

static void
resume_it (const Log *log)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_subscription_resume (log->subscription, &error));
  g_assert_no_error (error);
}

/* The total that CREDIT told since the last look; 0: none was told. */
static guint64
hear_credit (Fixture *f)
{
  g_autoptr (GPtrArray) frames = client_fixture_hear (f);
  guint64 credit = 0;

  for (guint i = 0; i < frames->len; i++)
    if (((ScriptFrame *) frames->pdata[i])->kind == WIRE_KIND_CREDIT)
      credit = ((ScriptFrame *) frames->pdata[i])->envelope.credit_messages;
  return credit;
}

/* --- policies --- */

static DeyeBusSubscribeOptions *
some_options (void)
{
  DeyeBusSubscribeOptions *options = deye_bus_subscribe_options_new ();

  deye_bus_subscribe_options_set_policy (options, DEYE_BUS_POLICY_CONFLATE);
  deye_bus_subscribe_options_set_queue_messages (options, 500);
  deye_bus_subscribe_options_set_queue_bytes (options, 65536);
  deye_bus_subscribe_options_set_window_messages (options, 10);
  deye_bus_subscribe_options_set_window_bytes (options, 4096);
  return options;
}

static WireGuard *
hear_request (Fixture *f, const ProtobufCMessageDescriptor *descriptor)
{
  g_autoptr (GPtrArray) frames = client_fixture_hear_one (f, WIRE_KIND_REQUEST);
  WireGuard *guard = wire_guard_unpack (descriptor, ((ScriptFrame *) frames->pdata[0])->envelope.payload, 0, NULL);

  g_assert_nonnull (guard);
  return guard;
}

static void
check_asked (Fixture *f)
{
  g_autoptr (WireGuard) guard = hear_request (f, &daemoneye__eventbus__v1__subscribe_request__descriptor);
  const Daemoneye__Eventbus__V1__SubscribeRequest *request = wire_guard_message (guard);

  g_assert_cmpstr (request->pattern, ==, "events.#");
  g_assert_cmpstr (request->group, ==, "workers");
  g_assert_cmpuint (request->policy, ==, 5);
  g_assert_cmpuint (request->queue_messages, ==, 500);
  g_assert_cmpuint (request->queue_bytes, ==, 65536);
  g_assert_cmpuint (request->window_messages, ==, 10);
  g_assert_cmpuint (request->window_bytes, ==, 4096);
}

static void
test_subscribe_full (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscribeOptions) options = some_options ();
  g_autoptr (GError) error = NULL;
  Log log = { .f = f, .got = g_string_new (NULL) };

  client_fixture_connect (f, NULL);
  script_subscribed (f->in, 2, DEYE_BUS_POLICY_CONFLATE, 10, 4096);
  client_fixture_say (f);
  log.subscription = deye_bus_client_subscribe_full (f->client, "events.#", "workers", options, on_message, &log,
                                                     on_destroyed, NULL, &error);
  g_assert_no_error (error);
  check_asked (f);
  /* What is in force is the broker's word. */
  g_assert_cmpint (deye_bus_subscription_get_policy (log.subscription), ==, DEYE_BUS_POLICY_CONFLATE);
  g_assert_cmpuint (deye_bus_subscription_get_queue_messages (log.subscription), ==, 1000);
  g_assert_cmpuint (deye_bus_subscription_get_queue_bytes (log.subscription), ==, 100000);
  finish (&log);
}

static void
test_subscribe_full_async (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;
  Log log = { .f = f, .got = g_string_new (NULL) };
  DeyeBusSubscribeOptions *options = some_options ();

  client_fixture_connect (f, NULL);
  deye_bus_client_subscribe_full_async (f->client, "events.#", "workers", options, on_message, &log, on_destroyed, NULL,
                                        client_result_set, &result);
  deye_bus_subscribe_options_free (options);
  check_asked (f);
  script_subscribed (f->in, 2, DEYE_BUS_POLICY_BLOCK, 10, 4096);
  client_fixture_say (f);
  client_fixture_wait (f, result.calls > 0);
  log.subscription = deye_bus_client_subscribe_full_finish (f->client, result.result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (deye_bus_subscription_get_policy (log.subscription), ==, DEYE_BUS_POLICY_BLOCK);
  finish (&log);
}

/* Nothing is asked for, and an older broker tells nothing; what a newer one tells is not guessed at. */
static void
test_subscribe_plain (Fixture *f, gconstpointer data)
{
  Log log, newer;

  client_fixture_connect (f, NULL);
  subscribe (f, &log, 2, DEYE_BUS_POLICY_DEFAULT, FALSE, NULL);
  {
    g_autoptr (WireGuard) guard = hear_request (f, &daemoneye__eventbus__v1__subscribe_request__descriptor);
    const Daemoneye__Eventbus__V1__SubscribeRequest *request = wire_guard_message (guard);

    g_assert_cmpuint (request->policy + request->queue_messages + request->window_bytes, ==, 0);
  }
  g_assert_cmpint (deye_bus_subscription_get_policy (log.subscription), ==, DEYE_BUS_POLICY_DEFAULT);
  subscribe (f, &newer, 4, (DeyeBusPolicy) 77, FALSE, log.got);
  g_assert_cmpint (deye_bus_subscription_get_policy (newer.subscription), ==, DEYE_BUS_POLICY_DEFAULT);
  finish (&log);
  g_clear_object (&newer.subscription);
}

static void
test_adjust (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscribeOptions) options = some_options ();
  g_autoptr (GError) error = NULL;
  Log log;

  start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  script_adjusted (f->in, 4, DEYE_BUS_POLICY_ERROR, 7, 8);
  client_fixture_say (f);
  g_assert_true (deye_bus_subscription_adjust (log.subscription, options, NULL, &error));
  g_assert_no_error (error);
  {
    g_autoptr (WireGuard) guard = hear_request (f, &daemoneye__eventbus__v1__adjust_request__descriptor);
    const Daemoneye__Eventbus__V1__AdjustRequest *request = wire_guard_message (guard);

    g_assert_cmpuint (request->subscription, ==, 1);
    g_assert_cmpuint (request->policy, ==, 5);
    g_assert_cmpuint (request->queue_messages, ==, 500);
    g_assert_cmpuint (request->queue_bytes, ==, 65536);
  }
  g_assert_cmpint (deye_bus_subscription_get_policy (log.subscription), ==, DEYE_BUS_POLICY_ERROR);
  g_assert_cmpuint (deye_bus_subscription_get_queue_messages (log.subscription), ==, 7);
  g_assert_cmpuint (deye_bus_subscription_get_queue_bytes (log.subscription), ==, 8);
  script_error (f->in, 6, WIRE_STATUS_DENIED);
  client_fixture_say (f);
  g_assert_false (deye_bus_subscription_adjust (log.subscription, options, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  g_assert_cmpint (deye_bus_subscription_get_policy (log.subscription), ==, DEYE_BUS_POLICY_ERROR);
  finish (&log);
}

/* The answer is read where it stands, and the task keeps the client until then. */
static void
test_adjust_async (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscribeOptions) options = some_options ();
  g_auto (ClientResult) result = { NULL, 0 }, late = { NULL, 0 };
  g_autoptr (GError) error = NULL;
  Log log;

  start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  deliver (&log, "a");
  deliver (&log, "b");
  say_and_settle (f);
  g_assert_cmpuint (hear_credit (f), ==, 0);
  deye_bus_subscription_adjust_async (log.subscription, options, NULL, client_result_set, &result);
  g_object_unref (f->client);
  script_adjusted (f->in, 4, DEYE_BUS_POLICY_BLOCK, 7, 8);
  client_fixture_say (f);
  client_fixture_wait (f, result.calls > 0);
  f->client = NULL;
  g_assert_true (deye_bus_subscription_adjust_finish (log.subscription, result.result, &error));
  g_assert_no_error (error);
  g_assert_cmpint (deye_bus_subscription_get_policy (log.subscription), ==, DEYE_BUS_POLICY_BLOCK);
  /* What is handled already holds nobody up from now on. */
  g_assert_cmpuint (hear_credit (f), ==, 102);
  client_result_clear (&result);
  client_fixture_settle (f);
  deye_bus_subscription_adjust_async (log.subscription, options, NULL, client_result_set, &late);
  client_fixture_wait (f, late.calls > 0);
  g_assert_false (deye_bus_subscription_adjust_finish (log.subscription, late.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  finish (&log);
}

static void
test_adjust_ended (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscribeOptions) options = some_options ();
  g_autoptr (GError) error = NULL;
  Log log;

  start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  script_reply (f->in, 4, "");
  client_fixture_say (f);
  g_assert_true (deye_bus_subscription_unsubscribe (log.subscription, NULL, NULL));
  g_assert_false (deye_bus_subscription_adjust (log.subscription, options, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_false (deye_bus_subscription_pause (log.subscription, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  finish (&log);
}

/* --- pausing --- */

/* The first one's window is full and stays so; the second one's goes on, and only its credit goes back. */
static void
test_pause_holds_up_nobody (Fixture *f, gconstpointer data)
{
  Log one, two;
  g_autoptr (GPtrArray) frames = NULL;

  start (f, &one, DEYE_BUS_POLICY_BLOCK, FALSE);
  subscribe (f, &two, 4, DEYE_BUS_POLICY_DROP_OLDEST, FALSE, NULL);
  pause_it (&one);
  g_assert_true (deye_bus_subscription_is_paused (one.subscription));
  g_assert_false (deye_bus_subscription_is_paused (two.subscription));
  for (guint i = 0; i < 100; i++)
    deliver (&one, "x");
  for (guint i = 0; i < 25; i++)
    deliver (&two, "y");
  say_and_settle (f);
  g_assert_cmpuint (one.got->len, ==, 0);
  g_assert_cmpuint (deye_bus_subscription_get_delivered (two.subscription), ==, 25);
  frames = client_fixture_hear (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_CREDIT), ==, 1);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_CREDIT)->envelope.subscription, ==, 2);
  resume_it (&one);
  g_assert_cmpuint (one.got->len, ==, 0);
  client_fixture_settle (f);
  g_assert_cmpuint (deye_bus_subscription_get_delivered (one.subscription), ==, 100);
  g_assert_cmpuint (hear_credit (f), ==, 200);
  finish (&one);
  finish (&two);
}

/* One message for both, which its sender wants to know handled: it is when the last of the two callbacks has returned. */
static void
test_pause_and_delivered (Fixture *f, gconstpointer data)
{
  static const guint32 ids[] = { 1, 2 };
  guint8 packed[10];
  WireEnvelope envelope;
  Log one, two;

  start (f, &one, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  subscribe (f, &two, 4, DEYE_BUS_POLICY_DROP_OLDEST, FALSE, NULL);
  pause_it (&one);
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("events.a");
  envelope.route_id = 55;
  envelope.subscriptions = wire_span (packed, wire_envelope_pack_u32 (ids, 2, packed));
  envelope.payload = wire_span_str ("both");
  script_frame (f->in, WIRE_KIND_DELIVER, WIRE_FLAG_WANT_DELIVERED, &envelope);
  say_and_settle (f);
  g_assert_cmpstr (two.got->str, ==, "both ");
  {
    g_autoptr (GPtrArray) frames = client_fixture_hear (f);

    g_assert_cmpuint (script_count (frames, WIRE_KIND_DELIVERED), ==, 0);
  }
  resume_it (&one);
  client_fixture_settle (f);
  g_assert_cmpstr (one.got->str, ==, "both ");
  {
    g_autoptr (GPtrArray) frames = client_fixture_hear_one (f, WIRE_KIND_DELIVERED);

    g_assert_cmpuint (script_find (frames, WIRE_KIND_DELIVERED)->envelope.route, ==, 55);
  }
  finish (&one);
  finish (&two);
}

static void
pause_at_b (gpointer data, const char *payload)
{
  if (g_str_equal (payload, "b"))
    pause_it (data);
}

/* Paused by its own callback: what had arrived is held as well; gaps keep their places, also those that grow. */
static void
test_pause_keeps_order (Fixture *f, gconstpointer data)
{
  Log log;

  start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  log.act = pause_at_b;
  deliver (&log, "a");
  deliver (&log, "b");
  gap (&log, 2, 3);
  deliver (&log, "c");
  gap (&log, 5, 5);
  say_and_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a b ");
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 0);
  gap (&log, 6, 6);
  deliver (&log, "d");
  say_and_settle (f);
  gap (&log, 8, 8);
  say_and_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a b ");
  /* What came before the first of them is told is behind them all. */
  deliver (&log, "e");
  client_fixture_say (f);
  resume_it (&log);
  client_fixture_settle (f);
  deliver (&log, "f");
  say_and_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a b [2-3:2] c [5-6:2] d [8-8:1] e f ");
  g_assert_cmpuint (deye_bus_subscription_get_delivered (log.subscription), ==, 6);
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 5);
  finish (&log);
}

static void
pause_and_resume (gpointer data, const char *payload)
{
  pause_it (data);
  resume_it (data);
  pause_it (data);
  if (!g_str_equal (payload, "c"))
    resume_it (data);
}

/* To and fro in each callback, as often as one likes. */
static void
test_pause_and_resume (Fixture *f, gconstpointer data)
{
  Log log;

  start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  resume_it (&log);
  pause_it (&log);
  pause_it (&log);
  log.act = pause_and_resume;
  for (const char *letter = "abcde"; *letter != '\0'; letter++)
    {
      char payload[] = { *letter, '\0' };

      deliver (&log, payload);
    }
  say_and_settle (f);
  for (guint i = 0; i < 100; i++)
    {
      pause_it (&log);
      resume_it (&log);
    }
  g_assert_cmpuint (f->client->events.count, ==, 1);
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a b c ");
  log.act = NULL;
  resume_it (&log);
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a b c d e ");
  g_assert_false (deye_bus_subscription_is_paused (log.subscription));
  finish (&log);
}

/* A synchronous request, whose answer will have the id @id. */
static void
ask (const Log *log, guint64 id)
{
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GError) error = NULL;

  script_reply (log->f->in, id, "answer");
  client_fixture_say (log->f);
  reply = deye_bus_client_request (log->f->client, "tasks.a", NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
ask_at_b (gpointer data, const char *payload)
{
  if (!g_str_equal (payload, "b"))
    return;
  deliver (data, "during");
  gap (data, 7, 7);
  ask (data, 6);
}

/* Deliveries pour in while a callback asks synchronously: those of both are told later, in order; also from what was held. */
static void
test_request_meanwhile (Fixture *f, gconstpointer data)
{
  Log one, two;

  start (f, &one, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  subscribe (f, &two, 4, DEYE_BUS_POLICY_DROP_OLDEST, FALSE, NULL);
  one.act = ask_at_b;
  pause_it (&one);
  deliver (&one, "a");
  deliver (&one, "b");
  deliver (&one, "c");
  say_and_settle (f);
  for (guint i = 0; i < 3; i++)
    deliver (&two, "y");
  client_fixture_say (f);
  resume_it (&one);
  client_fixture_settle (f);
  g_assert_cmpstr (one.got->str, ==, "a b c during [7-7:1] ");
  g_assert_cmpstr (two.got->str, ==, "y y y ");
  finish (&one);
  finish (&two);
}

static void
ask_in_gap (DeyeBusSubscription *subscription, guint64 from, guint64 to, guint64 n, guint reason, gpointer data)
{
  if (from != 1)
    return;
  gap (data, 7, 7);
  ask (data, 4);
}

/* A gap that comes while another one is told is not lost with it. */
static void
test_gap_meanwhile (Fixture *f, gconstpointer data)
{
  Log log;

  start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  g_signal_connect_after (log.subscription, "gap", G_CALLBACK (ask_in_gap), &log);
  gap (&log, 1, 3);
  say_and_settle (f);
  g_assert_cmpstr (log.got->str, ==, "[1-3:3] [7-7:1] ");
  finish (&log);
}

static void
test_pause_pull (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Log log;

  start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, TRUE);
  g_assert_false (deye_bus_subscription_pause (log.subscription, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  g_clear_error (&error);
  g_assert_false (deye_bus_subscription_resume (log.subscription, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  g_assert_false (deye_bus_subscription_is_paused (log.subscription));
  finish (&log);
}

/* --- the end while it is paused: nothing is called, what belongs to the callback is freed --- */

static void
start_paused (Fixture *f, Log *log)
{
  start (f, log, DEYE_BUS_POLICY_BLOCK, FALSE);
  pause_it (log);
  deliver (log, "never told");
  gap (log, 2, 4);
  deliver (log, "never told");
  say_and_settle (f);
  g_assert_cmpuint (log->destroyed, ==, 0);
}

static void
test_paused_unsubscribe (Fixture *f, gconstpointer data)
{
  Log log;

  start_paused (f, &log);
  deliver (&log, "nor this");
  script_reply (f->in, 4, "");
  client_fixture_say (f);
  g_assert_true (deye_bus_subscription_unsubscribe (log.subscription, NULL, NULL));
  client_fixture_settle (f);
  g_assert_cmpuint (log.destroyed, ==, 1);
  g_assert_false (deye_bus_subscription_resume (log.subscription, NULL));
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "");
  finish (&log);
}

/* Resumed, and unsubscribed before it is told. */
static void
test_resumed_unsubscribe (Fixture *f, gconstpointer data)
{
  Log log;

  start_paused (f, &log);
  resume_it (&log);
  script_reply (f->in, 4, "");
  client_fixture_say (f);
  g_assert_true (deye_bus_subscription_unsubscribe (log.subscription, NULL, NULL));
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "");
  finish (&log);
}

static void
test_paused_close (Fixture *f, gconstpointer data)
{
  Log log;

  start_paused (f, &log);
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "");
  finish (&log);
}

static void
test_paused_unref (Fixture *f, gconstpointer data)
{
  Log log;

  start_paused (f, &log);
  resume_it (&log);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "");
  g_assert_false (deye_bus_subscription_resume (log.subscription, NULL));
  /* Nor is it kept for as long as somebody has the object. */
  g_assert_cmpuint (log.subscription->channel->held.count, ==, 0);
  finish (&log);
}

/* Not by our own wish: what it kept is counted. */
static void
test_paused_lost (Fixture *f, gconstpointer data)
{
  Log log;

  start_paused (f, &log);
  client_fixture_hang_up (f);
  client_fixture_wait (f, log.destroyed > 0);
  g_assert_cmpstr (log.got->str, ==, "");
  g_assert_cmpuint (deye_bus_subscription_get_delivered (log.subscription), ==, 0);
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 5);
  finish (&log);
}

/* --- credit under block --- */

/* What arrived together is given back together, at its end. */
static void
test_block_callback (Fixture *f, gconstpointer data)
{
  Log log;

  start (f, &log, DEYE_BUS_POLICY_BLOCK, FALSE);
  for (guint i = 0; i < 5; i++)
    deliver (&log, "x");
  say_and_settle (f);
  g_assert_cmpuint (hear_credit (f), ==, 105);
  deliver (&log, "y");
  say_and_settle (f);
  g_assert_cmpuint (hear_credit (f), ==, 106);
  finish (&log);
}

static void
test_block_others (Fixture *f, gconstpointer data)
{
  Log log;

  start (f, &log, DEYE_BUS_POLICY_DROP_NEWEST, FALSE);
  for (guint i = 0; i < 24; i++)
    deliver (&log, "x");
  say_and_settle (f);
  g_assert_cmpuint (hear_credit (f), ==, 0);
  deliver (&log, "y");
  say_and_settle (f);
  g_assert_cmpuint (hear_credit (f), ==, 125);
  finish (&log);
}

static void
take_one (const Log *log)
{
  g_autoptr (DeyeBusMessage) message = deye_bus_subscription_next (log->subscription, -1, NULL, NULL);

  g_assert_nonnull (message);
}

static void
test_block_next (Fixture *f, gconstpointer data)
{
  Log log;

  start (f, &log, DEYE_BUS_POLICY_BLOCK, TRUE);
  deliver (&log, "x");
  deliver (&log, "y");
  client_fixture_say (f);
  take_one (&log);
  take_one (&log);
  g_assert_cmpuint (hear_credit (f), ==, 102);
  finish (&log);
}

/* A paused one handles nothing: what it has handled does not wait for what it has not. */
static void
test_block_pause (Fixture *f, gconstpointer data)
{
  Log log;

  start (f, &log, DEYE_BUS_POLICY_BLOCK, FALSE);
  log.act = pause_at_b;
  deliver (&log, "a");
  deliver (&log, "b");
  deliver (&log, "c");
  say_and_settle (f);
  g_assert_cmpuint (hear_credit (f), ==, 102);
  log.act = NULL;
  resume_it (&log);
  client_fixture_settle (f);
  g_assert_cmpuint (hear_credit (f), ==, 103);
  finish (&log);
}

/* ... also when it is not its callback that pauses it, but somebody between two turns of a long dispatch. */
static void
test_block_pause_between (Fixture *f, gconstpointer data)
{
  Log log = { .f = f, .got = g_string_new (NULL) };

  client_fixture_connect (f, NULL);
  script_subscribed (f->in, 2, DEYE_BUS_POLICY_BLOCK, 6000, 100000);
  client_fixture_say (f);
  log.subscription
      = deye_bus_client_subscribe (f->client, "events.#", NULL, on_message, &log, on_destroyed, NULL, NULL);
  for (guint i = 0; i < 1500; i++)
    deliver (&log, "x");
  client_fixture_say (f);
  while (deye_bus_subscription_get_delivered (log.subscription) == 0)
    g_main_context_iteration (f->context, FALSE);
  g_assert_cmpuint (deye_bus_subscription_get_delivered (log.subscription), <, 1500);
  pause_it (&log);
  g_assert_cmpuint (hear_credit (f), ==, 6000 + deye_bus_subscription_get_delivered (log.subscription));
  finish (&log);
}

#define CREDIT_EVERY_US (50 * G_TIME_SPAN_MILLISECOND)

/* Handles "slow" for longer than credit may take. */
static void
handle_slowly (gpointer data, const char *payload)
{
  Log *log = data;
  gint64 until_us = g_get_monotonic_time () + CREDIT_EVERY_US;
  guint64 credit = hear_credit (log->f);

  log->credit = MAX (credit, log->credit);
  while (g_str_equal (payload, "slow") && g_get_monotonic_time () < until_us)
    g_thread_yield ();
  if (g_str_equal (payload, "last"))
    g_assert_cmpuint (log->credit, >=, 103);
}

/* Handling goes on and on in one dispatch: credit is on its way before the end of it. */
static void
test_block_in_time (Fixture *f, gconstpointer data)
{
  Log log;

  start (f, &log, DEYE_BUS_POLICY_BLOCK, FALSE);
  log.act = handle_slowly;
  deliver (&log, "a");
  deliver (&log, "b");
  deliver (&log, "slow");
  deliver (&log, "last");
  deliver (&log, "not yet handled");
  say_and_settle (f);
  g_assert_cmpuint (log.credit, >=, 103);
  g_assert_cmpuint (log.credit, <, 105);
  finish (&log);
}

/* --- what was lost --- */

static void
remember_error (DeyeBusClient *client, const GError *error, gpointer data)
{
  *(GError **) data = g_error_copy (error);
}

/* Nobody waits for the answer any more; the application hears of it all the same. */
static void
test_block_over (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) told = NULL;
  DeyeBusPublishResult result;

  client_fixture_connect (f, NULL);
  g_signal_connect (f->client, "error", G_CALLBACK (remember_error), &told);
  script_ack (f->in, 2, 1, 1);
  client_fixture_say (f);
  g_assert_true (deye_bus_client_publish (f->client, "tasks.a", NULL, NULL, &result, NULL, NULL));
  script_block_over (f->in, 2, 3);
  client_fixture_say (f);
  client_fixture_wait (f, told != NULL);
  g_assert_error (told, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_nonnull (strstr (told->message, "send again what matters"));
}

/* Without a context that runs there is no signal, but the count is there; and gaps that nobody is told of do not pile up. */
static void
test_next_counts_missed (Fixture *f, gconstpointer data)
{
  Log log;

  start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, TRUE);
  for (guint64 i = 0; i < 50; i++)
    {
      deliver (&log, "x");
      gap (&log, 2 * i, 2 * i);
      client_fixture_say (f);
      take_one (&log);
    }
  deliver (&log, "x");
  client_fixture_say (f);
  take_one (&log);
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 50);
  g_assert_cmpstr (log.got->str, ==, "");
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "[0-98:50] ");
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 50);
  finish (&log);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/pressure/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M08-subscribe-full", test_subscribe_full);
  ADD ("M08-subscribe-full-async", test_subscribe_full_async);
  ADD ("subscribe-plain", test_subscribe_plain);
  ADD ("M08-adjust", test_adjust);
  ADD ("M08-adjust-async", test_adjust_async);
  ADD ("adjust-ended", test_adjust_ended);
  ADD ("M08-pause-holds-up-nobody", test_pause_holds_up_nobody);
  ADD ("M08-pause-keeps-order", test_pause_keeps_order);
  ADD ("pause/and-delivered", test_pause_and_delivered);
  ADD ("pause/and-resume", test_pause_and_resume);
  ADD ("pause/request-meanwhile", test_request_meanwhile);
  ADD ("gap-meanwhile", test_gap_meanwhile);
  ADD ("pause/pull", test_pause_pull);
  ADD ("paused/unsubscribe", test_paused_unsubscribe);
  ADD ("paused/resumed-unsubscribe", test_resumed_unsubscribe);
  ADD ("paused/close", test_paused_close);
  ADD ("paused/unref", test_paused_unref);
  ADD ("paused/lost", test_paused_lost);
  ADD ("M08-block-returns-credit/callback", test_block_callback);
  ADD ("M08-block-returns-credit/next", test_block_next);
  ADD ("M08-block-returns-credit/paused", test_block_pause);
  ADD ("M08-block-returns-credit/paused-between", test_block_pause_between);
  ADD ("M08-block-returns-credit/in-time", test_block_in_time);
  ADD ("M08-block-returns-credit/others-do-not", test_block_others);
  ADD ("M08-block-over", test_block_over);
  ADD ("M08-next-counts-missed", test_next_counts_missed);
  return g_test_run ();
}

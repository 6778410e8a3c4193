/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The share of each member in the messages of a group, with real processes: strategy, weight and in-flight bound as fields of the
 * subscribe request. No result depends on time, because each member handles a given number of messages.
 */

#include "bus-fixture.h"
#include "worker-talk.h"

#define TOPIC     "results.procmond"
#define GROUP     TOPIC " workers "
#define SIZE      64u
#define N_MEMBERS 4u

typedef struct
{
  TestProcess *publisher;
  TestProcess *members[N_MEMBERS];
  guint64 got[N_MEMBERS];
  guint64 sum;
} Shares;

/* @first: mode and options of the first member, @others: of all others. */
static void
start_members (BusFixture *f, Shares *shares, const char *first, const char *others)
{
  shares->publisher = bus_fixture_worker (f, "publisher", "procmond");
  for (guint i = 0; i < N_MEMBERS; i++)
    {
      g_autofree char *id = g_strdup_printf ("worker-%u", i);
      g_autofree char *subscribe = g_strconcat (GROUP, i == 0 ? first : others, NULL);

      shares->members[i] = bus_fixture_worker (f, id, "procmond");
      worker_subscribe (shares->members[i], "g", subscribe);
    }
}

static void
read_shares (Shares *shares)
{
  shares->sum = 0;
  for (guint i = 0; i < N_MEMBERS; i++)
    {
      WorkerGot got = worker_report (shares->members[i], "g");

      g_assert_cmpuint (got.missed, ==, 0);
      shares->got[i] = got.received;
      shares->sum += got.received;
    }
}

/* Publishes @n messages and waits until the members have received @total in all. */
static void
share_out (BusFixture *f, Shares *shares, guint n, guint64 total)
{
  worker_publish (shares->publisher, TOPIC, n, SIZE);
  for (read_shares (shares); shares->sum < total; read_shares (shares))
    bus_fixture_run_briefly (f);
  g_assert_cmpuint (shares->sum, ==, total);
}

static const Daemoneye__Eventbus__V1__GroupStats *
group_of (const BusStatsView *view)
{
  for (gsize i = 0; i < view->reply->n_groups; i++)
    if (strcmp (view->reply->groups[i]->name, "workers") == 0)
      return view->reply->groups[i];
  g_assert_not_reached ();
}

/* --- strategies --- */

#define BALANCED   100000u
#define BALANCED_N 200u /* at a time, so that no window fills, and a member that waits for the CPU keeps its share */

static void
test_round_robin (BusFixture *f, gconstpointer data)
{
  Shares shares = { 0 };
  guint64 least = G_MAXUINT64, most = 0;

  start_members (f, &shares, "count strategy=round-robin", "count");
  for (guint sent = 0; sent < BALANCED; sent += BALANCED_N)
    share_out (f, &shares, BALANCED_N, sent + BALANCED_N);
  for (guint i = 0; i < N_MEMBERS; i++)
    {
      g_test_message ("worker-%u: %" G_GUINT64_FORMAT, i, shares.got[i]);
      least = MIN (least, shares.got[i]);
      most = MAX (most, shares.got[i]);
    }
  g_assert_cmpuint (least * 100, >=, most * 98);
}

#define ROUNDS    60u
#define PER_ROUND (1 + 10 * (N_MEMBERS - 1))

static gboolean
has_settled_all (BusFixture *f, guint first, guint n)
{
  g_auto (BusStatsView) view = bus_fixture_stats (f->controller);

  for (guint i = first; i < first + n; i++)
    {
      g_autofree char *id = g_strdup_printf ("worker-%u", i);
      const Daemoneye__Eventbus__V1__QueueStats *queue = bus_stats_view_subscription (&view, id, TOPIC);

      if (queue->unreturned_messages + queue->queued_messages > 0)
        return FALSE;
    }
  return TRUE;
}

/* The first member handles one message while each other one may handle ten. */
static void
test_least_loaded (BusFixture *f, gconstpointer data)
{
  Shares shares = { 0 };

  start_members (f, &shares, "take strategy=least-loaded block 0 0 160", "count strategy=least-loaded");
  for (guint round = 0; round < ROUNDS; round++)
    {
      worker_do (shares.members[0], "take g 1", "taking g");
      worker_publish (shares.publisher, TOPIC, PER_ROUND, SIZE);
      while (!has_settled_all (f, 1, N_MEMBERS - 1))
        bus_fixture_run_briefly (f);
    }
  worker_do (shares.members[0], "take g 100000", "taking g"); /* messages that it was sent count as well */
  share_out (f, &shares, 1, ROUNDS * PER_ROUND + 1);
  for (guint i = 0; i < N_MEMBERS; i++)
    g_test_message ("worker-%u: %" G_GUINT64_FORMAT, i, shares.got[i]);
  for (guint i = 1; i < N_MEMBERS; i++)
    g_assert_cmpuint (shares.got[0] * 4, <, shares.got[i]);
}

/* A group has one strategy, and a member that asks for another one gets an error. */
static void
test_conflict (BusFixture *f, gconstpointer data)
{
  TestProcess *first = bus_fixture_worker (f, "first", "procmond");
  TestProcess *second = bus_fixture_worker (f, "second", "procmond");
  g_autofree char *why = NULL;

  worker_subscribe (first, "g", GROUP "count strategy=random");
  test_process_send (second, "subscribe g " GROUP "count strategy=least-loaded");
  why = test_process_expect (second, "refused g");
  g_assert_nonnull (strstr (why, "group-strategy: the strategy of this group is random, not least-loaded"));
  worker_subscribe (second, "g", GROUP "count strategy=random");
  worker_subscribe (second, "h", TOPIC " others count strategy=least-loaded");
}

static const BusFixtureOptions configured
    = { .limits = "\n[group workers]\nstrategy=least-loaded\nin-flight=7\nweights=worker-1:5" };

/* The configuration overrides the request of a member, without an error. */
static void
test_configured (BusFixture *f, gconstpointer data)
{
  Shares shares = { 0 };
  g_auto (BusStatsView) view = { 0 };

  start_members (f, &shares, "count strategy=random weight=9 in-flight=3", "count strategy=first-available weight=2");
  view = bus_fixture_stats (f->controller);
  g_assert_cmpuint (group_of (&view)->strategy, ==, DEYE_BUS_STRATEGY_LEAST_LOADED);
  g_assert_cmpuint (group_of (&view)->in_flight, ==, 7);
  g_assert_cmpuint (bus_stats_view_subscription (&view, "worker-0", TOPIC)->weight, ==, 9);
  g_assert_cmpuint (bus_stats_view_subscription (&view, "worker-0", TOPIC)->in_flight, ==, 7);
  g_assert_cmpuint (bus_stats_view_subscription (&view, "worker-1", TOPIC)->weight, ==, 5);
}

/* With a random choice each member gets some messages. */
static void
test_random (BusFixture *f, gconstpointer data)
{
  Shares shares = { 0 };

  start_members (f, &shares, "count strategy=random", "count strategy=random");
  for (guint sent = 0; sent < 400; sent += 20) /* see BALANCED_N */
    share_out (f, &shares, 20, sent + 20);
  for (guint i = 0; i < N_MEMBERS; i++)
    g_assert_cmpuint (shares.got[i], >, 20); /* 100 on average */
}

/* The member with the largest weight gets all messages until its window is full; then the member that joined first gets
 * them. */
static void
test_first_available (BusFixture *f, gconstpointer data)
{
  Shares shares = { 0 };

  start_members (f, &shares, "count strategy=first-available", "count");
  share_out (f, &shares, 20, 20);
  g_assert_cmpuint (shares.got[0], ==, 20);
  {
    TestProcess *heavy = bus_fixture_worker (f, "heavy", "procmond");

    worker_subscribe (heavy, "g", GROUP "take weight=2 block 0 0 16");
    /* The member handles nothing until the broker has sent all messages: returned credit would allow more than its window. */
    share_out (f, &shares, 20, 24);
    worker_do (heavy, "take g 16", "taking g");
    worker_await (heavy, "g", 16);
    bus_fixture_end_worker (f, heavy);
  }
  g_assert_cmpuint (shares.got[1] + shares.got[2] + shares.got[3], ==, 0);
}

/* --- weight and in-flight bound --- */

static void
test_weight (BusFixture *f, gconstpointer data)
{
  Shares shares = { 0 };

  start_members (f, &shares, "count weight=3", "count");
  for (guint sent = 0; sent < 600; sent += 30) /* see BALANCED_N */
    share_out (f, &shares, 30, sent + 30);
  for (guint i = 1; i < N_MEMBERS; i++)
    g_assert_cmpuint (shares.got[0], >, shares.got[i] * 2);
}

/* A member that handles nothing gets as many messages as its bound allows, and the others get the rest. */
static void
test_in_flight (BusFixture *f, gconstpointer data)
{
  Shares shares = { 0 };
  guint64 held = 0;

  start_members (f, &shares, "take in-flight=5", "count");
  worker_publish (shares.publisher, TOPIC, 200, SIZE);
  while (shares.sum + held < 200)
    {
      g_auto (BusStatsView) view = bus_fixture_stats (f->controller);
      const Daemoneye__Eventbus__V1__QueueStats *queue = bus_stats_view_subscription (&view, "worker-0", TOPIC);

      g_assert_cmpuint (queue->in_flight, ==, 5);
      g_assert_cmpuint (queue->queued_messages, ==, 0);
      held = queue->unreturned_messages;
      read_shares (&shares);
    }
  g_assert_cmpuint (shares.got[0], ==, 0);
  g_assert_cmpuint (held, <=, 5);
  g_assert_cmpuint (held, >, 0);
  worker_do (shares.members[0], "take g 5", "taking g");
  worker_await (shares.members[0], "g", held);
}

/* --- drain --- */

static void
on_drained (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) reply = deye_bus_client_request_finish (DEYE_BUS_CLIENT (source), result, &error);

  g_assert_no_error (error);
  g_assert_nonnull (reply);
  *(gboolean *) data = TRUE;
}

static void
ask_drain (BusFixture *f, const char *peer, gboolean resume, gboolean *done)
{
  Daemoneye__Eventbus__V1__DrainRequest request = DAEMONEYE__EVENTBUS__V1__DRAIN_REQUEST__INIT;
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autofree char *id = g_strdup (peer);
  g_autofree guint8 *bytes = NULL;
  g_autoptr (GBytes) payload = NULL;
  char group[] = "workers";
  gsize len;

  request.peer = id;
  request.group = group;
  request.resume = resume;
  len = daemoneye__eventbus__v1__drain_request__get_packed_size (&request);
  bytes = g_malloc (len);
  daemoneye__eventbus__v1__drain_request__pack (&request, bytes);
  payload = g_bytes_new (bytes, len);
  deye_bus_options_set_type_name (options, request.base.descriptor->name);
  deye_bus_client_request_async (f->controller, "control.bus.drain", payload, options, NULL, on_drained, done);
}

/* An operator drains a member that has unsettled messages: the member is notified, gets no more messages, and is notified again
 * when it has handled the ones it had. A subscription that it adds to the group while it drains gets no messages either. */
static void
test_drain (BusFixture *f, gconstpointer data)
{
  Shares shares = { 0 };
  gboolean drained = FALSE, resumed = FALSE;
  guint64 held = 0;

  start_members (f, &shares, "take in-flight=5", "count");
  worker_publish (shares.publisher, TOPIC, 40, SIZE);
  while (shares.sum + held < 40)
    {
      g_auto (BusStatsView) view = bus_fixture_stats (f->controller);

      held = bus_stats_view_subscription (&view, "worker-0", TOPIC)->unreturned_messages;
      read_shares (&shares);
    }
  g_assert_cmpuint (held, >, 0);
  ask_drain (f, "worker-0", FALSE, &drained);
  {
    g_autofree char *state = NULL;

    g_main_context_iteration (f->context, FALSE);
    state = test_process_expect (shares.members[0], "drain g");
    g_assert_cmpstr (state, ==, "draining");
  }
  worker_subscribe (shares.members[0], "late", "results.procmond workers count");
  {
    g_autofree char *state = test_process_expect (shares.members[0], "drain late");

    g_assert_cmpstr (state, ==, "drained");
  }
  share_out (f, &shares, 60, 100 - held);
  g_assert_cmpuint (worker_report (shares.members[0], "late").received, ==, 0);
  g_assert_false (drained);
  worker_do (shares.members[0], "take g 5", "taking g");
  bus_fixture_wait (f, drained);
  test_process_expect_line (shares.members[0], "drain g drained");
  g_assert_cmpuint (worker_report (shares.members[0], "g").received, ==, held);
  ask_drain (f, "worker-0", TRUE, &resumed);
  bus_fixture_wait (f, resumed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/shares/" path, BusFixture, options, bus_fixture_set_up, function, bus_fixture_tear_down)
  ADD ("M07-round-robin", NULL, test_round_robin);
  ADD ("M07-least-loaded", NULL, test_least_loaded);
  ADD ("M07-conflict", NULL, test_conflict);
  ADD ("M07-configured", &configured, test_configured);
  ADD ("M07-random", NULL, test_random);
  ADD ("M07-first-available", NULL, test_first_available);
  ADD ("M07-weight", NULL, test_weight);
  ADD ("M07-in-flight", NULL, test_in_flight);
  ADD ("K14-drain", NULL, test_drain);
#undef ADD
  return g_test_run ();
}

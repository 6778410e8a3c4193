/* SPDX-License-Identifier: Apache-2.0 */
#include "member-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-standing.h"
#include "work/bus-work.h"

/* Standing tasks: the set of the agent, the Apply to the collector, and the applied revision. */

#define STANDING "control.bus.standing"

typedef Daemoneye__Eventbus__V1__StandingRequest StandingRequest;
typedef Daemoneye__Eventbus__V1__StandingSet StandingSet;
typedef Daemoneye__Eventbus__V1__StandingState StandingState;
typedef Daemoneye__Eventbus__V1__StandingTask StandingTask;

static StandingState *
set_tasks (Client *asker, guint64 revision, guint n, guint64 ttl_us, WireStatus want)
{
  StandingSet set = DAEMONEYE__EVENTBUS__V1__STANDING_SET__INIT;
  StandingTask tasks[3], *list[3];
  static const char *const ids[] = { "a", "b", "c" };

  for (guint i = 0; i < n; i++)
    {
      daemoneye__eventbus__v1__standing_task__init (&tasks[i]);
      tasks[i].id = (char *) (gsize) ids[i];
      tasks[i].operation = (char *) (gsize) "watch";
      list[i] = &tasks[i];
    }
  set.collector = (char *) (gsize) "one";
  set.revision = revision;
  set.n_set = n;
  set.set = list;
  set.ttl_us = ttl_us;
  return member_call (asker, STANDING, "Set", &set.base, &MSG (standing_state__descriptor), want);
}

static void
set_ok (Client *asker, guint64 revision, guint n, guint64 ttl_us)
{
  member_done (set_tasks (asker, revision, n, ttl_us, WIRE_STATUS_OK));
}

static StandingState *
get (Client *asker, WireStatus want)
{
  StandingRequest request = DAEMONEYE__EVENTBUS__V1__STANDING_REQUEST__INIT;

  request.collector = (char *) (gsize) "one";
  return member_call (asker, STANDING, "Get", &request.base, &MSG (standing_state__descriptor), want);
}

static void
assert_state (Client *asker, guint64 revision, guint64 observed, gboolean is_configuring)
{
  StandingState *state = get (asker, WIRE_STATUS_OK);

  g_assert_cmpuint (state->revision, ==, revision);
  g_assert_cmpuint (state->observed, ==, observed);
  g_assert_cmpint (state->is_configuring, ==, is_configuring);
  member_done (state);
}

static void
serve (Client *client)
{
  client_serve (client, 98, "control.collector.standing.one");
}

/* Takes the next Apply, which must have that revision and number of tasks, and returns its route; 0: there is none. */
static guint64
take_apply (Client *client, guint64 revision, guint n)
{
  g_autoptr (Got) got = client_take (client, WIRE_KIND_REQUEST);
  StandingSet *set;

  if (got == NULL)
    return 0;
  g_assert_true (wire_span_equal (got->envelope.sender, WIRE_SPAN_LITERAL ("bus")));
  g_assert_true (wire_span_equal (got->envelope.method, WIRE_SPAN_LITERAL ("Apply")));
  set = MSG (standing_set__unpack) (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_cmpstr (set->collector, ==, "one");
  g_assert_cmpuint (set->revision, ==, revision);
  g_assert_cmpuint (set->n_set, ==, n);
  member_done (set);
  return got->envelope.route_id;
}

static void
answer (Client *client, guint64 route, guint64 observed, const char *problem)
{
  StandingState state = DAEMONEYE__EVENTBUS__V1__STANDING_STATE__INIT;
  g_autofree guint8 *payload = NULL;
  WireEnvelope envelope;

  g_assert_cmpuint (route, !=, 0);
  state.observed = observed;
  state.problem = (char *) (gsize) problem;
  payload = g_malloc (MSG (standing_state__get_packed_size) (&state) + 1);
  wire_envelope_init (&envelope);
  envelope.route = route;
  envelope.payload = wire_span (payload, MSG (standing_state__pack) (&state, payload));
  client_send (client, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope);
}

/* The set is sent when the collector serves its standing topic, and counts as applied after its answer. */
static void
test_apply (Core *core, gconstpointer data)
{
  Client *agent = member_agent (core);
  Client *one;

  set_ok (agent, 1, 2, 0);
  assert_state (agent, 1, 0, TRUE);
  one = member_ready (core, "one");
  g_assert_cmpuint (take_apply (one, 1, 2), ==, 0);
  serve (one);
  assert_state (agent, 1, 0, TRUE);
  answer (one, take_apply (one, 1, 2), 1, "");
  assert_state (agent, 1, 1, FALSE);
  assert_state (one, 1, 1, FALSE); /* a collector may read its own state */
  g_assert_null (client_take (one, WIRE_KIND_ERROR));
}

/* Each change is sent once; the same set again renews it, and sends nothing. */
static void
test_change (Core *core, gconstpointer data)
{
  Client *agent = member_agent (core);
  Client *one = member_ready (core, "one");
  guint64 route;

  serve (one);
  set_ok (agent, 1, 1, 0);
  route = take_apply (one, 1, 1);
  set_ok (agent, 2, 3, 0); /* before the answer */
  g_assert_cmpuint (take_apply (one, 2, 3), ==, 0);
  answer (one, route, 1, "");
  assert_state (agent, 2, 1, TRUE);
  answer (one, take_apply (one, 2, 3), 2, "");
  set_ok (agent, 2, 3, 0);
  g_assert_cmpuint (take_apply (one, 2, 3), ==, 0);
  assert_state (agent, 2, 2, FALSE);
  set_tasks (agent, 2, 1, 0, WIRE_STATUS_PROTOCOL_ORDER);
  set_tasks (agent, 1, 1, 0, WIRE_STATUS_PROTOCOL_ORDER);
}

/* A collector that registers again gets the set again. */
static void
test_again (Core *core, gconstpointer data)
{
  Client *agent = member_agent (core);
  Client *one = member_ready (core, "one");

  serve (one);
  set_ok (agent, 1, 1, 0);
  answer (one, take_apply (one, 1, 1), 1, "");
  client_disconnect (one);
  one = member_ready (core, "one");
  serve (one);
  assert_state (agent, 1, 0, TRUE);
  g_assert_cmpuint (take_apply (one, 1, 1), !=, 0);
  client_disconnect (one); /* without an answer */
  one = member_ready (core, "one");
  serve (one);
  answer (one, take_apply (one, 1, 1), 1, "");
  assert_state (agent, 1, 1, FALSE);
}

/* The collector registers again on its connection before it has answered: the answer belongs to the earlier registration. */
static void
test_again_unanswered (Core *core, gconstpointer data)
{
  Client *agent = member_agent (core);
  Client *one = member_ready (core, "one");
  guint64 route;

  serve (one);
  set_ok (agent, 1, 1, 0);
  route = take_apply (one, 1, 1);
  member_enrol (one, "scan");
  g_assert_cmpuint (take_apply (one, 1, 1), ==, 0);
  answer (one, route, 1, "");
  assert_state (agent, 1, 0, TRUE);
  answer (one, take_apply (one, 1, 1), 1, "");
  assert_state (agent, 1, 1, FALSE);
  g_assert_cmpuint (take_apply (one, 1, 1), ==, 0);
}

/* A collector that cannot apply the set reports the reason, and is asked again when the agent renews the set. */
static void
test_problem (Core *core, gconstpointer data)
{
  Client *agent = member_agent (core);
  Client *one = member_ready (core, "one");
  StandingState *state;

  serve (one);
  set_ok (agent, 1, 1, 0);
  answer (one, take_apply (one, 1, 1), 0, "no such operation");
  state = get (agent, WIRE_STATUS_OK);
  g_assert_cmpstr (state->problem, ==, "no such operation");
  g_assert_true (state->is_configuring);
  member_done (state);
  set_ok (agent, 1, 1, 0);
  answer (one, take_apply (one, 1, 1), 1, "");
  assert_state (agent, 1, 1, FALSE);
}

/* A set that is not renewed becomes empty, and is removed when the collector has applied that, or after the same time again. */
static void
test_ttl (Core *core, gconstpointer data)
{
  Client *agent = member_agent (core);
  Client *one = member_ready (core, "one");

  serve (one);
  set_ok (agent, 1, 1, 4 * SECOND);
  answer (one, take_apply (one, 1, 1), 1, "");
  member_pass_time (core, 2 * SECOND, NULL);
  set_ok (agent, 1, 1, 4 * SECOND);
  member_pass_time (core, 2 * SECOND, NULL);
  assert_state (agent, 1, 1, FALSE);
  member_pass_time (core, 2 * SECOND, NULL);
  assert_state (agent, 1, 0, TRUE);
  answer (one, take_apply (one, 1, 0), 1, "");
  get (agent, WIRE_STATUS_ABSENT);
  client_disconnect (one);
  set_ok (agent, 1, 1, 4 * SECOND);
  member_pass_time (core, 4 * SECOND, NULL);
  assert_state (agent, 1, 0, TRUE);
  member_pass_time (core, 4 * SECOND, NULL);
  get (agent, WIRE_STATUS_ABSENT);
  g_assert_cmpuint (core->core->work->standings->bytes, ==, 0);
}

/* Bounds and rights. */
static void
test_refused (Core *core, gconstpointer data)
{
  Client *agent = member_agent (core);
  Client *two = member_ready (core, "two");

  set_tasks (two, 1, 1, 0, WIRE_STATUS_DENIED);
  get (two, WIRE_STATUS_DENIED);
  get (agent, WIRE_STATUS_ABSENT);
  set_tasks (agent, 0, 1, 0, WIRE_STATUS_BAD_MESSAGE);
  set_tasks (agent, 1, 1, bus_limit_spec (BUS_LIMIT_task_standing_us)->ceiling + 1, WIRE_STATUS_LIMIT);
  core->core->limits.task_standing_sets = 0;
  set_tasks (agent, 1, 1, 0, WIRE_STATUS_LIMIT);
  core->core->limits.task_standing_sets = 1;
  core->core->limits.task_standing_bytes = 4;
  set_tasks (agent, 1, 1, 0, WIRE_STATUS_LIMIT);
  g_assert_cmpuint (agent->peer->account->task_bytes, ==, 0);
}

#define ADD(path, function) g_test_add ("/core/standing/" path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M28-apply", test_apply);
  ADD ("M28-change", test_change);
  ADD ("K01-M28-again", test_again);
  ADD ("K01-M28-again-unanswered", test_again_unanswered);
  ADD ("M28-problem", test_problem);
  ADD ("M28-ttl", test_ttl);
  ADD ("M28-refused", test_refused);
  return g_test_run ();
}

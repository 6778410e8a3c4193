/* SPDX-License-Identifier: Apache-2.0 */
#include "member-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-registry.h"
#include "work/bus-trust.h"

/* Trust in collectors: which collectors get tasks, which are suspect or set aside, and for how long. */

static void
test_silent (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);
  Client *one = member_ready (core, "one");

  client_subscribe (watcher, 1, "system.collector.suspect", NULL);
  core_advance (core, 5 * SECOND);
  g_assert_cmpuint (client_count (one, WIRE_KIND_PING), ==, 1);
  core_advance (core, 5 * SECOND);
  member_assert_list (watcher, "one=ready");
  core_advance (core, 5 * SECOND);
  g_assert_cmpuint (client_count (one, WIRE_KIND_PING), ==, 1);
  member_assert_list (watcher, "one=suspect");
  member_assert_news (watcher, "suspect(one)");
  core_advance (core, 60 * SECOND);
  member_assert_list (watcher, "one=suspect");
  member_pass_time (core, 1, watcher);
  member_assert_list (watcher, "one=ready");
}

/* A collector that answers PING is never suspected. */
static void
test_alive (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);

  member_ready (core, "one");
  member_pass_time (core, 60 * SECOND, watcher);
  member_assert_list (watcher, "one=ready");
}

/* The broker itself was suspended, so unread frames of peers do not count as silence, but only once in a minute. */
static void
test_grace (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);

  member_ready (core, "one");
  for (guint round = 0; round < 2; round++)
    {
      core_advance (core, 5 * SECOND);
      core_advance (core, 5 * SECOND);
      g_assert_cmpuint (bus_health_missed (member_of (core, "one")->peer->health, NULL), ==, 1);
      core_advance (core, 20 * SECOND);
      member_assert_list (watcher, round == 0 ? "one=ready" : "one=suspect");
      member_pass_time (core, 1, watcher);
      member_assert_list (watcher, "one=ready");
    }
}

static void
test_zombies (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);
  Client *one = member_ready (core, "one");

  one->peer->member->n_zombie = 2;
  bus_trust_slots (core->core, one->peer->member);
  member_assert_list (watcher, "one=suspect");
  g_assert_cmpstr (one->peer->member->cause, ==, "every slot waits for an answer that is overdue");
  one->peer->member->n_zombie = 1;
  bus_trust_slots (core->core, one->peer->member);
  member_assert_list (watcher, "one=ready");
  one->peer->member->n_zombie = 0;
}

/* Three failures in a minute set a collector aside. The time doubles with each repetition, also for a new connection of the id. */
static void
test_set_aside (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);
  Client *one = member_ready (core, "one");

  member_ready (core, "two");
  member_strike (core, "one");
  member_strike (core, "one");
  member_pass_time (core, 61 * SECOND, NULL);
  member_strike (core, "one");
  member_assert_list (watcher, "one=ready two=ready"); /* the first two are too old */
  member_strike (core, "one");
  member_strike (core, "one");
  member_assert_list (watcher, "one=set-aside two=ready");
  member_pass_time (core, 4 * SECOND, NULL);
  client_disconnect (one);
  one = member_ready (core, "one");
  member_assert_list (watcher, "one=set-aside two=ready");
  member_pass_time (core, 2 * SECOND, NULL);
  member_assert_list (watcher, "one=ready two=ready");
  for (guint i = 0; i < 3; i++)
    member_strike (core, "one");
  member_pass_time (core, 9 * SECOND, NULL);
  member_assert_list (watcher, "one=set-aside two=ready");
  member_pass_time (core, 2 * SECOND, NULL);
  member_assert_list (watcher, "one=ready two=ready");
}

/* The only ready collector is not set aside; it gets one task at a time. */
static void
test_last_one_is_not_set_aside (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);
  Client *one = member_ready (core, "one");
  BusMember *member = one->peer->member;

  member->has_started = TRUE;
  g_assert_cmpuint (bus_member_offer_room (member), ==, 1);
  for (guint i = 0; i < 3; i++)
    member_strike (core, "one");
  member_assert_list (watcher, "one=ready");
  g_assert_true (member->is_probed);
  member->n_running = 1;
  g_assert_cmpuint (bus_member_offer_room (member), ==, 0);
  member->n_running = 0;
  member_pass_time (core, 6 * SECOND, NULL);
  g_assert_false (member->is_probed);
}

/* At most half of the members, rounded down, are set aside. If no member is ready, the one whose time ends first is used. */
static void
test_at_most_half_set_aside (Core *core, gconstpointer data)
{
  static const char *const ids[] = { "one", "three", "two" };
  Client *watcher = member_agent (core);
  Client *clients[G_N_ELEMENTS (ids)];

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    clients[i] = member_ready (core, ids[i]);
  for (guint i = 0; i < 3; i++)
    member_strike (core, "one");
  for (guint i = 0; i < 3; i++)
    member_strike (core, "two");
  member_assert_list (watcher, "one=set-aside three=ready two=ready");
  g_assert_true (member_of (core, "two")->is_probed);
  client_disconnect (clients[2]);
  member_assert_list (watcher, "one=set-aside three=ready");
  client_disconnect (clients[1]);
  member_assert_list (watcher, "one=ready");
  g_assert_true (member_of (core, "one")->is_probed);
}

/* Members of another type do not count, because they cannot do the work of this type. */
static void
test_other_type_does_not_count (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);
  Client *other = client_ready (core, "net", "netmond");

  member_ready (core, "one");
  other->peer->features |= WIRE_FEATURE_TASKS;
  member_enrol (other, "scan");
  client_serve (other, 99, "control.collector.task.netmond.net");
  for (guint i = 0; i < 3; i++)
    member_strike (core, "one");
  member_assert_list (watcher, "net=ready one=ready");
}

/* A collector that restarts repeatedly is set aside, although it announces each end. */
static void
test_crash_loop (Core *core, gconstpointer data)
{
  Daemoneye__Eventbus__V1__DeregisterRequest end = DAEMONEYE__EVENTBUS__V1__DEREGISTER_REQUEST__INIT;
  Client *watcher = member_agent (core);
  Client *one = member_new (core, "one");

  member_ready (core, "two");
  for (guint i = 0; i < 3; i++)
    {
      member_enrol (one, "scan");
      member_done (
          member_call (one, REGISTERED, "Deregister", &end.base, &MSG (deregister_reply__descriptor), WIRE_STATUS_OK));
    }
  member_enrol (one, "scan");
  member_serve (one);
  member_assert_list (watcher, "one=set-aside two=ready");
  member_pass_time (core, 6 * SECOND, NULL);
  member_assert_list (watcher, "one=ready two=ready");
}

/* A collector that has died twice while it ran a task is set aside when it registers again. */
static void
test_dies_at_work (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);

  member_ready (core, "two");
  for (guint i = 0; i < 3; i++)
    {
      Client *one = member_ready (core, "one");

      member_assert_list (watcher, i < 2 ? "one=ready two=ready" : "one=set-aside two=ready");
      if (i < 2)
        one->peer->member->n_running = 1;
      client_disconnect (one);
      member_pass_time (core, 30 * SECOND, NULL);
    }
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/collectors/K04-silent", test_silent);
  ADD ("/core/collectors/K04-alive", test_alive);
  ADD ("/core/collectors/K04-grace", test_grace);
  ADD ("/core/collectors/K04-zombies", test_zombies);
  ADD ("/core/collectors/K07-set-aside", test_set_aside);
  ADD ("/core/collectors/K07-last-one-is-not-set-aside", test_last_one_is_not_set_aside);
  ADD ("/core/collectors/K07-at-most-half-set-aside", test_at_most_half_set_aside);
  ADD ("/core/collectors/K07-other-type-does-not-count", test_other_type_does_not_count);
  ADD ("/core/collectors/K07-crash-loop", test_crash_loop);
  ADD ("/core/collectors/K06-dies-at-work", test_dies_at_work);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "health-fixture.h"

#include "peer/bus-state.h"

/* control.bus.health List: the peers that a caller sees, pages, and the fields of a row. */

static void
test_rows (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);
  Client *one = member_ready (core, "one");
  HealthListRequest request = DAEMONEYE__EVENTBUS__V1__HEALTH_LIST_REQUEST__INIT;
  HealthListReply *reply;
  char id[] = "one";

  health_pass_time (core, 10 * SECOND, one);
  health_pass_time (core, SECOND, one);
  request.id = id;
  reply = health_call_list (watcher, &request);
  g_assert_cmpuint (reply->total, ==, 1);
  g_assert_cmpstr (reply->peers[0]->id, ==, "one");
  g_assert_cmpstr (reply->peers[0]->type, ==, "procmond");
  g_assert_cmpuint (reply->peers[0]->incarnation, ==, one->peer->incarnation);
  g_assert_cmpstr (reply->peers[0]->account, ==, one->peer->account->name);
  g_assert_cmpuint (reply->peers[0]->since_us, ==, SECOND);
  g_assert_cmpuint (reply->peers[0]->transitions, ==, 1);
  g_assert_cmpint (reply->peers[0]->before, ==, DAEMONEYE__EVENTBUS__V1__PEER_HEALTH__PEER_HEALTH_HEALTHY);
  g_assert_cmpuint (reply->peers[0]->signals->connection_missed, ==, 1);
  g_assert_cmpuint (reply->peers[0]->signals->loop_missed, ==, 1);
  g_assert_cmpuint (reply->peers[0]->signals->queue_missed, ==, 0);
  member_done (reply);
}

static void
test_at_least (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);
  Client *one = member_ready (core, "one");
  HealthListRequest request = DAEMONEYE__EVENTBUS__V1__HEALTH_LIST_REQUEST__INIT;
  HealthListReply *reply;

  member_ready (core, "two");
  health_pass_time (core, 10 * SECOND, one);
  for (guint state = 0; state < 4; state++)
    {
      request.at_least = state;
      reply = health_call_list (watcher, &request);
      g_assert_cmpuint (reply->total, ==, state < 2 ? 3 : state == 2 ? 1 : 0);
      g_assert_cmpuint (reply->n_peers, ==, reply->total);
      member_done (reply);
    }
}

/* A reader that follows the cursors gets each peer once. */
static void
test_pages (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);
  g_autoptr (GString) seen = g_string_new (NULL);
  g_autofree char *cursor = g_strdup ("");

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *id = g_strdup_printf ("p%u", (i * 3) % 5);

      client_ready (core, id, "procmond");
    }
  do
    {
      HealthListRequest request = DAEMONEYE__EVENTBUS__V1__HEALTH_LIST_REQUEST__INIT;
      HealthListReply *reply;

      request.limit = 2;
      request.cursor = cursor;
      reply = health_call_list (watcher, &request);
      g_assert_cmpuint (reply->total, ==, 6);
      for (gsize i = 0; i < reply->n_peers; i++)
        g_string_append_printf (seen, "%s ", reply->peers[i]->id);
      g_string_append (seen, "| ");
      g_free (cursor);
      cursor = g_strdup (reply->next_cursor);
      member_done (reply);
    }
  while (cursor[0] != '\0');
  g_assert_cmpstr (seen->str, ==, "daemoneye-agent p0 | p1 p2 | p3 p4 | ");
}

/* Agent and tool see all, a collector itself, and without the feature TASKS there is no such method. */
static void
test_rights (Core *core, gconstpointer data)
{
  HealthListRequest request = DAEMONEYE__EVENTBUS__V1__HEALTH_LIST_REQUEST__INIT;
  Client *one = member_ready (core, "one");
  Client *tool = tool_ready (core, "watch");

  client_ready (core, "two", "procmond");
  health_assert_list (one, "one=healthy");
  tool->peer->features |= WIRE_FEATURE_TASKS;
  health_assert_list (tool, "one=healthy two=healthy");
  tool->peer->features &= ~WIRE_FEATURE_TASKS;
  g_assert_null (member_call (tool, "control.bus.health", "List", &request.base, &MSG (health_list_reply__descriptor),
                              WIRE_STATUS_UNSUPPORTED));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/core/health-list/" path, Core, NULL, core_setup, function, core_teardown)
  ADD ("M13-rows", test_rows);
  ADD ("M13-at-least", test_at_least);
  ADD ("M13-pages", test_pages);
  ADD ("M13-rights", test_rights);
  return g_test_run ();
}

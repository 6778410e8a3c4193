/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-takeover.h"

#include "peer/peer-fixture.h"

/* The conditions for a new connection to take over an id, and its wait. test-bus-takeover.c tests this from the view of
 * clients. */

typedef struct
{
  const char *name;
  guint32 account;
  guint32 pid;
  gboolean agent;
  guint64 incarnation;
  guint8 token;
  BusTakeoverRule rule;
} RuleCase;

/* The holder has account 1000, pid 4321, incarnation 9 and no token. */
static const RuleCase rule_cases[] = {
  { "same", 1000, 4321, FALSE, 9, 0, BUS_TAKEOVER_AT_ONCE },
  { "other-process", 1000, 4322, FALSE, 9, 0, BUS_TAKEOVER_IF_SILENT },
  { "newer-incarnation", 1000, 4321, FALSE, 10, 0, BUS_TAKEOVER_IF_SILENT },
  { "older-incarnation", 1000, 4321, FALSE, 8, 0, BUS_TAKEOVER_IF_SILENT },
  { "other-account", 1001, 4321, FALSE, 9, 0, BUS_TAKEOVER_REFUSED },
  { "other-token", 1000, 4321, FALSE, 9, 1, BUS_TAKEOVER_REFUSED },
  { "agent", 1000, 4321, TRUE, 9, 0, BUS_TAKEOVER_REFUSED },
};

static void
test_rules (Peers *f, gconstpointer data)
{
  BusPeer *holder = peers_ready (f, "one", 1000);

  for (guint i = 0; i < G_N_ELEMENTS (rule_cases); i++)
    {
      const RuleCase *row = &rule_cases[i];
      const guint8 token[BUS_TOKEN_DIGEST] = { [BUS_TOKEN_DIGEST - 1] = row->token };
      BusPeer newcomer = { .who = { .account = row->account, .pid = row->pid, .agent = row->agent } };

      g_test_message ("%s", row->name);
      g_assert_cmpint (bus_takeover_rule (holder, &newcomer, row->incarnation, token), ==, row->rule);
    }
}

static BusPeer *
wait_for (Peers *f, BusPeer *holder, BusTakeoverRule rule)
{
  BusPeer *newcomer = peers_connect (f, 1000, FALSE);

  g_assert_true (bus_takeover_begin (holder, newcomer, rule, WIRE_SPAN_LITERAL ("hello!")));
  g_assert_cmpint (newcomer->state, ==, BUS_PEER_WAITING);
  return newcomer;
}

static void
test_at_once (Peers *f, gconstpointer data)
{
  BusPeer *holder = peers_ready (f, "one", 1000);
  BusPeer *newcomer = wait_for (f, holder, BUS_TAKEOVER_AT_ONCE);

  peers_assert_sent (holder, "GOODBYE status=TAKEN_OVER\n");
  g_assert_false (bus_takeover_is_asked (holder));
  g_assert_true (bus_takeover_next (holder) == newcomer);
  peers_disconnect (f, newcomer);
}

/* The holder is sent one PING for all waiting connections, and its answer refuses all of them. */
static void
test_answered (Peers *f, gconstpointer data)
{
  BusPeer *holder = peers_ready (f, "one", 1000);
  BusPeer *first = wait_for (f, holder, BUS_TAKEOVER_IF_SILENT);
  BusPeer *second;

  g_assert_cmpint (holder->extra->takeover_timer.deadline.due_us, ==, f->core->now_us + BUS_TAKEOVER_PATIENCE_US);
  f->core->now_us += 1000;
  second = wait_for (f, holder, BUS_TAKEOVER_IF_SILENT);
  peers_assert_sent (holder, "PING\n");
  g_assert_cmpint (holder->extra->takeover_timer.deadline.due_us, ==,
                   f->core->now_us - 1000 + BUS_TAKEOVER_PATIENCE_US);
  bus_takeover_answered (holder);
  g_assert_false (bus_takeover_is_asked (holder));
  g_assert_true (bus_peer_is_ready (holder));
  g_assert_null (bus_takeover_next (holder));
  peers_assert_sent (first, "GOODBYE status=DUPLICATE_ID\n");
  peers_assert_sent (second, "GOODBYE status=DUPLICATE_ID\n");
  peers_disconnect (f, first);
  peers_disconnect (f, second);
}

static void
test_silent (Peers *f, gconstpointer data)
{
  BusPeer *holder = peers_ready (f, "one", 1000);
  BusPeer *newcomer = wait_for (f, holder, BUS_TAKEOVER_IF_SILENT);
  g_autofree guint8 *hello = NULL;
  gsize len;

  bus_takeover_due (holder);
  peers_assert_sent (holder, "PING\nGOODBYE status=TAKEN_OVER\n");
  g_assert_true (bus_takeover_next (holder) == newcomer);
  hello = bus_takeover_withdraw (newcomer, &len);
  g_assert_cmpmem (hello, len, "hello!", 6);
  g_assert_null (bus_takeover_next (holder));
  g_assert_null (bus_takeover_withdraw (newcomer, &len));
}

/* A waiting HELLO is charged to its sender. When the last waiting connection leaves, no answer is awaited any more. */
static void
test_leaves (Peers *f, gconstpointer data)
{
  BusPeer *holder = peers_ready (f, "one", 1000);
  BusPeer *newcomer = wait_for (f, holder, BUS_TAKEOVER_IF_SILENT);

  g_assert_cmpuint (newcomer->ledger.usage.charged, ==, BUS_PEER_COST + 6);
  peers_disconnect (f, newcomer);
  g_assert_false (bus_takeover_is_asked (holder));
  g_assert_cmpuint (holder->extra->newcomers.length, ==, 0);
  g_assert_true (bus_peer_is_ready (holder));
}

#define ADD(path, function) g_test_add (path, Peers, NULL, peers_setup, function, peers_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/takeover/A01-A03-rules", test_rules);
  ADD ("/core/takeover/K11-at-once", test_at_once);
  ADD ("/core/takeover/A01-answered", test_answered);
  ADD ("/core/takeover/K11-silent", test_silent);
  ADD ("/core/takeover/R04-leaves", test_leaves);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "policy-fixture.h"

#include "wire-topic.h"

/* All rights to topics: each operation, by role, id and type. */

/* The lists contain all peers that have a right; all others must be denied. */
typedef struct
{
  const char *topic;
  const char *rule;
  const char *publish;
  const char *request;
  const char *subscribe;
  const char *serve;
} Right;

static const Right rights[] = {
  { "events.process.lifecycle", "events-own-domain", "PQ", "PQ", ALL, NOBODY },
  { "events.process.metadata", "events-own-domain", "PQ", "PQ", ALL, NOBODY },
  { "events.process.batch", "events-own-domain", "PQ", "PQ", ALL, NOBODY },
  { "events.process.some.thing.else", "events-own-domain", "PQ", "PQ", ALL, NOBODY },
  { "events.process", "events-own-domain", "PQ", "PQ", ALL, NOBODY },
  { "events.network.dns", "events-own-domain", "N", "N", ALL, NOBODY },
  { "events.filesystem.bulk", "events-own-domain", "S", "S", ALL, NOBODY },
  { "events.performance.system", "events-own-domain", "E", "E", ALL, NOBODY },
  { "events.foo.bar", "events-own-domain", "F", "F", ALL, NOBODY },
  { "events.procmond.lifecycle", "events-own-domain", NOBODY, NOBODY, ALL, NOBODY },
  { "events.other.bar", "events-own-domain", NOBODY, NOBODY, ALL, NOBODY },
  { "events.process.anomaly", "events-anomaly", ALL, ALL, ALL, ALL },
  { "events.network.anomaly", "events-anomaly", ALL, ALL, ALL, ALL },
  { "events.filesystem.anomaly", "events-anomaly", ALL, ALL, ALL, ALL },
  { "events.performance.anomaly", "events-anomaly", ALL, ALL, ALL, ALL },
  { "events.foo.anomaly", "events-own-domain", "F", "F", ALL, NOBODY },
  { "events.process.anomaly.more", "events-own-domain", "PQ", "PQ", ALL, NOBODY },
  { "events", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },

  { "tasks.procmond", "tasks", AGENT, AGENT, ALL, COLLECTORS },
  { "tasks", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },
  { "tasks.procmond.more", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },
  { "results.procmond", "results-own-type", "PQ", "PQ", ALL, NOBODY },
  { "results.foo", "results-own-type", "F", "F", ALL, NOBODY },
  { "results.process", "results-own-type", "X", "X", ALL, NOBODY },
  { "results", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },
  { "results.procmond.more", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },
  { "health", "health", ALL, ALL, ALL, ALL },
  { "health.proc-1.disk", "health", ALL, ALL, ALL, ALL },
  { "health.properties", "health", ALL, ALL, ALL, ALL },
  { "health.properties.proc-1", "health-own-properties", "P", "P", ALL, NOBODY },
  { "health.properties.tool-1", "health-own-properties", "T", "T", ALL, NOBODY },
  { "health.properties.daemoneye-agent", "health-own-properties", "A", "A", ALL, NOBODY },
  { "health.properties.nobody", "health-own-properties", NOBODY, NOBODY, ALL, NOBODY },
  { "health.properties.proc-1.more", "health", ALL, ALL, ALL, ALL },

  { "control.health.heartbeat", "health-heartbeat", ALL, ALL, ALL, ALL },
  { "control.health.status", "health-status", ALL, ALL, ALL, ALL },
  { "control.health.diagnostics", "health-diagnostics", ALL, ALL, ALL, ALL },
  { "control.health.heartbeat.proc-1", "health-own-heartbeat", "P", "P", ALL, "P" },
  { "control.health.heartbeat.daemoneye-agent", "health-own-heartbeat", "A", "A", ALL, "A" },
  { "control.health.heartbeat.tool-1", "health-own-heartbeat", "T", "T", ALL, "T" },
  { "control.health.heartbeat.nobody", "health-own-heartbeat", NOBODY, NOBODY, ALL, NOBODY },
  { "control.health.status.proc-1", "health-own-status", "P", "P", ALL, NOBODY },
  { "control.health.status.nobody", "health-own-status", NOBODY, NOBODY, ALL, NOBODY },
  { "control.health.other", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },
  { "control.health", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },

  { "control.agent.orchestration", "agent-orchestration", AGENT, AGENT, AGENT, AGENT },
  { "control.agent.policy", "agent-policy", AGENT, AGENT, AGENT, AGENT },
  { "control.agent.other", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },

  { "control.collector.lifecycle", "collector-lifecycle", AGENT, AGENT, ALL, NOBODY },
  { "control.collector.registration", "collector-registration", ALL, ALL, AGENT, AGENT },
  { "control.collector.config", "collector-config", AGENT, AGENT, ALL, COLLECTORS },
  { "control.collector.config.reload", "collector-config-reload", AGENT, AGENT, ALL, COLLECTORS },
  { "control.collector.config.proc-1", "collector-config-one", AGENT, AGENT, "ATP", "P" },
  { "control.collector.config.tool-1", "collector-config-one", AGENT, AGENT, "AT", NOBODY },
  { "control.collector.task", "collector-task", AGENT, AGENT, ALL, COLLECTORS },
  { "control.collector.task.process", "collector-task-type", AGENT, AGENT, ALL, "PQ" },
  { "control.collector.task.procmond", "collector-task-type", AGENT, AGENT, ALL, "PQ" },
  { "control.collector.task.process.proc-2", "collector-task-one", AGENT, AGENT, "ATQ", "Q" },
  { "control.collector.task.process.proc-2.more", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },
  { "control.collector.standing.proc-2", "collector-standing", NOBODY, NOBODY, "Q", "Q" },
  { "control.collector.standing.tool-1", "collector-standing", NOBODY, NOBODY, NOBODY, NOBODY },
  { "control.collector.net-1", "collector-one", AGENT, AGENT, "ATN", "N" },
  { "control.collector.nobody", "collector-one", AGENT, AGENT, AGENT, NOBODY },
  { "control.collector.tool-1", "collector-one", AGENT, AGENT, AGENT, "T" },
  { "control.collector.daemoneye-agent", "collector-one", AGENT, AGENT, AGENT, "A" },
  { "control.collector.net-1.more", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },
  { "control.collector", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },

  { "control.shutdown", "shutdown", AGENT, AGENT, ALL, NOBODY },
  { "control.shutdown.fs-1", "shutdown-one", AGENT, AGENT, "ATS", "S" },

  { "control.bus.subscribe", "bus-calls", NOBODY, ALL, NOBODY, NOBODY },
  { "control.bus.stats", "bus-calls", NOBODY, ALL, NOBODY, NOBODY },
  { "control.bus", "bus-calls", NOBODY, ALL, NOBODY, NOBODY },
  { "control.bus.clear", "bus-clear", NOBODY, AGENT, NOBODY, NOBODY },
  { "control.bus.gather", "bus-gather", NOBODY, AGENT, NOBODY, NOBODY },
  { "control.buses", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },
  { "control", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },

  { "system", "system-broker-only", NOBODY, NOBODY, AGENT, NOBODY },
  { "system.peer.joined", "system-broker-only", NOBODY, NOBODY, AGENT, NOBODY },
  { "debug", "debug-reserved", NOBODY, NOBODY, NOBODY, NOBODY },
  { "debug.trace", "debug-reserved", NOBODY, NOBODY, NOBODY, NOBODY },

  /* Other names of the upstream project, to which no peer has a right. */
  { "control.rpc.response.proc-1", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },
  { "control.direct.proc-1", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },
  { "control.trigger.request", "no-rule", NOBODY, NOBODY, NOBODY, NOBODY },
};

static void
test_table (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rights); i++)
    for (guint k = 0; k < G_N_ELEMENTS (policy_cast); k++)
      {
        const Right *right = &rights[i];
        char letter = policy_cast[k].letter;

        policy_assert_verdict (letter, BUS_OP_PUBLISH, right->topic, strchr (right->publish, letter) != NULL,
                               right->rule);
        policy_assert_verdict (letter, BUS_OP_REQUEST, right->topic, strchr (right->request, letter) != NULL,
                               right->rule);
        policy_assert_verdict (letter, BUS_OP_SUBSCRIBE, right->topic, strchr (right->subscribe, letter) != NULL,
                               right->rule);
        policy_assert_verdict (letter, BUS_OP_DELIVER, right->topic, strchr (right->subscribe, letter) != NULL,
                               right->rule);
        policy_assert_verdict (letter, BUS_OP_SERVE, right->topic, strchr (right->serve, letter) != NULL, right->rule);
      }
}

/* Each rule allows and denies at least one case, except for rules that never allow or never deny. */
static void
test_table_is_whole (void)
{
  static const char *const always[]
      = { "events-anomaly", "health", "health-heartbeat", "health-status", "health-diagnostics" };
  static const char *const never[] = { "debug-reserved", "no-rule" };
  static const BusRight operations[]
      = { BUS_OP_PUBLISH, BUS_OP_REQUEST, BUS_OP_SUBSCRIBE, BUS_OP_SERVE, BUS_OP_DELIVER };
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer rule, verdicts;

  for (guint i = 0; i < G_N_ELEMENTS (rights); i++)
    for (guint k = 0; k < G_N_ELEMENTS (policy_cast); k++)
      for (guint op = 0; op < G_N_ELEMENTS (operations); op++)
        {
          BusVerdict verdict = policy_ask (policy_cast[k].letter, operations[op], rights[i].topic);
          guint former = GPOINTER_TO_UINT (g_hash_table_lookup (seen, verdict.rule));

          g_hash_table_insert (seen, (gpointer) verdict.rule, GUINT_TO_POINTER (former | (verdict.allowed ? 1u : 2u)));
        }
  g_assert_cmpuint (g_hash_table_size (seen), ==, 31); /* every rule of the table, and no-rule */
  g_hash_table_iter_init (&iter, seen);
  while (g_hash_table_iter_next (&iter, &rule, &verdicts))
    {
      guint expected = 3;

      for (guint i = 0; i < G_N_ELEMENTS (always); i++)
        expected = g_str_equal (rule, always[i]) ? 1 : expected;
      for (guint i = 0; i < G_N_ELEMENTS (never); i++)
        expected = g_str_equal (rule, never[i]) ? 2 : expected;
      if (GPOINTER_TO_UINT (verdicts) != expected)
        g_test_message ("%s", (const char *) rule);
      g_assert_cmpuint (GPOINTER_TO_UINT (verdicts), ==, expected);
    }
}

static void
test_reserved (void)
{
  static const struct
  {
    const char *topic;
    const char *rule;
  } denied[] = {
    { "system", "system-broker-only" },
    { "system.peer", "system-broker-only" },
    { "system.a.b.c.d", "system-broker-only" },
    { "debug.x", "debug-reserved" },
    { "control.shutdown", "shutdown" },
    { "control.shutdown.proc-1", "shutdown-one" },
    { "control.collector.lifecycle", "collector-lifecycle" },
    { "control.collector.config", "collector-config" },
    { "control.collector.config.proc-1", "collector-config-one" },
    { "control.collector.proc-1", "collector-one" },
    { "control.collector.task.process.proc-1", "collector-task-one" },
    { "control.agent.orchestration", "agent-orchestration" },
    { "control.agent.policy", "agent-policy" },
    { "control.bus.stats", "bus-calls" },
    { "tasks.procmond", "tasks" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (denied); i++)
    for (const char *letter = COLLECTORS; *letter != '\0'; letter++)
      policy_assert_verdict (*letter, BUS_OP_PUBLISH, denied[i].topic, FALSE, denied[i].rule);

  /* Agent and tool must not publish in the name of the broker either. */
  for (const char *letter = AGENT; *letter != '\0'; letter++)
    for (guint op = BUS_OP_PUBLISH; op <= BUS_OP_SERVE; op++)
      {
        if (op != BUS_OP_SUBSCRIBE)
          policy_assert_verdict (*letter, (BusRight) op, "system.peer", FALSE, "system-broker-only");
        policy_assert_verdict (*letter, (BusRight) op, "debug.x", FALSE, "debug-reserved");
      }
}

static void
test_reserved_ids (void)
{
  static const char *const reserved[]
      = { "bus", "config", "task", "lifecycle", "registration", "reload", "daemoneye-agent" };
  /* Words in system.collector.{word} and control.health.{word}: a record must not have the topic of an event. */
  static const char *const words[]
      = { "standing", "health", "status", "collectors", "registered", "suspect", "set-aside", "draining", "gone" };
  static const char *const free_ids[] = { "", "proc-1", "busy", "bu", "daemoneye-agent-2", "Bus", "procmond" };

  for (guint i = 0; i < G_N_ELEMENTS (reserved); i++)
    {
      g_autofree char *own = g_strconcat ("control.collector.", reserved[i], NULL);
      g_autofree char *config = g_strconcat ("control.collector.config.", reserved[i], NULL);
      gboolean is_word = !g_str_equal (policy_ask ('A', BUS_OP_PUBLISH, own).rule, "collector-one")
                         || !g_str_equal (policy_ask ('A', BUS_OP_PUBLISH, config).rule, "collector-config-one");

      g_assert_true (bus_policy_id_is_reserved (wire_span_str (reserved[i])));
      g_assert_cmpint (is_word, ==, !g_str_equal (reserved[i], "bus") && !g_str_equal (reserved[i], "daemoneye-agent"));
    }
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    g_assert_true (bus_policy_id_is_reserved (wire_span_str (words[i])));
  for (guint i = 0; i < G_N_ELEMENTS (free_ids); i++)
    g_assert_false (bus_policy_id_is_reserved (wire_span_str (free_ids[i])));
}

/* With the feature TASKS the broker serves topics that peers served before, and only the broker gives tasks to collectors. */
static void
test_tasks (void)
{
  static const Right with_tasks[] = {
    { "control.collector.registration", "task-registration", NOBODY, COLLECTORS, NOBODY, NOBODY },
    { "control.collector.task", "task-submit", NOBODY, AGENT, NOBODY, NOBODY },
    { "control.collector.task.procmond.proc-2", "task-execute", NOBODY, NOBODY, "Q", "Q" },
    { "control.collector.task.process.proc-2", "task-execute", NOBODY, NOBODY, NOBODY, NOBODY },
    { "control.collector.task.procmond.net-1", "task-execute", NOBODY, NOBODY, NOBODY, NOBODY },
    { "control.collector.task.process", "collector-task-type", AGENT, AGENT, ALL, "PQ" },
    { "control.collector.config", "collector-config", AGENT, AGENT, ALL, COLLECTORS },
  };
  static const BusRight operations[] = { BUS_OP_PUBLISH, BUS_OP_REQUEST, BUS_OP_SUBSCRIBE, BUS_OP_SERVE };

  for (guint i = 0; i < G_N_ELEMENTS (with_tasks); i++)
    for (guint k = 0; k < G_N_ELEMENTS (policy_cast); k++)
      for (guint j = 0; j < G_N_ELEMENTS (operations); j++)
        {
          const Right *right = &with_tasks[i];
          const char *const allowed[] = { right->publish, right->request, right->subscribe, right->serve };
          BusPrincipal who = policy_principal (&policy_cast[k]);
          BusVerdict verdict;

          who.has_tasks = TRUE;
          verdict = bus_policy_authorize (&who, operations[j], wire_span_str (right->topic));
          if (verdict.allowed != (strchr (allowed[j], policy_cast[k].letter) != NULL))
            g_test_message ("%c %s %s", policy_cast[k].letter, bus_right_name (operations[j]), right->topic);
          g_assert_cmpint (verdict.allowed, ==, strchr (allowed[j], policy_cast[k].letter) != NULL);
          g_assert_cmpstr (verdict.rule, ==, right->rule);
        }
}

/* An empty id or type matches no segment of a topic. */
static void
test_empty_principal (void)
{
  static const char *const topics[] = { "events.process.lifecycle",
                                        "results.procmond",
                                        "control.health.heartbeat.x",
                                        "control.collector.x",
                                        "events..x",
                                        "control.collector.",
                                        "results.",
                                        "events.",
                                        "",
                                        "." };
  BusPrincipal nameless = { BUS_ROLE_COLLECTOR, { NULL, 0 }, { NULL, 0 }, FALSE };
  BusPrincipal roleless = { (BusRole) 0, WIRE_SPAN_LITERAL ("r-1"), WIRE_SPAN_LITERAL ("procmond"), FALSE };

  for (guint i = 0; i < G_N_ELEMENTS (topics); i++)
    {
      g_assert_false (bus_policy_authorize (&nameless, BUS_OP_PUBLISH, wire_span_str (topics[i])).allowed);
      g_assert_false (bus_policy_authorize (&nameless, BUS_OP_SERVE, wire_span_str (topics[i])).allowed);
      g_assert_false (bus_policy_authorize (&roleless, BUS_OP_PUBLISH, wire_span_str (topics[i])).allowed);
    }
  g_assert_false (bus_policy_authorize (&roleless, BUS_OP_SUBSCRIBE, WIRE_SPAN_LITERAL ("#")).allowed);

  /* A type gives a domain to collectors only. */
  nameless.role = BUS_ROLE_AGENT;
  nameless.type = WIRE_SPAN_LITERAL ("procmond");
  g_assert_false (bus_policy_authorize (&nameless, BUS_OP_PUBLISH, WIRE_SPAN_LITERAL ("events.process.tree")).allowed);
  g_assert_false (bus_policy_authorize (&nameless, BUS_OP_PUBLISH, WIRE_SPAN_LITERAL ("results.procmond")).allowed);
}

/* The policy is also safe for topics that the grammar refuses. */
static void
test_hostile_text (void)
{
  static const BusRight operations[]
      = { BUS_OP_PUBLISH, BUS_OP_REQUEST, BUS_OP_SUBSCRIBE, BUS_OP_SERVE, BUS_OP_BLOCK, BUS_OP_DELIVER };
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint step = 0; step < 50000; step++)
    {
      static const char *const pieces[] = { "events", "control", "system", "process", "collector", "proc-1", ".",   ".",
                                            ".",      "+",       "#",      "",        "\xff",      "*",      "{id}" };
      gint n = g_rand_int_range (rand, 0, 60);
      BusPrincipal who = policy_principal (&policy_cast[g_rand_int_range (rand, 0, G_N_ELEMENTS (policy_cast))]);

      g_string_truncate (text, 0);
      for (gint i = 0; i < n; i++)
        g_string_append (text, pieces[g_rand_int_range (rand, 0, G_N_ELEMENTS (pieces))]);
      for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
        g_assert_nonnull (bus_policy_authorize (&who, operations[i], wire_span (text->str, text->len)).rule);
    }

  /* The maximum number of segments, and more. */
  g_string_assign (text, "events.foo");
  for (guint n = 2; n < 40; n++)
    {
      gboolean fits = n <= WIRE_TOPIC_SEGMENTS_CEILING;

      if (n != WIRE_TOPIC_SEGMENTS_CEILING + 1) /* the bound of a pattern, which may also end with # */
        g_assert_cmpint (policy_ask ('F', BUS_OP_PUBLISH, text->str).allowed, ==, fits);
      g_string_append (text, ".x");
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/policy/A08-table", test_table);
  g_test_add_func ("/core/policy/A08-table-is-whole", test_table_is_whole);
  g_test_add_func ("/core/policy/T05-reserved", test_reserved);
  g_test_add_func ("/core/policy/reserved-ids", test_reserved_ids);
  g_test_add_func ("/core/policy/M10-tasks", test_tasks);
  g_test_add_func ("/core/policy/empty-principal", test_empty_principal);
  g_test_add_func ("/core/policy/hostile-text", test_hostile_text);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "policy-fixture.h"

/*
 * Rights to patterns: a subscription is allowed if the subscriber may read at least one topic that the pattern matches; topics
 * that it may not read are filtered. The policy block needs a right to the pattern, too.
 */

static void
test_patterns (void)
{
  static const struct
  {
    const char *pattern;
    const char *who; /* may subscribe */
    const char *denied_by;
  } patterns[] = {
    { "#", ALL, NULL },
    { "+", ALL, NULL },
    { "+.#", ALL, NULL },
    { "events.#", ALL, NULL },
    { "events.foo.#", ALL, NULL },
    { "events.+.anomaly", ALL, NULL },
    { "control.#", ALL, NULL },
    { "control.+", ALL, NULL },
    { "control.shutdown.+", ALL, NULL }, /* the topics of other peers are filtered */
    { "control.shutdown.proc-2.#", "ATQ", "shutdown-one" },
    { "control.collector.config.+", ALL, NULL },
    { "control.collector.registration.#", AGENT, "collector-registration" },
    { "control.collector.task.process.+", "AT" COLLECTORS, NULL },
    { "control.collector.task.+.net-1", "ATN", "collector-task-one" },
    { "control.collector.net-1.#", "ATN", "collector-one" },
    { "control.agent.+", AGENT, "agent-orchestration" }, /* of two equally long rules, the first */
    { "control.agent.#", AGENT, "agent-orchestration" },
    { "control.bus.#", NOBODY, "bus-clear" },
    { "control.bus.+", NOBODY, "bus-clear" },
    { "control.nothing.#", NOBODY, "no-rule" },
    { "control.health.#", ALL, NULL },
    { "tasks.#", ALL, NULL },
    { "tasks.+.more", NOBODY, "no-rule" },
    { "+.+.+.+.+.+", ALL, NULL }, /* events.foo.a.b.c.d */
    { "+.bus.#", ALL, NULL },     /* events.bus */
    { "system.#", AGENT, "system-broker-only" },
    { "system.+", AGENT, "system-broker-only" },
    { "debug.#", NOBODY, "debug-reserved" },
    { "debug.+.x", NOBODY, "debug-reserved" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    for (guint k = 0; k < G_N_ELEMENTS (policy_cast); k++)
      {
        BusVerdict verdict = policy_ask (policy_cast[k].letter, BUS_OP_SUBSCRIBE, patterns[i].pattern);
        gboolean expected = strchr (patterns[i].who, policy_cast[k].letter) != NULL;

        if (verdict.allowed != expected)
          g_test_message ("%c subscribes to %s: %s", policy_cast[k].letter, patterns[i].pattern, verdict.rule);
        g_assert_cmpint (verdict.allowed, ==, expected);
        g_assert_nonnull (verdict.rule);
        if (!expected)
          g_assert_cmpstr (verdict.rule, ==, patterns[i].denied_by);
      }

  /* A text with a wildcard is not a topic. */
  policy_assert_verdict ('P', BUS_OP_PUBLISH, "events.process.+", FALSE, "not-a-topic");
  policy_assert_verdict ('P', BUS_OP_PUBLISH, "events.process.#", FALSE, "not-a-topic");
  policy_assert_verdict ('P', BUS_OP_SERVE, "tasks.+", FALSE, "not-a-topic");
  policy_assert_verdict ('A', BUS_OP_REQUEST, "control.collector.+", FALSE, "not-a-topic");
  policy_assert_verdict ('A', BUS_OP_DELIVER, "#", FALSE, "not-a-topic");
}

static void
test_deliver_filter (void)
{
  static const struct
  {
    char letter;
    const char *pattern; /* may subscribe to the pattern */
    const char *topic;   /* which the pattern matches */
    gboolean gets;
    const char *rule;
  } cases[] = {
    { 'P', "control.#", "control.shutdown.proc-1", TRUE, "shutdown-one" },
    { 'P', "control.#", "control.shutdown.net-1", FALSE, "shutdown-one" },
    { 'P', "control.#", "control.collector.proc-2", FALSE, "collector-one" },
    { 'P', "control.#", "control.agent.policy", FALSE, "agent-policy" },
    { 'P', "control.#", "control.bus.stats", FALSE, "bus-calls" },
    { 'A', "control.#", "control.bus.stats", FALSE, "bus-calls" },
    { 'A', "control.#", "control.agent.policy", TRUE, "agent-policy" },
    { 'N', "control.collector.+", "control.collector.registration", FALSE, "collector-registration" },
    { 'N', "control.collector.+", "control.collector.net-1", TRUE, "collector-one" },
    { 'N', "control.collector.task.#", "control.collector.task.network.net-2", FALSE, "collector-task-one" },
    { 'N', "control.collector.task.#", "control.collector.task.network.net-1", TRUE, "collector-task-one" },
    { 'N', "#", "control.collector.config.proc-1", FALSE, "collector-config-one" },
    { 'N', "#", "events.process.lifecycle", TRUE, "events-own-domain" },
    { 'N', "#", "debug.trace", FALSE, "debug-reserved" },
    { 'N', "#", "control.unlisted", FALSE, "no-rule" },
    { 'T', "#", "debug.trace", FALSE, "debug-reserved" },
    { 'T', "system.#", "system.peer.joined", TRUE, "system-broker-only" },
    { 'N', "#", "system.peer.joined", FALSE, "system-broker-only" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_true (policy_ask (cases[i].letter, BUS_OP_SUBSCRIBE, cases[i].pattern).allowed);
      policy_assert_verdict (cases[i].letter, BUS_OP_DELIVER, cases[i].topic, cases[i].gets, cases[i].rule);
    }
}

/* Returns every text from the words of each level; with @wildcards also with + at each level and # at the end. */
static GPtrArray *
enumerate (gboolean wildcards)
{
  static const char *const words[4][9] = {
    { "events", "control", "results", "health", "system", "debug" },
    { "process", "collector", "shutdown", "bus", "health", "any" },
    { "anomaly", "registration", "config", "task", "heartbeat", "proc-1", "net-1" },
    { "reload", "proc-1", "net-1", "any" },
  };
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  g_autoptr (GPtrArray) shorter = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (shorter, g_strdup (""));
  if (wildcards)
    g_ptr_array_add (all, g_strsplit ("#", ".", -1));
  for (guint level = 0; level < G_N_ELEMENTS (words); level++)
    {
      GPtrArray *longer = g_ptr_array_new_with_free_func (g_free);

      for (guint i = 0; i < shorter->len; i++)
        for (guint k = 0; k < G_N_ELEMENTS (words[level]) && (words[level][k] != NULL || wildcards); k++)
          {
            const char *start = g_ptr_array_index (shorter, i);
            const char *word = words[level][k] != NULL ? words[level][k] : "+";
            char *text = g_strconcat (start, *start != '\0' ? "." : "", word, NULL);

            g_ptr_array_add (longer, text);
            g_ptr_array_add (all, g_strsplit (text, ".", -1));
            if (wildcards)
              {
                g_autofree char *open = g_strconcat (text, ".#", NULL);

                g_ptr_array_add (all, g_strsplit (open, ".", -1));
              }
            if (words[level][k] == NULL)
              break;
          }
      g_ptr_array_unref (shorter);
      shorter = longer;
    }
  return all;
}

static gboolean
naive_match (char *const *pattern, char *const *topic)
{
  if (g_str_equal (topic[0], "system") && !g_str_equal (pattern[0], "system"))
    return FALSE;
  for (; *pattern != NULL; pattern++)
    {
      if (g_str_equal (*pattern, "#"))
        return TRUE;
      if (*topic == NULL || (!g_str_equal (*pattern, "+") && !g_str_equal (*pattern, *topic)))
        return FALSE;
      topic++;
    }
  return *topic == NULL;
}

/* A subscription is allowed if and only if the subscriber may read at least one topic that it matches. */
static void
test_patterns_against_a_linear_search (void)
{
  static const char letters[] = "ATPN";
  g_autoptr (GPtrArray) topics = enumerate (FALSE);
  g_autoptr (GPtrArray) patterns = enumerate (TRUE);
  g_autofree guint *readers = g_new0 (guint, topics->len);
  guint denied = 0;

  for (guint i = 0; i < topics->len; i++)
    for (guint k = 0; letters[k] != '\0'; k++)
      {
        g_autofree char *topic = g_strjoinv (".", g_ptr_array_index (topics, i));

        readers[i] |= policy_ask (letters[k], BUS_OP_DELIVER, topic).allowed ? 1u << k : 0;
      }

  for (guint i = 0; i < patterns->len; i++)
    {
      g_autofree char *pattern = g_strjoinv (".", g_ptr_array_index (patterns, i));
      guint expected = 0;

      if (strpbrk (pattern, "+#") == NULL)
        continue;
      for (guint k = 0; k < topics->len && expected != 15; k++)
        if ((readers[k] | expected) != expected
            && naive_match (g_ptr_array_index (patterns, i), g_ptr_array_index (topics, k)))
          expected |= readers[k];
      for (guint k = 0; letters[k] != '\0'; k++)
        {
          BusVerdict verdict = policy_ask (letters[k], BUS_OP_SUBSCRIBE, pattern);

          if (verdict.allowed != ((expected >> k & 1) != 0))
            g_test_message ("%c subscribes to %s: %s", letters[k], pattern, verdict.rule);
          g_assert_cmpint (verdict.allowed, ==, (expected >> k & 1) != 0);
          denied += verdict.allowed ? 0 : 1;
        }
    }
  g_assert_cmpuint (denied, >, 100);
}

/* Collectors may use the policy block for their own work, and for no other topics. */
static void
test_block (void)
{
  static const struct
  {
    const char *pattern;
    const char *who;
  } patterns[] = {
    { "tasks.procmond", ALL },
    { "tasks.#", ALL },
    { "tasks.+", ALL },
    { "results.procmond", ALL },
    { "results.#", ALL },
    { "events.#", AGENT },
    { "health.#", AGENT },
    { "control.shutdown", AGENT },
    { "#", AGENT },
    { "+.procmond", AGENT },
    { "+.#", AGENT },
    { "system.#", AGENT },
    { "tasksx.a", AGENT },
    { "events.tasks", AGENT },
    { "task", AGENT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    for (guint k = 0; k < G_N_ELEMENTS (policy_cast); k++)
      policy_assert_verdict (policy_cast[k].letter, BUS_OP_BLOCK, patterns[i].pattern,
                             strchr (patterns[i].who, policy_cast[k].letter) != NULL, "block-needs-right");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/policy/A07-patterns", test_patterns);
  g_test_add_func ("/core/policy/A07-patterns-against-a-linear-search", test_patterns_against_a_linear_search);
  g_test_add_func ("/core/policy/A07-deliver-filter", test_deliver_filter);
  g_test_add_func ("/core/policy/M08-block", test_block);
  return g_test_run ();
}

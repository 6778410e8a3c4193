/* SPDX-License-Identifier: Apache-2.0 */
#include "policy-fixture.h"

const PolicyActor policy_cast[] = {
  { 'A', BUS_ROLE_AGENT, "daemoneye-agent", "" },    { 'T', BUS_ROLE_TOOL, "tool-1", "" },
  { 'P', BUS_ROLE_COLLECTOR, "proc-1", "procmond" }, { 'Q', BUS_ROLE_COLLECTOR, "proc-2", "procmond" },
  { 'N', BUS_ROLE_COLLECTOR, "net-1", "netmond" },   { 'S', BUS_ROLE_COLLECTOR, "fs-1", "fsmond" },
  { 'E', BUS_ROLE_COLLECTOR, "perf-1", "perfmond" }, { 'F', BUS_ROLE_COLLECTOR, "foo-1", "foo" },
  { 'X', BUS_ROLE_COLLECTOR, "x-1", "process" }, /* has the name of a domain of procmond */
};

BusPrincipal
policy_principal (const PolicyActor *actor)
{
  return (BusPrincipal){ actor->role, wire_span_str (actor->id), wire_span_str (actor->type), FALSE };
}

static const PolicyActor *
actor (char letter)
{
  for (guint i = 0; i < G_N_ELEMENTS (policy_cast); i++)
    if (policy_cast[i].letter == letter)
      return &policy_cast[i];
  g_assert_not_reached ();
}

BusVerdict
policy_ask (char letter, BusRight operation, const char *topic)
{
  BusPrincipal who = policy_principal (actor (letter));

  return bus_policy_authorize (&who, operation, wire_span_str (topic));
}

void
policy_assert_verdict (char letter, BusRight operation, const char *topic, gboolean allowed, const char *rule)
{
  BusVerdict verdict = policy_ask (letter, operation, topic);

  if (verdict.allowed != allowed || g_strcmp0 (verdict.rule, rule) != 0)
    g_test_message ("%c, operation %d, %s: %s by %s", letter, operation, topic, verdict.allowed ? "allowed" : "denied",
                    verdict.rule);
  g_assert_cmpint (verdict.allowed, ==, allowed);
  if (!allowed)
    g_assert_cmpstr (verdict.needs, !=, ""); /* a refusal names the missing right */
  g_assert_cmpstr (verdict.rule, ==, rule);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-strategy.h"

static const char *const names[] = { "default", "round-robin", "least-loaded", "random", "first-available" };

const char *
bus_strategy_name (BusStrategy strategy)
{
  return names[MIN ((guint) strategy, BUS_STRATEGY_LAST)];
}

gboolean
bus_strategy_parse (const char *name, BusStrategy *strategy)
{
  for (guint i = BUS_STRATEGY_ROUND_ROBIN; i <= BUS_STRATEGY_LAST; i++)
    if (g_str_equal (names[i], name))
      {
        *strategy = (BusStrategy) i;
        return TRUE;
      }
  return FALSE;
}

/* --- rules of the configuration --- */

void
bus_group_rule_clear (BusGroupRule *rule)
{
  for (guint i = 0; i < rule->n_weights; i++)
    g_free (rule->weights[i].peer);
  g_free (rule->weights);
  g_free (rule->name);
  *rule = (BusGroupRule){ .name = NULL };
}

static void
strategy_clear_rule (gpointer data)
{
  bus_group_rule_clear (data);
}

GArray *
bus_group_rules_copy (const BusGroupRule *rules, guint n)
{
  GArray *copies = g_array_new (FALSE, TRUE, sizeof (BusGroupRule));

  g_array_set_clear_func (copies, strategy_clear_rule);
  for (guint i = 0; i < n; i++)
    {
      BusGroupRule copy = rules[i];

      copy.name = g_strdup (rules[i].name);
      copy.weights = g_new0 (BusGroupWeight, MAX (rules[i].n_weights, 1));
      for (guint j = 0; j < rules[i].n_weights; j++)
        copy.weights[j] = (BusGroupWeight){ g_strdup (rules[i].weights[j].peer), rules[i].weights[j].weight };
      g_array_append_val (copies, copy);
    }
  return copies;
}

const BusGroupRule *
bus_group_rules_find (const GArray *rules, WireSpan name)
{
  for (guint i = 0; rules != NULL && i < rules->len; i++)
    if (wire_span_equal (wire_span_str (g_array_index (rules, BusGroupRule, i).name), name))
      return &g_array_index (rules, BusGroupRule, i);
  return NULL;
}

guint32
bus_group_rule_weight (const BusGroupRule *rule, const char *peer)
{
  for (guint i = 0; rule != NULL && i < rule->n_weights; i++)
    if (g_str_equal (rule->weights[i].peer, peer))
      return rule->weights[i].weight;
  return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-subscription.h"

/* The table of legal transitions of a subscription: each cell has an entry, and no entry contradicts the rules below. */

static BusCells cells;

static void
test_every_cell (void)
{
  for (guint state = BUS_SUBSCRIPTION_OPEN; state < BUS_N_SUBSCRIPTION_STATES; state++)
    for (guint event = 0; event < BUS_N_SUBSCRIPTION_EVENTS; event++)
      {
        guint next = bus_subscription_transition (state, event);

        g_test_message ("%s, %s: %u", bus_subscription_state_name (state), bus_subscription_event_name (event), next);
        g_assert_cmpuint (next, >, 0);
        g_assert_cmpuint (next, <=, BUS_SUBSCRIPTION_NEVER);
      }
}

/* Each state can end, and the end is final. */
static void
test_ends (void)
{
  for (guint state = BUS_SUBSCRIPTION_OPEN; state < BUS_SUBSCRIPTION_ENDED; state++)
    g_assert_cmpuint (bus_subscription_transition (state, BUS_SUBSCRIPTION_ON_END), ==, BUS_SUBSCRIPTION_ENDED);
  for (guint event = 0; event < BUS_N_SUBSCRIPTION_EVENTS; event++)
    g_assert_cmpuint (bus_subscription_transition (BUS_SUBSCRIPTION_ENDED, event), >=, BUS_SUBSCRIPTION_IGNORED);
}

/* Draining and its end do not change a demotion, and a demotion does not change draining. */
static void
test_independent (void)
{
  g_autoptr (GString) life = g_string_new (NULL);
  static const BusSubscriptionEvent events[]
      = { BUS_SUBSCRIPTION_ON_DEMOTE, BUS_SUBSCRIPTION_ON_DRAIN,   BUS_SUBSCRIPTION_ON_RESUME,
          BUS_SUBSCRIPTION_ON_DRAIN,  BUS_SUBSCRIPTION_ON_RESTORE, BUS_SUBSCRIPTION_ON_EMPTY,
          BUS_SUBSCRIPTION_ON_RESUME, BUS_SUBSCRIPTION_ON_RESUME,  BUS_SUBSCRIPTION_ON_DRAIN,
          BUS_SUBSCRIPTION_ON_DRAIN,  BUS_SUBSCRIPTION_ON_END };
  BusSubscription *subscription = bus_subscription_new (&cells, NULL, 1, WIRE_SPAN_LITERAL ("a"), FALSE);
  guint64 ignored = 0;

  g_assert_true (bus_subscription_takes_part (subscription));
  for (guint i = 0; i < G_N_ELEMENTS (events); i++)
    {
      guint64 before = ignored;
      gboolean is_news = bus_subscription_on (subscription, events[i], &ignored);

      g_assert_cmpuint (ignored, ==, before + (is_news ? 0 : 1));
      g_string_append_printf (life, "%s; ", bus_subscription_state_name (subscription->state));
      g_assert_true (!bus_subscription_takes_part (subscription) || !bus_subscription_is_draining (subscription));
    }
  g_assert_cmpstr (life->str, ==,
                   "demoted; demoted, draining; demoted; demoted, draining; draining; drained; open; open; draining; "
                   "draining; ended; ");
  g_assert_cmpuint (ignored, ==, 2);
  bus_subscription_free (&cells, subscription);
}

static void
test_names (void)
{
  for (guint state = BUS_SUBSCRIPTION_OPEN; state < BUS_N_SUBSCRIPTION_STATES; state++)
    g_assert_cmpstr (bus_subscription_state_name (state), !=, "unknown");
  g_assert_cmpstr (bus_subscription_state_name (0), ==, "unknown");
  for (guint event = 0; event < BUS_N_SUBSCRIPTION_EVENTS; event++)
    g_assert_cmpstr (bus_subscription_event_name (event), !=, "unknown");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/subscription-state/O06-every-cell", test_every_cell);
  g_test_add_func ("/core/subscription-state/ends", test_ends);
  g_test_add_func ("/core/subscription-state/independent", test_independent);
  g_test_add_func ("/core/subscription-state/names", test_names);
  return g_test_run ();
}

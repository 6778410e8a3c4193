/* SPDX-License-Identifier: Apache-2.0 */
#include "run-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "route/bus-routes.h"

void
run_publish (Client *publisher, const char *topic, guint n)
{
  for (guint i = 0; i < n; i++)
    client_publish (publisher, topic, 0, "text", 4);
}

void
run_publish_at_once (Client *publisher, const char *topic, guint n)
{
  client_begin_batch (publisher);
  run_publish (publisher, topic, n);
  client_end_batch (publisher);
}

void
run_assert_credit (Client *publisher, guint64 held)
{
  const BusAllowance *allowance = bus_ledger_allowance (&publisher->peer->ledger, WIRE_CLASS_MAY_DROP);
  const BusWindow *window = &allowance->window;

  g_assert_cmpuint (allowance->held_messages, ==, held);
  g_assert_cmpuint (window->used_messages, ==,
                    window->granted_messages + allowance->returned.messages - window->window_messages + held);
  g_assert_cmpuint (window->used_bytes, ==,
                    window->granted_bytes + allowance->returned.bytes - window->window_bytes + allowance->held_bytes);
}

const BusRun *
run_of (const Core *core)
{
  return core->core->routes->run;
}

BusSubscription *
run_subscription_of (const Client *client)
{
  return bus_subscriptions_find (&client->peer->subscriptions, 1);
}

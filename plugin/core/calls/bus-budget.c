/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-budget.h"

#include "peer/bus-state.h"

BusBudget *
bus_budget_new (void)
{
  return g_new0 (BusBudget, 1);
}

void
bus_budget_free (BusBudget *budget)
{
  g_free (budget);
}

static gboolean
budget_admit_page (BusPeer *asker, guint64 id, gint64 second)
{
  BusPeerExtra *extra = bus_peer_need_extra (asker);

  if (extra->introspect_second != second)
    {
      extra->introspect_second = second;
      extra->introspect_n = 0;
    }
  if (++extra->introspect_n <= asker->core->limits.introspect_per_second)
    return TRUE;
  bus_peer_error_limit (asker, id, BUS_LIMIT_introspect_per_second, extra->introspect_n);
  return FALSE;
}

gboolean
bus_budget_admit_work (BusPeer *asker, guint64 id, gint64 now_us)
{
  const BusCore *core = asker->core;
  BusBudget *budget = core->budget;
  gint64 second = now_us / G_USEC_PER_SEC;

  if (budget->second != second)
    {
      budget->second = second;
      budget->work = 0;
    }
  if (asker->principal.role != BUS_ROLE_COLLECTOR || budget->work < core->limits.introspect_work_per_second)
    return TRUE;
  bus_peer_error_limit (asker, id, BUS_LIMIT_introspect_work_per_second, budget->work);
  return FALSE;
}

gboolean
bus_budget_admit (BusPeer *asker, guint64 id, gint64 now_us)
{
  return budget_admit_page (asker, id, now_us / G_USEC_PER_SEC) && bus_budget_admit_work (asker, id, now_us);
}

void
bus_budget_spend (BusPeer *asker, guint64 work, const ProtobufCMessage *reply)
{
  if (asker->principal.role == BUS_ROLE_COLLECTOR)
    asker->core->budget->work += work + BUS_WORK_ANSWER + protobuf_c_message_get_packed_size (reply) / BUS_WORK_BYTES;
}

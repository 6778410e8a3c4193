/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-quota.h"

void
bus_quota_charge (BusQuota *quota, BusUsage *usage, guint64 amount)
{
  gboolean fits = g_uint64_checked_add (&quota->charged, quota->charged, amount);

  g_assert (fits);
  usage->charged += amount; /* part of the sum above, so it fits as well */
}

void
bus_quota_refund (BusQuota *quota, BusUsage *usage, guint64 amount)
{
  g_assert (usage->charged >= amount && quota->charged >= amount);
  usage->charged -= amount;
  quota->charged -= amount;
}

gboolean
bus_quota_hold (BusQuota *quota, guint64 amount)
{
  guint64 sum;

  if (!g_uint64_checked_add (&sum, quota->memory, amount) || sum > quota->cap)
    return FALSE;
  quota->memory = sum;
  return TRUE;
}

void
bus_quota_release (BusQuota *quota, guint64 amount)
{
  g_assert (quota->memory >= amount);
  quota->memory -= amount;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-quota.h"

void
bus_quota_charge (BusQuota *quota, BusUsage *usage, guint64 amount)
{
  gboolean fits = g_uint64_checked_add (&quota->charged, quota->charged, amount);

  g_assert (fits);
  /* Parts of the sum above, so they fit as well. */
  usage->charged += amount;
  if (usage->parent != NULL)
    usage->parent->charged += amount;
}

void
bus_quota_refund (BusQuota *quota, BusUsage *usage, guint64 amount)
{
  g_assert (usage->charged >= amount && quota->charged >= amount);
  usage->charged -= amount;
  quota->charged -= amount;
  if (usage->parent != NULL)
    {
      g_assert (usage->parent->charged >= amount);
      usage->parent->charged -= amount;
    }
}

static gboolean
quota_hold_below (BusQuota *quota, guint64 amount, guint64 limit)
{
  guint64 sum;

  if (!g_uint64_checked_add (&sum, quota->memory, amount) || sum > limit)
    return FALSE;
  quota->memory = sum;
  return TRUE;
}

gboolean
bus_quota_hold (BusQuota *quota, guint64 amount)
{
  return quota_hold_below (quota, amount, quota->cap);
}

gboolean
bus_quota_hold_reserve (BusQuota *quota, guint64 amount)
{
  return quota_hold_below (quota, amount, quota->cap + quota->cap / BUS_QUOTA_RESERVE);
}

void
bus_quota_release (BusQuota *quota, guint64 amount)
{
  g_assert (quota->memory >= amount);
  quota->memory -= amount;
}

void
bus_quota_keep (BusQuota *quota, BusUsage *usage, guint64 amount)
{
  bus_quota_charge (quota, usage, amount);
  quota->memory += amount; /* at most what is charged and a frame of each peer */
}

void
bus_quota_forgo (BusQuota *quota, BusUsage *usage, guint64 amount)
{
  bus_quota_refund (quota, usage, amount);
  bus_quota_release (quota, amount);
}

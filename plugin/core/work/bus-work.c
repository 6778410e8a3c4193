/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-work.h"

BusWork *
bus_work_new (guint64 seed)
{
  BusWork *work = g_new0 (BusWork, 1);

  work->seed = seed;
  work->members = g_hash_table_new (bus_key_hash, bus_key_equal);
  work->capable = g_hash_table_new (bus_key_hash, bus_key_equal);
  bus_pasts_init (&work->pasts);
  bus_awaited_init (&work->awaited, seed);
  return work;
}

void
bus_work_free (BusWork *work)
{
  g_assert (g_hash_table_size (work->members) == 0 && g_hash_table_size (work->capable) == 0);
  g_assert (work->members_changed.length == 0 && work->members_ended.length == 0);
  g_hash_table_unref (work->members);
  g_hash_table_unref (work->capable);
  bus_pasts_clear (&work->pasts);
  bus_awaited_clear (&work->awaited);
  g_free (work);
}

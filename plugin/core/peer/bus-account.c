/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-account.h"

GHashTable *
bus_uid_table_new (void)
{
  return g_hash_table_new (NULL, NULL);
}

BusUid *
bus_uid_join (GHashTable *uids, BusCore *core, guint32 uid)
{
  BusUid *entry = g_hash_table_lookup (uids, GUINT_TO_POINTER (uid));

  if (entry == NULL)
    {
      entry = g_new0 (BusUid, 1);
      entry->uid = uid;
      entry->core = core;
      entry->report_timer.kind = BUS_TIMER_ACCOUNT;
      entry->report_timer.owner = entry;
      g_hash_table_insert (uids, GUINT_TO_POINTER (uid), entry);
    }
  entry->peers++;
  return entry;
}

void
bus_uid_leave (GHashTable *uids, BusDeadlineSet *deadlines, BusUid *uid)
{
  g_assert (uid->peers > 0);
  if (--uid->peers > 0)
    return;
  g_assert (uid->usage.charged == 0);
  bus_deadline_disarm (deadlines, &uid->report_timer.deadline);
  g_hash_table_remove (uids, GUINT_TO_POINTER (uid->uid));
  g_free (uid);
}

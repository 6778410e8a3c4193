/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-gather-joined.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-work.h"

#define KNOWN_BYTES 128u /* of one id in the table */
#define JOINED_MAX  1024u

void
bus_gather_charge (BusGather *gather, gsize size)
{
  bus_quota_keep (&gather->core->quota, &gather->asker->ledger.usage, size);
  gather->charged += size;
}

static void
joined_add_known (BusGather *gather, char *id)
{
  g_hash_table_add (gather->known, g_ref_string_acquire (id));
  bus_gather_charge (gather, KNOWN_BYTES);
}

void
bus_gather_know_roster (BusGather *gather)
{
  for (guint i = 0; i < gather->roster->len; i++)
    joined_add_known (gather, g_array_index (gather->roster, BusRosterRow, i).id);
  gather->last_registration = gather->core->work->last_registration;
}

/* A known id is not counted: it is in the roster, or was counted when it joined first. */
void
bus_gather_count_joined (BusGather *gather, const BusMember *member)
{
  if (member->registration_id <= gather->last_registration)
    return;
  gather->last_registration = member->registration_id;
  if (g_hash_table_contains (gather->known, member->id) || !bus_roster_fits (member, &gather->question))
    return;
  gather->n_joined++;
  if (g_hash_table_size (gather->known) < gather->roster->len + JOINED_MAX)
    joined_add_known (gather, member->id);
}

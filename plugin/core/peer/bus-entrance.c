/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-entrance.h"

#include "peer/bus-state.h"

static gboolean
entrance_is_full (const BusCore *core)
{
  return core->strangers.length >= core->limits.max_unauthenticated;
}

static gboolean
entrance_is_replaceable (const BusPeer *stranger)
{
  return !stranger->who.agent;
}

static gint64
entrance_settled_us (const BusPeer *stranger)
{
  return stranger->connected_us + BUS_ENTRANCE_GRACE_US;
}

static gboolean
entrance_may_yield (const BusPeer *stranger, const BusCredentials *who, gint64 now_us)
{
  return entrance_is_replaceable (stranger)
         && (entrance_settled_us (stranger) <= now_us || stranger->who.account == who->account);
}

/* The stranger that loses its place: of those that may lose it, the oldest of the account with the most strangers. NULL: none. */
static BusPeer *
entrance_find_place (const BusCore *core, const BusCredentials *who, gint64 now_us)
{
  BusPeer *found = NULL;

  for (const GList *link = core->strangers.head; link != NULL; link = link->next)
    {
      BusPeer *stranger = link->data;

      if (entrance_may_yield (stranger, who, now_us)
          && (found == NULL || stranger->account->silent > found->account->silent))
        found = stranger;
    }
  return found;
}

static gboolean
entrance_make_place (BusCore *core, const BusCredentials *who, gint64 now_us)
{
  BusPeer *stranger = entrance_find_place (core, who, now_us);

  if (stranger == NULL)
    return FALSE;
  bus_peer_need_extra (stranger)->close_retry_us = BUS_ENTRANCE_RETRY_SOON_US;
  bus_peer_close (stranger, WIRE_STATUS_LIMIT,
                  "you sent no HELLO, and another connection needs your place (max-unauthenticated)");
  return TRUE;
}

BusLimit
bus_entrance_check (BusCore *core, const BusCredentials *who, gint64 now_us)
{
  if (who->agent)
    return BUS_N_LIMITS;
  if (core->peers.length >= core->limits.max_connections)
    return BUS_LIMIT_max_connections;
  if (bus_account_count (core->accounts, who->account) >= core->limits.max_connections_per_uid)
    return BUS_LIMIT_max_connections_per_uid;
  if (entrance_is_full (core) && !entrance_make_place (core, who, now_us))
    return BUS_LIMIT_max_unauthenticated;
  return BUS_N_LIMITS;
}

guint64
bus_entrance_retry_us (BusLimit limit)
{
  return limit == BUS_LIMIT_max_unauthenticated ? BUS_ENTRANCE_RETRY_SOON_US : BUS_ENTRANCE_RETRY_LATER_US;
}

gint64
bus_entrance_wait_us (const BusCore *core, gint64 now_us)
{
  if (!entrance_is_full (core))
    return 0;
  for (const GList *link = core->strangers.head; link != NULL; link = link->next)
    if (entrance_is_replaceable (link->data))
      return MAX (entrance_settled_us (link->data) - now_us, 0); /* the oldest one */
  return 0;
}

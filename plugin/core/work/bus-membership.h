/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-registry.h"

/*
 * Registrations: how one begins, changes and ends.
 *
 * A registration belongs to its connection. A second one on the same connection replaces the first: the member stays, with its
 * leases, and everything else of it is new. The field `end` says how it ended: what the leases make of it depends on whether it was
 * announced. Everything that a member has is charged to its peer.
 */

/* The request of a collector; its fields are moved into the member. */
typedef struct
{
  GPtrArray *abilities; /* BusAbility: bus_ability_free(); NULL: as it is */
  guint max_concurrent; /* 0: as it is */
  guint8 lowest;
  guint8 highest;
  GPtrArray *tags; /* char *, owned; NULL: as it is */
  GArray *claims;  /* BusClaim; NULL: none */
  gsize size;      /* about, of all of this */
} BusMemberWish;

BusAbility *bus_ability_new (guint64 seed, WireSpan name, const char *payload_type);
void bus_ability_free (gpointer ability);
GArray *bus_claims_new (void);
void bus_member_wish_clear (BusMemberWish *wish);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (BusMemberWish, bus_member_wish_clear)

/* Registers @peer, or registers it again. */
BusMember *bus_membership_begin (BusPeer *peer, BusMemberWish *wish);

/* Other abilities, tags or slots. Tasks of an operation that is gone run on. */
void bus_membership_update (BusMember *member, BusMemberWish *wish);

/* It takes no more tasks; until @grace_us is over it may finish those that it has. @asked: by somebody else, so it gets the
 * lifecycle event; @expects_exit: its end is announced. */
void bus_membership_drain (BusMember *member, gint64 grace_us, gboolean asked, gboolean expects_exit);

/* It ends: the member is GONE, and listed for the leases. */
void bus_membership_end (BusMember *member, BusMemberEnd end);

/* The connection ends, for the reason that the peer has. */
void bus_membership_forget_peer (BusPeer *peer);

/* Its leases are settled. */
void bus_member_free (BusMember *member);

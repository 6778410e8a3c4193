/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-registry.h"

/*
 * Registrations: how one begins, changes and ends.
 *
 * A registration belongs to its connection. A second Register on the same connection keeps the member, with its leases, and
 * replaces everything else. The field `end` says how the registration ended: only a connection that ends without announcement
 * counts as a death for the tasks that were running; an announced end and an end by the broker do not. Everything that a member
 * keeps is charged to its peer.
 *
 * Invariant: a connection has at most one member, and a member that is not GONE has a connection.
 */

/* The request of a collector. Its fields are moved into the member. */
typedef struct
{
  GPtrArray *abilities; /* BusAbility: bus_ability_free(); NULL: unchanged */
  guint max_concurrent; /* 0: unchanged */
  guint8 lowest;
  guint8 highest;
  GPtrArray *tags; /* char *, owned; NULL: unchanged */
  GArray *claims;  /* BusClaim; NULL: none */
  gsize size;      /* approximate size of all of this */
} BusMemberSpec;

BusAbility *bus_ability_new (guint64 seed, WireSpan name, const char *payload_type);
void bus_ability_free (gpointer ability);
GArray *bus_claims_new (void);
void bus_member_spec_clear (BusMemberSpec *spec);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (BusMemberSpec, bus_member_spec_clear)

/* Registers @peer, or registers it again. */
BusMember *bus_membership_begin (BusPeer *peer, BusMemberSpec *spec);

/* Changes abilities, tags or slots. Running tasks of an operation that is withdrawn continue. */
void bus_membership_update (BusMember *member, BusMemberSpec *spec);

/* The member gets no more tasks; until @grace_us is over it may finish the tasks that it has. @asked: another peer asked for
 * it, so the member gets the lifecycle event DRAIN; @expects_exit: its end is announced. */
void bus_membership_drain (BusMember *member, gint64 grace_us, gboolean asked, gboolean expects_exit);

/* The registration ends: the member is GONE, and listed until its leases are settled. */
void bus_membership_end (BusMember *member, BusMemberEnd end);

/* The connection ends. The close reason of the peer decides how the registration ended. */
void bus_membership_forget_peer (BusPeer *peer);

/* Frees the member, whose leases are settled. */
void bus_member_free (BusMember *member);

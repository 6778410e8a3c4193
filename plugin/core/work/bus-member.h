/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "base/bus-timer.h"
#include "base/bus-types.h"
#include "work/bus-member-state.h"

/*
 * A registration: the abilities of one connected collector, and how much of it is in use.
 *
 * It belongs to the connection, and each Register of this connection replaces its contents. It has `max_concurrent` slots. Each
 * slot is free, has an unanswered offer, runs a task, or is a zombie: the task was taken away, and the collector has not
 * answered yet. The leases count the slots; this file only computes with the counters.
 *
 * When the connection ends, the member stays, without a peer and in the state GONE, until its leases are settled at the end of
 * the input call (bus-registry.h).
 *
 * Invariant: the counters of the slots are the numbers of the member's leases in each state.
 */

/* One operation of a member. It owns the texts. */
typedef struct
{
  BusKey name;
  char *payload_type; /* "": any */
  gboolean idempotent;
  gint64 run_limit_us;
  gint64 progress_us; /* 0: no progress is expected */
} BusAbility;

#define BUS_CLAIM_TOKEN_MAX 64u

/* The state of a claim: see bus-adoption. */
typedef enum
{
  BUS_CLAIM_WAITS,   /* for its submitter, or until the member serves its task topic */
  BUS_CLAIM_SETTLED, /* the member has a lease of the task */
  BUS_CLAIM_FENCED,  /* it is not adopted, and the member has to receive a FENCE */
} BusClaimState;

/* A task that the collector works on or has finished, as it says when it registers. */
typedef struct
{
  char *task_id;
  guint32 attempt;
  guint8 token[BUS_CLAIM_TOKEN_MAX];
  gsize token_len;
  guint64 length; /* of the result, if it has finished */
  gboolean is_finished;
  BusClaimState state;
} BusClaim;

/* Reasons for which a registration ended. */
typedef enum
{
  BUS_MEMBER_END_NONE,
  BUS_MEMBER_END_EOF,          /* counts as a death, unless the same incarnation registers again */
  BUS_MEMBER_END_ANNOUNCED,    /* by GOODBYE, or with an announced exit */
  BUS_MEMBER_END_CLOSED,       /* by the broker, or another connection took its id over */
  BUS_MEMBER_END_DEREGISTERED, /* the connection stays */
} BusMemberEnd;

typedef struct BusMember
{
  BusPeer *peer; /* NULL when it is GONE */
  BusMemberState state;
  char *id; /* GRefString */
  BusKey key;
  char *type;
  guint64 incarnation;
  guint64 registration_id;
  gint64 registered_us;
  struct BusPast *past; /* the past of its id */

  GPtrArray *abilities; /* BusAbility, owned */
  guint8 lowest;        /* the priorities that it accepts */
  guint8 highest;
  GPtrArray *tags;         /* char *, "key=value" */
  guint64 revision;        /* raised by each change of abilities, priorities or tags; from 1 */
  guint64 placed_revision; /* bus-operations: the revision that its queues know */
  guint64 order;           /* bus-operations: order of registration, from 1; kept on its connection */
  GArray *claims;          /* BusClaim: claims of its registration that wait; NULL: none */
  gsize charged;           /* bytes charged to its peer for all of this */

  /* slots: set by the leases */
  guint max_concurrent;
  guint n_running;
  guint n_offered;
  guint n_zombie;
  guint64 n_completed; /* tasks that it has completed since it registered */
  gboolean has_started;
  gboolean is_exclusive;        /* it has an exclusive task */
  struct BusTask *reserved_for; /* a task that waits until this member is idle */
  GQueue leases;                /* BusLease, by their member_link */
  gboolean is_busy;             /* it had no room for an offer, and gets none for now */
  gint64 busy_us;               /* the length of the last time */
  BusTimer busy_timer;
  BusTimer drain_timer; /* bus-leaving: expires at drain_until_us */

  /* state */
  char cause[160];      /* reason of the state; "": none */
  gboolean is_serving;  /* it serves its own task topic */
  gint64 held_until_us; /* end of the time for which it is set aside or probed; 0: neither */
  gboolean is_probed;   /* it failed too often, but is needed: it gets one task at a time */
  BusTimer hold_timer;
  gint64 drain_until_us; /* DRAINING: end of its time to drain */
  gboolean expects_exit; /* its end is announced */
  BusMemberEnd end;
  gboolean is_changed; /* it is in members_changed */
  GList link;          /* in members_changed or members_ended */
} BusMember;

/* Applies an event to the state. FALSE: the state ignores it. Only bus-trust calls it, and bus-membership for REGISTER. */
gboolean bus_member_on (BusMember *member, BusMemberEvent event);

/* Returns the ability for @operation; NULL: none. */
const BusAbility *bus_member_ability (const BusMember *member, WireSpan operation);
/* TRUE if the types fit. An ability without a type takes all payloads; a payload without a type fits all abilities. */
gboolean bus_ability_takes (const BusAbility *ability, WireSpan payload_type);
gboolean bus_member_takes_priority (const BusMember *member, guint priority);
/* TRUE if the member has all @tags. @tags: (nullable) (element-type utf8) */
gboolean bus_member_has_tags (const BusMember *member, const GPtrArray *tags);

/* (running + zombie + offered) * 1000 / max_concurrent */
guint bus_member_load_permille (const BusMember *member);

/* The number of slots without a task, an offer or a zombie. */
guint bus_member_free_slots (const BusMember *member);

/* The number of offers that the member may get now. None unless it is READY. One before it has started anything, or while it is
 * probed and has no task. Otherwise it may have unanswered offers for half of the slots that are not running or zombies, at
 * least one. */
guint bus_member_offer_room (const BusMember *member);

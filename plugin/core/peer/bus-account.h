/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-quota.h"
#include "base/bus-timer.h"
#include "base/bus-types.h"

/*
 * Accounts: what all peers of one identity hold together.
 *
 * The transport reports an identity with each connection, as a number that it interned and a name for display (on
 * POSIX the uid, and the uid in decimal). Quotas apply to it, so that a user cannot get more of the broker by opening
 * more connections. This module counts peers and bytes; what happens at a limit is decided by bus-shed.
 *
 * An object that outlives the peers, such as a window of resends or a retained message, holds its account by itself.
 *
 * Invariant: an account exists while it has a peer or a holder; its usage is the sum of theirs.
 */

/* The longest name, that of a Windows SID, has 184 bytes. */
#define BUS_ACCOUNT_NAME_MAX 191u

#define BUS_ALL_ACCOUNTS G_MAXUINT32 /* instead of the number of one; no account has it */

typedef struct
{
  guint32 number;
  char name[BUS_ACCOUNT_NAME_MAX + 1];
  guint peers;
  guint holders;             /* what outlives them */
  guint silent;              /* connections that have sent no HELLO: the strangers */
  guint resend_windows;      /* of its clients, also of those that are gone; see bus-resend */
  BusUsage usage;            /* of them all */
  guint64 retained_messages; /* bus-retain: not part of usage */
  guint64 retained_bytes;
  guint64 held_messages; /* bus-hold: part of usage */
  guint64 held_bytes;
  guint live_tasks;    /* bus-task-store: not part of usage */
  guint64 task_bytes;  /* of all its tasks */
  guint gathers;       /* bus-gather: its open questions to many */
  GPtrArray *expected; /* bus-roster: ids; dropped with its last connection; NULL: none */
  guint64 pinned;      /* bus-pinned: of its peers, while it adds them up */
  guint64 claimed;     /* bus-assured: by the members of one message, while it adds them up */
  gboolean is_soft;
  gint64 report_next_us; /* bus-slow: not before this time */
  BusTimer report_timer;
  BusCore *core;
} BusAccount;

/* The account of a new peer, made with its first peer and freed with the last one, unless it is held. */
BusAccount *bus_account_join (GHashTable *accounts, BusCore *core, const BusCredentials *who);
void bus_account_leave (GHashTable *accounts, BusDeadlineSet *deadlines, BusAccount *account);
void bus_account_hold (BusAccount *account);
void bus_account_release (GHashTable *accounts, BusDeadlineSet *deadlines, BusAccount *account);
GHashTable *bus_account_table_new (void);

/* Number of peers of an account. */
guint bus_account_count (GHashTable *accounts, guint32 number);
/* A retained message of that account is kept, or not any more. */
void bus_account_add_retained (BusAccount *account, gsize size);
void bus_account_drop_retained (GHashTable *accounts, BusDeadlineSet *deadlines, BusAccount *account, gsize size);

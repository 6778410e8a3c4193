/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-quota.h"
#include "base/bus-timer.h"
#include "base/bus-types.h"

/*
 * Accounts: the memory and objects of all peers of one identity together.
 *
 * The transport reports an identity with each connection: a number, and a name for display (on POSIX the uid, and the uid in
 * decimal). Quotas apply to the account, so that a user cannot get a larger part of the broker by opening more connections. This
 * module counts peers and bytes; it does not decide what happens at a limit (bus-shed).
 *
 * An object that outlives its peer, such as a window of resends or a retained message, is a holder: it keeps the account alive.
 *
 * Invariant: an account exists while it has a peer or a holder; its usage is the sum of their charges.
 */

/* The longest name, that of a Windows SID, has 184 bytes. */
#define BUS_ACCOUNT_NAME_MAX 191u

#define BUS_ALL_ACCOUNTS G_MAXUINT32 /* means all accounts where a number is expected; no account has it */

typedef struct
{
  guint32 number;
  char name[BUS_ACCOUNT_NAME_MAX + 1];
  guint peers;
  guint holders;             /* objects that may outlive the peers */
  guint silent;              /* its strangers: connections that have sent no HELLO */
  guint resend_windows;      /* of its clients, connected or not; see bus-resend */
  BusUsage usage;            /* of all its peers and holders */
  guint64 retained_messages; /* bus-retain: not part of usage */
  guint64 retained_bytes;
  guint64 held_messages; /* bus-hold: part of usage */
  guint64 held_bytes;
  guint live_tasks;    /* bus-task-store: not part of usage */
  guint64 task_bytes;  /* of all its tasks */
  guint gathers;       /* bus-gather: its open questions to many */
  GPtrArray *expected; /* bus-roster: ids; freed with its last connection; NULL: none */
  guint64 pinned;      /* bus-pinned: pinned bytes of its peers, while bus-pinned adds them up */
  guint64 claimed; /* bus-assured: bytes that one message needs for members of this account, while they are added up */
  gboolean is_soft;
  gint64 report_next_us; /* bus-slow: not before this time */
  BusTimer report_timer;
  BusCore *core;
} BusAccount;

/* Returns the account of a new peer, and makes it for the first peer. */
BusAccount *bus_account_join (GHashTable *accounts, BusCore *core, const BusCredentials *who);
/* Remove a peer, add a holder, and remove a holder. An account without peers and holders is freed. */
void bus_account_leave (GHashTable *accounts, BusDeadlineSet *deadlines, BusAccount *account);
void bus_account_hold (BusAccount *account);
void bus_account_release (GHashTable *accounts, BusDeadlineSet *deadlines, BusAccount *account);
GHashTable *bus_account_table_new (void);

/* Number of peers of an account. */
guint bus_account_count (GHashTable *accounts, guint32 number);
/* Counts a retained message, which also holds the account; the other function subtracts the message, and releases the account. */
void bus_account_add_retained (BusAccount *account, gsize size);
void bus_account_drop_retained (GHashTable *accounts, BusDeadlineSet *deadlines, BusAccount *account, gsize size);

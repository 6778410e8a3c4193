/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Accounts: the identities that the kernel assigns to processes, as numbers with a name.
 *
 * The rest of the broker compares, stores and sorts accounts as numbers, keeps quotas for them, and shows their names; it
 * never interprets either. On POSIX the number is the uid and the name is its decimal form ("1000"). A system whose
 * identities are not numbers interns them: it numbers each one that it sees and keeps the names.
 *
 * Invariant: as long as a process runs, a number keeps its name and a name keeps its number.
 */

/* The account that this process runs as. */
guint32 account_own (void);

/* The name for display and for configuration files. (transfer full) */
char *account_name (guint32 account);

/* Finds the account with the name @text. FALSE: @text is not the name of an account. */
gboolean account_parse (const char *text, guint32 *account);

/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-account.h"

#include "base/bus-text.h"

GHashTable *
bus_account_table_new (void)
{
  return g_hash_table_new (NULL, NULL);
}

BusAccount *
bus_account_join (GHashTable *accounts, BusCore *core, const BusCredentials *who)
{
  BusAccount *account = g_hash_table_lookup (accounts, GUINT_TO_POINTER (who->account));

  if (account == NULL)
    {
      account = g_new0 (BusAccount, 1);
      account->number = who->account;
      bus_text_copy (account->name, sizeof account->name, who->account_name != NULL ? who->account_name : "");
      account->core = core;
      account->report_timer.kind = BUS_TIMER_ACCOUNT;
      account->report_timer.owner = account;
      g_hash_table_insert (accounts, GUINT_TO_POINTER (who->account), account);
    }
  account->peers++;
  return account;
}

static void
account_free_unused (GHashTable *accounts, BusDeadlineSet *deadlines, BusAccount *account)
{
  if (account->peers + account->holders > 0)
    return;
  g_assert (account->usage.charged == 0);
  bus_deadline_disarm (deadlines, &account->report_timer.deadline);
  g_hash_table_remove (accounts, GUINT_TO_POINTER (account->number));
  g_free (account);
}

void
bus_account_leave (GHashTable *accounts, BusDeadlineSet *deadlines, BusAccount *account)
{
  g_assert (account->peers > 0);
  account->peers--;
  if (account->peers == 0)
    g_clear_pointer (&account->expected, g_ptr_array_unref);
  account_free_unused (accounts, deadlines, account);
}

void
bus_account_hold (BusAccount *account)
{
  account->holders++;
}

void
bus_account_release (GHashTable *accounts, BusDeadlineSet *deadlines, BusAccount *account)
{
  g_assert (account->holders > 0);
  account->holders--;
  account_free_unused (accounts, deadlines, account);
}

guint
bus_account_count (GHashTable *accounts, guint32 number)
{
  const BusAccount *account = g_hash_table_lookup (accounts, GUINT_TO_POINTER (number));

  return account != NULL ? account->peers : 0;
}

void
bus_account_add_retained (BusAccount *account, gsize size)
{
  bus_account_hold (account);
  account->retained_messages++;
  account->retained_bytes += size;
}

void
bus_account_drop_retained (GHashTable *accounts, BusDeadlineSet *deadlines, BusAccount *account, gsize size)
{
  g_assert (account->retained_messages > 0 && account->retained_bytes >= size);
  account->retained_messages--;
  account->retained_bytes -= size;
  bus_account_release (accounts, deadlines, account);
}

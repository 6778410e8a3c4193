/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-account.h"

/* Accounts: an account is made with its first peer, freed with the last one, and holds the sum of the charges of its peers. */

typedef struct
{
  GHashTable *table;
  BusDeadlineSet deadlines;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->table = bus_account_table_new ();
  bus_deadline_set_init (&f->deadlines);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (g_hash_table_size (f->table), ==, 0);
  g_hash_table_unref (f->table);
  bus_deadline_set_clear (&f->deadlines);
}

static BusAccount *
join (Fixture *f, guint32 number, const char *name)
{
  const BusCredentials who = { .account = number, .account_name = name };

  return bus_account_join (f->table, NULL, &who);
}

static void
leave (Fixture *f, BusAccount *account)
{
  bus_account_leave (f->table, &f->deadlines, account);
}

static void
test_entry_exists_while_connected (Fixture *f, gconstpointer data)
{
  BusAccount *first = join (f, 1000, "1000");
  BusAccount *other = join (f, 0, "0"); /* zero is an ordinary account */

  g_assert_true (join (f, 1000, "1000") == first);
  g_assert_true (other != first);
  g_assert_cmpuint (first->peers, ==, 2);
  g_assert_cmpuint (other->peers, ==, 1);
  leave (f, first);
  g_assert_cmpuint (g_hash_table_size (f->table), ==, 2);
  leave (f, first);
  g_assert_cmpuint (g_hash_table_size (f->table), ==, 1);
  leave (f, other);
}

static void
test_name (Fixture *f, gconstpointer data)
{
  g_autofree char *longest = g_strnfill (BUS_ACCOUNT_NAME_MAX, 'n');
  char name[] = "first";
  BusAccount *account = join (f, 7, name);
  BusAccount *nameless = join (f, 8, NULL);
  BusAccount *long_one = join (f, 9, longest);

  name[0] = 'x';
  g_assert_cmpstr (account->name, ==, "first"); /* a copy */
  g_assert_cmpstr (nameless->name, ==, "");
  g_assert_cmpstr (long_one->name, ==, longest);
  g_assert_cmpuint (account->number, ==, 7);
  leave (f, account);
  leave (f, nameless);
  leave (f, long_one);
}

/* A timer of an account ends with the account, so it is not due after the account is freed. */
static void
test_timer_ends (Fixture *f, gconstpointer data)
{
  BusAccount *account = join (f, 7, "7");

  g_assert_cmpint (account->report_timer.kind, ==, BUS_TIMER_ACCOUNT);
  g_assert_true (account->report_timer.owner == account);
  bus_deadline_arm (&f->deadlines, &account->report_timer.deadline, 5);
  leave (f, account);
  g_assert_cmpint (bus_deadline_set_next_us (&f->deadlines), ==, G_MAXINT64);
}

static void
test_charged_at_the_end (Fixture *f, gconstpointer data)
{
  if (g_test_subprocess ())
    {
      BusAccount *account = join (f, 7, "7");

      account->usage.charged = 1;
      leave (f, account);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/account/entry-exists-while-connected", test_entry_exists_while_connected);
  ADD ("/core/account/name", test_name);
  ADD ("/core/account/I15-timer-ends", test_timer_ends);
  ADD ("/core/account/I16-charged-at-the-end", test_charged_at_the_end);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-quota.h"

/* Charges: sums return to zero, no charge exceeds a cap, and arithmetic never wraps. */

#define N_PEERS 4u

static void
test_sums (void)
{
  BusQuota quota = { .cap = 10 };
  BusUsage first = { 0 };
  BusUsage second = { 0 };

  bus_quota_charge (&quota, &first, 7);
  bus_quota_charge (&quota, &second, 5);
  g_assert_cmpuint (quota.charged, ==, 12);
  bus_quota_refund (&quota, &first, 7);
  bus_quota_refund (&quota, &second, 5);
  g_assert_cmpuint (quota.charged, ==, 0);

  g_assert_true (bus_quota_hold (&quota, 10));
  g_assert_false (bus_quota_hold (&quota, 1));
  g_assert_false (bus_quota_hold (&quota, G_MAXUINT64));
  bus_quota_release (&quota, 4);
  g_assert_true (bus_quota_hold (&quota, 4));
  g_assert_cmpuint (quota.memory, ==, 10);
}

/* The usage of an account is the sum of its peers' usage. */
static void
test_account (void)
{
  BusQuota quota = { .cap = 100 };
  BusUsage account = { 0 };
  BusUsage first = { .parent = &account };
  BusUsage second = { .parent = &account };
  BusUsage stranger = { 0 };

  bus_quota_charge (&quota, &first, 3);
  bus_quota_charge (&quota, &second, 4);
  bus_quota_charge (&quota, &stranger, 100);
  g_assert_cmpuint (account.charged, ==, 7);
  g_assert_cmpuint (quota.charged, ==, 107);
  bus_quota_refund (&quota, &first, 3);
  g_assert_cmpuint (first.charged, ==, 0);
  g_assert_cmpuint (second.charged, ==, 4);
  g_assert_cmpuint (account.charged, ==, 4);
  bus_quota_refund (&quota, &second, 4);
  bus_quota_refund (&quota, &stranger, 100);
  g_assert_cmpuint (account.charged, ==, 0);
  g_assert_cmpuint (quota.charged, ==, 0);
}

/* The reserve is the cap divided by its divisor, and is added to the cap. */
static void
test_reserve (void)
{
  BusQuota quota = { .cap = 10 * BUS_QUOTA_RESERVE };

  g_assert_true (bus_quota_hold (&quota, quota.cap));
  g_assert_false (bus_quota_hold (&quota, 1));
  g_assert_false (bus_quota_hold_reserve (&quota, 11));
  g_assert_cmpuint (quota.memory, ==, quota.cap);
  g_assert_true (bus_quota_hold_reserve (&quota, 10));
  g_assert_false (bus_quota_hold_reserve (&quota, 1));
  g_assert_cmpuint (quota.memory, ==, quota.cap + 10);

  /* Memory that the reserve took is not available to messages when the same amount is released. */
  bus_quota_release (&quota, 10);
  g_assert_false (bus_quota_hold (&quota, 1));
  bus_quota_release (&quota, quota.cap);
  g_assert_true (bus_quota_hold (&quota, 1));
}

/* A refused amount changes nothing, not even when the sum would wrap. */
static void
test_hold_does_not_wrap (void)
{
  BusQuota quota = { .cap = G_MAXUINT64 };

  g_assert_true (bus_quota_hold (&quota, G_MAXUINT64 - 5));
  g_assert_false (bus_quota_hold (&quota, 6));
  g_assert_false (bus_quota_hold (&quota, G_MAXUINT64));
  g_assert_cmpuint (quota.memory, ==, G_MAXUINT64 - 5);
  g_assert_true (bus_quota_hold (&quota, 5));
  bus_quota_release (&quota, G_MAXUINT64);
  g_assert_cmpuint (quota.memory, ==, 0);
}

/* Small objects are charged and held at once, and no cap refuses them. */
static void
test_keep (void)
{
  BusQuota quota = { .cap = 10 };
  BusUsage account = { 0 };
  BusUsage peer = { .parent = &account };

  g_assert_true (bus_quota_hold (&quota, 10));
  bus_quota_keep (&quota, &peer, 25);
  g_assert_cmpuint (quota.memory, ==, 35);
  g_assert_cmpuint (quota.charged, ==, 25);
  g_assert_cmpuint (account.charged, ==, 25);
  bus_quota_unkeep (&quota, &peer, 25);
  g_assert_cmpuint (quota.memory, ==, 10);
  g_assert_cmpuint (quota.charged, ==, 0);
  g_assert_cmpuint (account.charged, ==, 0);
}

/* Random charges against a model. */
static void
test_random (void)
{
  BusQuota quota = { .cap = 1000 };
  BusUsage account = { 0 };
  BusUsage peers[N_PEERS] = { { 0 } };
  guint64 model[N_PEERS] = { 0 };
  guint64 held = 0;

  for (guint i = 0; i < N_PEERS; i++)
    peers[i].parent = i % 2 == 0 ? &account : NULL;
  for (guint step = 0; step < 20000; step++)
    {
      guint at = (guint) g_test_rand_int_range (0, N_PEERS);
      guint64 amount = (guint64) g_test_rand_int_range (0, 300);

      if (g_test_rand_bit ())
        {
          bus_quota_charge (&quota, &peers[at], amount);
          model[at] += amount;
          g_assert_true (bus_quota_hold (&quota, amount) == (held + amount <= quota.cap));
          held += held + amount <= quota.cap ? amount : 0;
        }
      else
        {
          amount = MIN (amount, model[at]);
          bus_quota_refund (&quota, &peers[at], amount);
          model[at] -= amount;
          amount = MIN (amount, held);
          bus_quota_release (&quota, amount);
          held -= amount;
        }
      g_assert_cmpuint (peers[at].charged, ==, model[at]);
      g_assert_cmpuint (account.charged, ==, model[0] + model[2]);
      g_assert_cmpuint (quota.charged, ==, model[0] + model[1] + model[2] + model[3]);
      g_assert_cmpuint (quota.memory, ==, held);
    }
  for (guint i = 0; i < N_PEERS; i++)
    bus_quota_refund (&quota, &peers[i], model[i]);
  bus_quota_release (&quota, held);
  g_assert_cmpuint (quota.charged, ==, 0);
  g_assert_cmpuint (quota.memory, ==, 0);
  g_assert_cmpuint (account.charged, ==, 0);
}

static void
assert_fails (void (*act) (void))
{
  if (g_test_subprocess ())
    {
      act ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
}

static void
refund_too_much (void)
{
  BusQuota quota = { .charged = 9 };
  BusUsage usage = { .charged = 5 };

  bus_quota_refund (&quota, &usage, 6);
}

static void
refund_too_much_of_the_account (void)
{
  BusQuota quota = { .charged = 9 };
  BusUsage account = { .charged = 5 };
  BusUsage usage = { .charged = 9, .parent = &account };

  bus_quota_refund (&quota, &usage, 6);
}

static void
release_too_much (void)
{
  BusQuota quota = { .memory = 5 };

  bus_quota_release (&quota, 6);
}

static void
charge_too_much (void)
{
  BusQuota quota = { .charged = 2 };
  BusUsage usage = { 0 };

  bus_quota_charge (&quota, &usage, G_MAXUINT64 - 1);
}

static void
test_refund_above_the_charge (void)
{
  assert_fails (refund_too_much);
}

static void
test_refund_above_the_account (void)
{
  assert_fails (refund_too_much_of_the_account);
}

static void
test_release_above_the_memory (void)
{
  assert_fails (release_too_much);
}

static void
test_charge_above_all (void)
{
  assert_fails (charge_too_much);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/quota/R08-sums", test_sums);
  g_test_add_func ("/core/quota/account", test_account);
  g_test_add_func ("/core/quota/R08-reserve", test_reserve);
  g_test_add_func ("/core/quota/R08-hold-does-not-wrap", test_hold_does_not_wrap);
  g_test_add_func ("/core/quota/keep", test_keep);
  g_test_add_func ("/core/quota/I01-random", test_random);
  g_test_add_func ("/core/quota/R08-refund-above-charge", test_refund_above_the_charge);
  g_test_add_func ("/core/quota/R08-refund-above-account", test_refund_above_the_account);
  g_test_add_func ("/core/quota/R08-release-above-memory", test_release_above_the_memory);
  g_test_add_func ("/core/quota/R08-charge-overflows", test_charge_above_all);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "account.h"
#include "link-pair.h"
#include "peer-creds.h"

/* account_parse() accepts the name of an account and returns the same account. */
static void
test_round_trip (void)
{
  const guint32 accounts[] = { 0, 1000, account_own (), G_MAXUINT32 - 1 };

  for (guint i = 0; i < G_N_ELEMENTS (accounts); i++)
    {
      g_autofree char *name = account_name (accounts[i]);
      guint32 parsed = accounts[i] + 1;

      g_assert_true (account_parse (name, &parsed));
      g_assert_cmpuint (parsed, ==, accounts[i]);
    }
}

static void
test_no_account (void)
{
  static const char *const texts[]
      = { "", "root", "-1", "1x", " 1", "4294967295", "4294967296", "99999999999999999999" };
  guint32 account = 7;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_false (account_parse (texts[i], &account));
  g_assert_cmpuint (account, ==, 7);
}

/* For a connection within the process, the kernel reports the account of the process. */
static void
test_own (void)
{
  TransportCreds creds = { .account = account_own () + 1 };
  TransportCreds agent = peer_creds_of_agent ();
  g_autoptr (GError) error = NULL;
  LinkHandle ours;
  gintptr theirs;

  g_assert_true (link_pair_open (&ours, &theirs, &error));
  g_assert_no_error (error);
  g_assert_true (peer_creds_read (ours, &creds));
  g_assert_cmpuint (creds.account, ==, account_own ());
  g_assert_false (creds.agent);
  g_assert_cmpuint (agent.account, ==, account_own ());
  g_assert_true (agent.agent);
  if (creds.pid != 0)
    g_assert_cmpuint (creds.pid, ==, agent.pid);
  link_io_close (ours);
  link_pair_close_theirs (theirs);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transport/account/round-trip", test_round_trip);
  g_test_add_func ("/transport/account/no-account", test_no_account);
  g_test_add_func ("/transport/account/own", test_own);
  return g_test_run ();
}

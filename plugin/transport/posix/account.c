/* SPDX-License-Identifier: Apache-2.0 */
#include "account.h"

#include <unistd.h>

guint32
account_own (void)
{
  return (guint32) geteuid ();
}

char *
account_name (guint32 account)
{
  return g_strdup_printf ("%u", account);
}

/* The largest uid means "no uid" to the kernel. */
gboolean
account_parse (const char *text, guint32 *account)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32 - 1, &value, NULL))
    return FALSE;
  *account = (guint32) value;
  return TRUE;
}

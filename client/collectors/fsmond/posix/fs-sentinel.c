/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-sentinel.h"

gboolean
fs_sentinel_is_available (void)
{
  return FALSE;
}

FsSentinel *
fs_sentinel_new (FsSentinelFunc overflowed, gpointer data, const char **reason)
{
  *reason = "this system does not report lost notices";
  return NULL;
}

void
fs_sentinel_free (FsSentinel *self)
{
}

int
fs_sentinel_add (FsSentinel *self, int directory, const char **reason)
{
  *reason = "this system does not report lost notices";
  return -1;
}

void
fs_sentinel_remove (FsSentinel *self, int watch)
{
}

guint
fs_sentinel_capacity (void)
{
  return G_MAXUINT;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-trust-walk.h"

#include <unistd.h>

/* The uid that the kernel shows for accounts that do not exist in the user namespace of this process. */
#define OVERFLOW_UID 65534u

static char *
trust_read_link (const char *path)
{
  char target[4096];
  ssize_t len = readlink (path, target, sizeof target);

  return len >= 0 ? g_strndup (target, (gsize) len) : NULL;
}

PlatformTrustVerdict
platform_trust_check (const char *directory, guint32 other_owner)
{
  static const PlatformTrustFiles files = { lstat, trust_read_link };

  return platform_trust_walk (&files, directory, geteuid (), other_owner);
}

void
platform_trust_verdict_clear (PlatformTrustVerdict *verdict)
{
  g_clear_pointer (&verdict->path, g_free);
}

static char *
trust_describe_foreign (const PlatformTrustVerdict *verdict)
{
  const char *unmapped = verdict->owner == OVERFLOW_UID ? " (in a user namespace also any account outside it)" : "";
  g_autofree char *owners
      = geteuid () == 0 ? g_strdup ("root") : g_strdup_printf ("root or uid %u", (guint) geteuid ());

  return g_strdup_printf (
      "%s belongs to uid %u (mode %04o)%s, and that user could replace what is below it: choose a place "
      "where all directories belong to %s, or change the owner (chown)",
      verdict->path, verdict->owner, verdict->mode, unmapped, owners);
}

char *
platform_trust_verdict_describe (const PlatformTrustVerdict *verdict)
{
  switch (verdict->problem)
    {
    case PLATFORM_TRUST_FOREIGN:
      return trust_describe_foreign (verdict);
    case PLATFORM_TRUST_WRITABLE:
      return g_strdup_printf (
          "other users can write to %s (owner uid %u, mode %04o): remove that permission (chmod go-w), "
          "or choose another place",
          verdict->path, verdict->owner, verdict->mode);
    case PLATFORM_TRUST_NO_DIRECTORY:
      return g_strdup_printf ("%s is not a directory", verdict->path);
    case PLATFORM_TRUST_LINKS:
      return g_strdup_printf ("too many symbolic links on the way, the last is %s", verdict->path);
    case PLATFORM_TRUST_MISSING:
      return g_strdup_printf ("%s does not exist", verdict->path);
    case PLATFORM_TRUST_UNKNOWN:
      return g_strdup_printf ("can't examine %s: %s", verdict->path, g_strerror (verdict->error));
    case PLATFORM_TRUST_GOOD:
      break;
    }
  return g_strdup ("only root and this user can change it");
}

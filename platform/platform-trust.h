/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Trust in a directory: whether other accounts can change what a path leads to.
 *
 * An account that can rename a directory on the way can put one of its own in its place, with another socket in it. So each
 * directory on the way is checked, from the root down, before its entries are. It is good when root or the current user owns
 * it and nobody else can write to it, or when it belongs to root and has the sticky bit, as /tmp: there only the owner of an
 * entry can rename it. Symbolic links are followed; a link must belong to root or to the current user too. This module only
 * looks: it creates and changes nothing, and it asks no name service.
 *
 * The write permission of a POSIX ACL shows in the group bits of the mode, so it counts. ACLs of macOS do not.
 *
 * Invariant: a directory that was found good leads to the same place until root, the current user or the guest changes it.
 */

/* No guest. */
#define PLATFORM_TRUST_NOBODY G_MAXUINT32

typedef enum
{
  PLATFORM_TRUST_GOOD,
  PLATFORM_TRUST_MISSING,  /* there is no such entry; everything above it is good */
  PLATFORM_TRUST_FOREIGN,  /* the entry belongs to another account */
  PLATFORM_TRUST_WRITABLE, /* other accounts can write to the directory */
  PLATFORM_TRUST_NO_DIRECTORY,
  PLATFORM_TRUST_LINKS,   /* too many symbolic links */
  PLATFORM_TRUST_UNKNOWN, /* the system does not say */
} PlatformTrustProblem;

typedef struct
{
  PlatformTrustProblem problem;
  char *path; /* the entry that is bad, with links resolved; NULL: none */
  guint32 owner;
  guint mode;     /* permission bits */
  gboolean shown; /* owner and mode are known */
  int error;      /* errno of UNKNOWN */
} PlatformTrustVerdict;

/* @directory: absolute. @guest: another account that may own directories, except in directories like /tmp, where any account
 * can create them; PLATFORM_TRUST_NOBODY: none. */
PlatformTrustVerdict platform_trust_check (const char *directory, guint32 guest);
void platform_trust_verdict_clear (PlatformTrustVerdict *verdict);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PlatformTrustVerdict, platform_trust_verdict_clear)

/* Names the fault and the remedy, in English. (transfer full) */
char *platform_trust_verdict_describe (const PlatformTrustVerdict *verdict);

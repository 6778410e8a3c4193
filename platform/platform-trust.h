/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Trust in a directory: checks that other accounts can't replace any directory of a path.
 *
 * An account that can rename a directory of the path can put a directory of its own in its place, with another socket in it. So
 * each directory of the path is checked, from the root down, before its entries are. A directory is good if root or the
 * current user owns it and no other account can write to it. It is also good if it belongs to root and has the sticky bit, like
 * /tmp: there only the owner of an entry can rename it. Symbolic links are followed; a link must belong to root or to the
 * current user, too. This module only reads: it changes no file, and it uses no name service.
 *
 * The write permission of a POSIX ACL appears in the group bits of the mode, so it is checked. ACLs of macOS are not checked.
 *
 * Invariant: a path that was found good leads to the same directory until root, the current user or the other owner changes it.
 */

/* The value of @other_owner if only root and the current user may own directories. */
#define PLATFORM_TRUST_NO_OTHER_OWNER G_MAXUINT32

typedef enum
{
  PLATFORM_TRUST_GOOD,
  PLATFORM_TRUST_MISSING,  /* there is no such entry; everything above it is good */
  PLATFORM_TRUST_FOREIGN,  /* the entry belongs to another account */
  PLATFORM_TRUST_WRITABLE, /* other accounts can write to the directory */
  PLATFORM_TRUST_NO_DIRECTORY,
  PLATFORM_TRUST_LINKS,   /* too many symbolic links */
  PLATFORM_TRUST_UNKNOWN, /* the system does not provide the information */
} PlatformTrustProblem;

typedef struct
{
  PlatformTrustProblem problem;
  char *path; /* the offending entry, with links resolved; NULL: none */
  guint32 owner;
  guint mode;     /* permission bits */
  gboolean shown; /* owner and mode are known */
  int error;      /* errno of UNKNOWN */
} PlatformTrustVerdict;

/* @directory: absolute. @other_owner: another account that may own directories, except in directories like /tmp, where any account
 * can create them; PLATFORM_TRUST_NO_OTHER_OWNER: none. */
PlatformTrustVerdict platform_trust_check (const char *directory, guint32 other_owner);
void platform_trust_verdict_clear (PlatformTrustVerdict *verdict);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PlatformTrustVerdict, platform_trust_verdict_clear)

/* Returns a text with the fault and the remedy, in English. (transfer full) */
char *platform_trust_verdict_describe (const PlatformTrustVerdict *verdict);

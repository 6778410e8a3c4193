/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform-trust.h"

#include <sys/stat.h>
#include <sys/types.h>

/*
 * The rule of platform-trust.h, for any account and any file system.
 *
 * Both are arguments, so that a test can use an invented tree and any account.
 */

typedef struct
{
  int (*examine) (const char *path, struct stat *st); /* as lstat() */
  char *(*read_link) (const char *path);              /* (transfer full); NULL: errno */
} PlatformTrustFiles;

PlatformTrustVerdict
platform_trust_walk (const PlatformTrustFiles *files, const char *directory, uid_t own, guint32 other_owner);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The directory of the broker's socket, held open by a descriptor.
 *
 * It belongs to the current user, and nobody else can write to it; the directories above it are good in the sense of
 * platform-trust.h. So another user can neither put a socket in place of ours nor lead clients to another directory. The
 * descriptor stays with the directory when that is renamed or removed, which a comparison with its path shows.
 */

/* Creates the directory if it does not exist. @for_group: gives a group access to what is in it. Returns a descriptor, or -1
 * with a LISTENER_ERROR. */
int unix_directory_open (const char *directory, gboolean for_group, GError **error);
/* TRUE: the path still leads to the directory. */
gboolean unix_directory_is_at (int fd, const char *directory);
/* TRUE: both descriptors are of one directory. */
gboolean unix_directory_is_same (int fd, int other);

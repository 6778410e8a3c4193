/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The directory of the broker's socket, held open by a descriptor.
 *
 * The directory belongs to the current user, and no other user can write to it; the directories above it are good in the
 * sense of platform-trust.h. So another user can neither replace the broker's socket nor redirect clients to another directory.
 * A descriptor still refers to the same directory after that was renamed or removed; unix_directory_is_at() detects this by a
 * comparison with the path.
 */

/* Creates the directory if it does not exist. @for_group: lets the directory's group access its files. Returns a descriptor, or -1
 * with a LISTENER_ERROR. */
int unix_directory_open (const char *directory, gboolean for_group, GError **error);
/* TRUE: the path still leads to the directory. */
gboolean unix_directory_is_at (int fd, const char *directory);
/* TRUE: both descriptors refer to the same directory. */
gboolean unix_directory_is_same (int fd, int other);

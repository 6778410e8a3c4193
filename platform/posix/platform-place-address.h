/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <sys/types.h>

/*
 * The broker's default address of one user.
 *
 * Broker and client compute this path independently of each other, in different working directories. So $XDG_RUNTIME_DIR
 * counts as unset unless it is an absolute path, as the XDG specification demands: a relative path would lead to a directory
 * that another user may have prepared.
 */

/* Root has an address in /run, and any other user one below $XDG_RUNTIME_DIR. NULL: the user has none. (transfer full) */
char *platform_place_address (uid_t uid);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* New Unix stream sockets that no child process inherits. On failure the result is -1 or FALSE, and errno is set. Without the
 * flags of Linux and the BSDs (macOS), a child that another thread starts in the same instant may inherit one. */

int unix_socket_new (void); /* non-blocking */
gboolean unix_socket_pair (int fds[2]);

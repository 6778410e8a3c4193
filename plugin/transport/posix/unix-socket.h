/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* New Unix stream sockets that child processes do not inherit. On failure the result is -1 or FALSE, and errno is set. macOS
 * lacks SOCK_CLOEXEC: there a child that another thread starts at the same moment may inherit the socket. */

int unix_socket_new (void); /* non-blocking */
gboolean unix_socket_pair (int fds[2]);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "transport.h"

/*
 * Who is at the other end of a Unix socket, as the kernel says. The answer was fixed when the peer connected; a peer that
 * passes its socket on stays who it was.
 */

/* FALSE: the kernel does not tell: refuse the connection. */
gboolean transport_creds_read (int fd, TransportCreds *creds);

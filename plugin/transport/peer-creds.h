/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link-io.h"
#include "transport.h"

/*
 * The identity of the process at the other end of a connection, from the kernel.
 *
 * The kernel records it when that process connects. Invariant: it does not change when another process inherits or receives the
 * connection later.
 */

/* FALSE: the kernel does not report it, and the connection must be refused. */
gboolean peer_creds_read (LinkHandle handle, TransportCreds *creds);

/* The identity of this process, for a connection that it opens to itself on behalf of the agent. */
TransportCreds peer_creds_of_agent (void);

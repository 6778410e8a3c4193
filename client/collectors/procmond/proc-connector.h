/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The socket on which the kernel reports processes as they start, execute, and end: Linux' process connector.
 *
 * It only transfers datagrams from the kernel of this machine; proc-message reads them. linux/proc-connector.c is the only file
 * that may use a netlink socket for it. On other systems posix/proc-connector.c refuses.
 *
 * Invariant: a datagram that was not sent by the kernel is never returned.
 */

typedef struct ProcConnector ProcConnector;

/* Opens the connector and sends @request. @queue_bytes: size of the kernel's queue of datagrams; the kernel may grant less. NULL
 * with @error: the system has no connector, or the program has no right to use it. */
ProcConnector *proc_connector_open (gsize queue_bytes, const guint8 *request, gsize len, GError **error);
void proc_connector_close (ProcConnector *self);

/* Returns a source, not attached, that calls a GSourceFunc when there is a datagram to read. (transfer full) */
GSource *proc_connector_create_source (ProcConnector *self);

typedef enum
{
  PROC_CONNECTOR_BYTES,
  PROC_CONNECTOR_EMPTY,   /* there is no datagram now */
  PROC_CONNECTOR_OVERRUN, /* the kernel has dropped datagrams that were not read in time; others follow */
  PROC_CONNECTOR_BROKEN,
} ProcConnectorResult;

/* The largest datagram that the kernel sends. */
#define PROC_CONNECTOR_BYTES_MAX 4096u

/* Reads a datagram of at most @size bytes, without waiting. @len: (out): set if the result is PROC_CONNECTOR_BYTES. */
ProcConnectorResult proc_connector_read (ProcConnector *self, guint8 *bytes, gsize size, gsize *len);

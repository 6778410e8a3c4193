/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"
#include "config.h"
#include "daemoneye-plugin.h"

#include <gio/gio.h>

/*
 * The service: one running broker, i.e. a thread with a GMainContext, and in it the core, the transport and one timer.
 *
 * It connects transport and core, which do not know each other, and only it reads the clock. The core belongs to the broker
 * thread; other threads pass a function to that thread and wait until it has run. There is no global state: several brokers
 * can run in one process.
 *
 * No code that can block runs in the broker thread; a separate thread writes the log records (service-log.h).
 *
 * Invariant: after service_stop() no source, thread, file descriptor or file of the broker exists. The only exception is a log
 * thread that blocks in the host's log function; service_stop() reports it.
 */

typedef struct Service Service;

/* Starts to listen. Errors: BUS_CONFIG_ERROR, LISTENER_ERROR or G_IO_ERROR. @config: transfer full. @host: (nullable), its log
 * function is used. */
Service *service_start (BusConfig *config, const DaemoneyeHost *host, GError **error);

/* TRUE: this process is a child of fork(). The broker thread exists only in the parent, so every function below except
 * service_address() and service_epoch() would wait for ever. */
gboolean service_is_forked (const Service *service);

/* Returns the host's end of a new connection with the agent's role, owned by the caller; -1: failed. */
gintptr service_connect (Service *service, GError **error);

const char *service_address (const Service *service);
guint64 service_epoch (const Service *service);
void service_stats (Service *service, BusCoreStats *stats);
/* TRUE: the address was removed or replaced, so no client can connect. */
gboolean service_is_lost (Service *service);

/* Notifies all peers of the end, waits at most @deadline_us until they have disconnected and the log is written, and frees
 * everything. FALSE: the host's log function blocked, and the log thread was abandoned in it. @unwritten: (out) (optional):
 * the number of log records that were not written */
gboolean service_stop (Service *service, gint64 deadline_us, guint64 *unwritten);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"
#include "config.h"
#include "daemoneye-plugin.h"

#include <gio/gio.h>

/*
 * The service: one running broker, that is a thread with its GMainContext, the core, the transport and one timer in it.
 *
 * It connects transport and core, which do not know each other, and it alone reads the clock. The core belongs to the broker
 * thread; other threads pass a function to that thread and wait until it has run. There is no global state: several brokers
 * run side by side in a process.
 *
 * Nothing that can block runs in the broker thread: log records are written by a thread of their own (service-log.h).
 *
 * Invariant: after service_stop() the broker has left no source, thread, file descriptor or file behind. The only exception is
 * a log thread that stands in the host's log function, and service_stop() reports it.
 */

typedef struct Service Service;

/* Starts to listen. Errors: BUS_CONFIG_ERROR, LISTENER_ERROR or G_IO_ERROR. @config: transfer full. @host: (nullable), its log
 * function is used. */
Service *service_start (BusConfig *config, const DaemoneyeHost *host, GError **error);

/* TRUE in a child of fork(): the broker thread is in the parent only, so that every function below except service_address() and
 * service_epoch() would wait for ever there. */
gboolean service_is_forked (const Service *service);

/* The host's end of a connection with the agent's role, owned by the caller; -1: failed. */
gintptr service_connect (Service *service, GError **error);

const char *service_address (const Service *service);
guint64 service_epoch (const Service *service);
void service_stats (Service *service, BusCoreStats *stats);
/* TRUE: the address was taken away, so no client can connect. */
gboolean service_is_lost (Service *service);

/* Announces the end to all peers, waits at most @deadline_us until they have read it and closed and the log is written, and
 * frees everything. FALSE: the host's log function blocked, and the log thread was abandoned in it. @unwritten: (out) (optional):
 * the number of log records that the host did not get */
gboolean service_stop (Service *service, gint64 deadline_us, guint64 *unwritten);

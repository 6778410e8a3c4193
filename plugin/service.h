/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"
#include "config.h"
#include "daemoneye-plugin.h"

#include <gio/gio.h>

/*
 * One running broker: the thread, its GMainContext, core and transport in it, one timer.
 *
 * It is the only reader of the clock, and the only place where core and transport meet. Core state belongs to the broker
 * thread alone; other threads hand it a call and wait for the answer. Nothing here is global: two brokers run side by
 * side.
 *
 * Invariant: after service_stop() no source, thread, file descriptor or file of it is left.
 */

typedef struct Service Service;

/* Starts to listen. Errors: of BUS_CONFIG_ERROR, TRANSPORT_UNIX_ERROR or G_IO_ERROR. @config: transfer full. @host: its log
 * function; copied. */
Service *service_start (BusConfig *config, const DaemoneyeHost *host, GError **error);

/* A connected socket with the agent's role at our end, or -1. */
int service_connect (Service *service, GError **error);

const char *service_address (const Service *service);
guint64 service_epoch (const Service *service);
/* FALSE: it is stopped. */
gboolean service_stats (Service *service, BusCoreStats *stats);

/* Says goodbye to all, waits until it is read, for at most @deadline_us, frees everything. */
void service_stop (Service *service, gint64 deadline_us);

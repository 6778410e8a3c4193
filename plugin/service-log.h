/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"
#include "daemoneye-plugin.h"
#include "listener.h"
#include "platform-log-thread.h"

/*
 * Log records of the broker: what the core notes about peers, and pauses of the listener, written to the function of the host
 * or to GLib's structured log (domain DeyeBus).
 *
 * The functions of this file are called in the broker thread. They make the records and pass them to a log thread
 * (platform-log-thread.h), which alone calls the host's function, so a log function that blocks does not delay the broker.
 * The core caps the records of each peer (base/bus-note.h); this module adds no other limit.
 *
 * The log thread owns a copy of the host's function and its user data. If service_log_end() abandons it, the call in progress
 * is the last one.
 */
typedef struct
{
  PlatformLogThread *thread;
  BusNoteCap pause_cap;
} ServiceLog;

gboolean service_log_init (ServiceLog *self, const DaemoneyeHost *host, GError **error);

/* Writes all log records that the core has, and removes them from it. */
void service_log_notes (ServiceLog *self, BusCore *core);

/* The listener pauses, because no file descriptors are left. At most one record a second; it contains the number of pauses. */
void service_log_pause (ServiceLog *self, gint64 now_us);

/* Writes that the broker's address was lost or restored. @text: (nullable), the reason. */
void service_log_address (ServiceLog *self, ListenerEvent event, const char *address, const char *text);

/* Waits until the host has got all records, at most until @until_us. FALSE: the host's log function blocked, and the thread was
 * abandoned in it. @unwritten: (out): records that the host did not get, or that it blocked in */
gboolean service_log_end (ServiceLog *self, gint64 until_us, guint64 *unwritten);

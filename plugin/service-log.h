/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"
#include "daemoneye-plugin.h"
#include "listener.h"
#include "platform-log-thread.h"

/*
 * Log records of the broker: the core's notes about peers, pauses of the listener, and changes of the address. They are written
 * to the log function of the host, or to GLib's structured log (domain DeyeBus).
 *
 * The functions of this file are called in the broker thread. They format records and pass them to a log thread
 * (platform-log-thread.h). Only that thread calls the host's function, so a log function that blocks does not delay the
 * broker. The core limits the records of each peer (base/bus-note.h); this module adds no other limit.
 *
 * The log thread owns a copy of the host's function pointer and user data. If service_log_end() abandons the thread, it makes no
 * further call.
 */
typedef struct
{
  PlatformLogThread *thread;
  BusNoteCap pause_cap;
} ServiceLog;

gboolean service_log_init (ServiceLog *self, const DaemoneyeHost *host, GError **error);

/* Takes all notes from the core and writes them as log records. */
void service_log_notes (ServiceLog *self, BusCore *core);

/* Writes that the listener pauses because no file descriptors are left. At most one record per second; it contains the number
 * of pauses. */
void service_log_pause (ServiceLog *self, gint64 now_us);

/* Writes that the broker's address was lost or restored. @text: (nullable), the reason. */
void service_log_address (ServiceLog *self, ListenerEvent event, const char *address, const char *text);

/* Waits until all records are written, at most until @until_us. FALSE: the host's log function blocked, and the log thread was
 * abandoned in it. @unwritten: (out): number of records that were not written, including the one whose call blocked */
gboolean service_log_end (ServiceLog *self, gint64 until_us, guint64 *unwritten);

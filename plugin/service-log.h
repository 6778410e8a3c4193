/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"
#include "daemoneye-plugin.h"
#include "listener.h"

/*
 * Log records of the broker: what the core notes about peers, written to the function of the host or to GLib's structured log
 * (domain DeyeBus).
 *
 * A peer can cause records as fast as it likes. At most 50 are written in a second; the others are counted, and their number
 * is written in the next one. A log function that blocks delays the broker by at most one record each time.
 */
typedef struct
{
  void (*log) (void *user_data,
               DaemoneyeLogLevel level,
               const char *message,
               const DaemoneyeLogField *fields,
               size_t n_fields);
  void *user_data;
  gint64 second_us; /* when the current second began */
  guint written;
  guint left_out;
} ServiceLog;

void service_log_init (ServiceLog *self, const DaemoneyeHost *host);
void service_log_clear (ServiceLog *self);
/* Writes all log records that the core has, and removes them from it. */
void service_log_notes (ServiceLog *self, BusCore *core, gint64 now_us);
/* Writes that the broker's address was lost or restored. @text: (nullable), the reason. */
void service_log_address (ServiceLog *self, ListenerEvent event, const char *address, const char *text);

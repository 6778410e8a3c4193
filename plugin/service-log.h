/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"
#include "daemoneye-plugin.h"

/*
 * The core's notes as structured log records, to the host's function or to GLib's log (domain DeyeBus).
 *
 * A peer can cause notes as fast as it likes, so no more than 50 a second are written; what is left out is counted and
 * said. It never blocks the broker for a full sink longer than one write.
 */
typedef struct
{
  void (*log) (void *user_data,
               DaemoneyeLogLevel level,
               const char *message,
               const DaemoneyeLogField *fields,
               size_t n_fields);
  void *user_data;
  gint64 second_us; /* start of the second that is counted */
  guint written;
  guint left_out;
} ServiceLog;

void service_log_init (ServiceLog *self, const DaemoneyeHost *host);
void service_log_clear (ServiceLog *self);
/* Takes all notes out. */
void service_log_notes (ServiceLog *self, BusCore *core, gint64 now_us);

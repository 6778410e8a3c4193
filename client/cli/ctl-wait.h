/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * Waits for the end of one asynchronous call, with a time limit after which the call is cancelled.
 *
 * The wait iterates the main context. Calls of the library that have their own timeout do not need this module.
 *
 * Usage: ctl_wait_init(), begin the call with the cancellable and ctl_wait_on_ready(), finish it with ctl_wait_result().
 */

typedef struct
{
  GCancellable *cancellable;
  GSource *timer;
  GAsyncResult *result; /* NULL: the call has not ended yet */
} CtlWait;

void ctl_wait_init (CtlWait *wait, gint64 time_us);
void ctl_wait_clear (CtlWait *wait);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtlWait, ctl_wait_clear)

/* A GAsyncReadyCallback. @wait: a CtlWait. */
void ctl_wait_on_ready (GObject *source, GAsyncResult *result, gpointer wait);

/* Waits; (transfer none). */
GAsyncResult *ctl_wait_result (CtlWait *wait);

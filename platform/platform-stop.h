/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Stop requests: a source for a GMainContext that is dispatched when the process is asked to end.
 *
 * On POSIX such a request is SIGINT or SIGTERM. Several requests before a dispatch count as one. A second request does
 * nothing by itself: the callback decides what ends.
 *
 * Invariant: while such a source exists a stop request does not terminate the process; once the last one is freed, it does
 * again.
 */

/* The callback is a GSourceFunc. (transfer full) */
GSource *platform_stop_source_new (void);

/* While such a source exists: a stop request ends a write that blocks in the calling process, with EINTR. For a program with one
 * thread, which can then end although nobody reads its output. A request that arrives just before the write does not end it,
 * but the next one does. */
void platform_stop_interrupt_writes (void);

/* Attaches such a source to the default context, for programs. Returns its id for g_source_remove(). */
guint platform_stop_add (GSourceFunc callback, gpointer data);

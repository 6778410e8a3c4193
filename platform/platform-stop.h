/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Stop requests: a source for a GMainContext that is dispatched when the process is asked to end.
 *
 * On POSIX such a request is SIGINT or SIGTERM. Several requests before a dispatch count as one. A request has no other effect:
 * the callback decides what ends.
 *
 * Invariant: while such a source exists, a stop request does not terminate the process; after the last one was freed, it does
 * again.
 */

/* The callback is a GSourceFunc. (transfer full) */
GSource *platform_stop_source_new (void);

/* Lets a stop request interrupt a blocking write of the process, with EINTR, while such a source exists. It is for programs with
 * one thread, which can then end although no process reads their output. A request that arrives just before the write does
 * not interrupt it, but the next request does. */
void platform_stop_interrupt_writes (void);

/* Attaches such a source to the default context, for programs. Returns its id for g_source_remove(). */
guint platform_stop_add (GSourceFunc callback, gpointer data);

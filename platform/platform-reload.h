/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Reload requests: a source in the default context that is dispatched when the process is asked to read its configuration again.
 * On POSIX such a request is SIGHUP.
 *
 * Invariant: while such a source exists, SIGHUP does not terminate the process.
 */

/* Returns the id of the source for g_source_remove(). */
guint platform_reload_add (GSourceFunc callback, gpointer data);

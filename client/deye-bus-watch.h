/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A watch of the directory of the broker's socket. With it a client connects as soon as the broker listens again, and does not
 * wait for its next attempt.
 *
 * Each operating system implements this interface. Without a watch, because the system has none or the directory does not
 * exist, a client only follows its schedule. A directory may be replaced by another one with the same path, for example when
 * systemd restarts a service, so the watch is renewed after each attempt.
 *
 * Invariant: reading never waits.
 */

typedef struct DeyeBusWatch DeyeBusWatch;

/* NULL: the directory cannot be watched. */
DeyeBusWatch *deye_bus_watch_open (const char *address);
void deye_bus_watch_close (DeyeBusWatch *watch);
/* Watches the directory that is at the path now. */
void deye_bus_watch_renew (DeyeBusWatch *watch);
/* The descriptor to poll for input. */
gint deye_bus_watch_fd (const DeyeBusWatch *watch);
/* TRUE if the socket was created, moved there or made accessible since the last call, or the directory itself changed. */
gboolean deye_bus_watch_read (DeyeBusWatch *watch);

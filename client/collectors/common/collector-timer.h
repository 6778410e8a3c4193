/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Timers in the thread's default context, which is the one of the client of a collector. The owner keeps the source. */

/* (transfer full) */
GSource *collector_timer_new (guint ms, GSourceFunc function, gpointer data);
/* Ends the timer, and sets *@timer to NULL. */
void collector_timer_clear (GSource **timer);

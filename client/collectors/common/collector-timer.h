/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Timers in the default context of the thread, which is also that of the collector's client. The caller owns the source. */

/* (transfer full) */
GSource *collector_timer_new (guint ms, GSourceFunc function, gpointer data);
/* Stops the timer and sets *@timer to NULL. */
void collector_timer_clear (GSource **timer);

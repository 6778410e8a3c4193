/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Wakes a poll() of another thread: a descriptor that is readable from set() to clear(). An eventfd where the system has it,
 * otherwise a pipe.
 *
 * It does not count: the caller calls set() and clear() alternately, under its own lock.
 */

typedef struct
{
  gint reader;
  gint writer; /* the same as @reader if it is an eventfd */
} DeyeBusWake;

/* FALSE: there is no descriptor left. */
gboolean deye_bus_wake_open (DeyeBusWake *wake);
void deye_bus_wake_close (DeyeBusWake *wake);
void deye_bus_wake_set (const DeyeBusWake *wake);
void deye_bus_wake_clear (const DeyeBusWake *wake);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Wakes a poll() in another thread with a descriptor that is readable from set() to clear(). It is an eventfd if the system has
 * one, otherwise a pipe.
 *
 * It does not count: the caller calls set() and clear() alternately, and protects them with its own lock.
 */

typedef struct
{
  gint reader;
  gint writer; /* the same as @reader if it is an eventfd */
} DeyeBusWake;

/* FALSE: the process has no descriptor left. */
gboolean deye_bus_wake_open (DeyeBusWake *wake);
void deye_bus_wake_close (DeyeBusWake *wake);
void deye_bus_wake_set (const DeyeBusWake *wake);
void deye_bus_wake_clear (const DeyeBusWake *wake);

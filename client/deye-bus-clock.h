/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* The time in microseconds of a monotonic clock that is cheap enough to read for each message. It may lag by some milliseconds.
 * Its values can only be compared with each other. */
gint64 deye_bus_clock_coarse_us (void);

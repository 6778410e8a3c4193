/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Microseconds of a monotonic clock that is cheap to read for each message, and may be some milliseconds behind. Its values are
 * comparable with each other only. */
gint64 deye_bus_clock_coarse_us (void);

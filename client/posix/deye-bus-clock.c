/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-clock.h"

#include <time.h>

/* A system without the coarse clock uses the precise one. */
#ifdef CLOCK_MONOTONIC_COARSE
#define COARSE_CLOCK CLOCK_MONOTONIC_COARSE
#else
#define COARSE_CLOCK CLOCK_MONOTONIC
#endif

gint64
deye_bus_clock_coarse_us (void)
{
  struct timespec now = { 0 };

  (void) clock_gettime (COARSE_CLOCK, &now);
  return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

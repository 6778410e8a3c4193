/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Formats sizes and times for people. */

/* "512", "3.4M", "64M" with units of 1024; (transfer full). */
char *ctl_bytes (guint64 bytes);
/* "3 h 12 min", "0.8 s"; (transfer full). */
char *ctl_duration (guint64 us);
/* "2026-11-24 10:15:01" in local time; (transfer full). */
char *ctl_moment (guint64 wall_us, gboolean with_fraction);

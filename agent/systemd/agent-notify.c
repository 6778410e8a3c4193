/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-notify.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

const char *const agent_notify_variables[] = { "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", NULL };

void
agent_notify_ready (const char *text)
{
  sd_notifyf (0, "READY=1\nSTATUS=%s", text);
}

/* Units of Type=notify-reload need the time of CLOCK_MONOTONIC, which g_get_monotonic_time() reads; units of Type=notify ignore
 * it. */
void
agent_notify_reloading (void)
{
  sd_notifyf (0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, (int64_t) g_get_monotonic_time ());
}

void
agent_notify_stopping (void)
{
  sd_notify (0, "STOPPING=1\nSTATUS=Stopping");
}

gint64
agent_notify_watchdog_us (void)
{
  uint64_t limit_us = 0;

  return sd_watchdog_enabled (0, &limit_us) > 0 ? (gint64) MIN (limit_us, (uint64_t) G_MAXINT64) : 0;
}

void
agent_notify_alive (void)
{
  sd_notify (0, "WATCHDOG=1");
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Reports the state of the agent to the service manager that has started it: ready, reloading, stopping, and alive (the watchdog).
 *
 * systemd/agent-notify.c reports to systemd through libsystemd, see sd_notify(3) and sd_watchdog_enabled(3).
 * posix/agent-notify.c is for systems without systemd and does nothing. Without a service manager no function has an effect.
 */

/* @text: one line for people. */
void agent_notify_ready (const char *text);
/* agent_notify_ready() must follow. */
void agent_notify_reloading (void);
void agent_notify_stopping (void);

/* Returns the time within which the service manager expects the next agent_notify_alive(); 0: it expects none. */
gint64 agent_notify_watchdog_us (void);
void agent_notify_alive (void);

/* Names of environment variables that only the agent itself may use, not its children. NULL-ended. */
extern const char *const agent_notify_variables[];

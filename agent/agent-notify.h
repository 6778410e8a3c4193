/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * State of the agent for the service manager that has started it: ready, reloading, stopping, and alive (the watchdog).
 *
 * systemd/agent-notify.c sends it to systemd through libsystemd, see sd_notify(3) and sd_watchdog_enabled(3).
 * posix/agent-notify.c is for systems without it and does nothing. Without a service manager every function does nothing.
 */

/* @text: one line for people. */
void agent_notify_ready (const char *text);
/* After it comes agent_notify_ready(). */
void agent_notify_reloading (void);
void agent_notify_stopping (void);

/* The time within which the service manager expects agent_notify_alive() again; 0: it expects none. */
gint64 agent_notify_watchdog_us (void);
void agent_notify_alive (void);

/* Names of the environment variables that only the agent itself may use, not its children. NULL-ended. */
extern const char *const agent_notify_variables[];

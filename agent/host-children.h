/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * Processes that the agent starts and stops: each exec'd, each killed by the kernel if the agent dies first.
 *
 * It starts and stops, no more: restarting crashed ones is supervision, which is not here.
 */

typedef struct
{
  char *name;
  GPid pid;
  GSubprocess *process;
} HostChild;

/* @argv: NULL-ended. */
HostChild *host_child_start (const char *name, const char *const *argv, GError **error);
/* SIGTERM, and SIGKILL when it takes longer than @grace_us. */
void host_child_stop (HostChild *child, gint64 grace_us);
/* Asks the process to end and waits for it to be gone; then frees. */
void host_child_free (HostChild *child);

/* A program of ours: at the first of @places (as deye_bus_place_beside_program() takes them), else in PATH. NULL: nowhere.
 * Transfer full. */
char *host_child_find (const char *name, const char *const *places);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* The running process as other processes see it. */

/* The process number. A child of fork() has another one. */
guint32 platform_process_id (void);

/* Counts the calls of fork() between this process and the first call of this function: two results differ if and only if there was
 * a fork() between the calls. It needs no system call, so a library may use it in each of its functions. It does not
 * detect a child that was created without the C library's fork(), for example by clone(). */
guint platform_fork_count (void);

/* The same without a call, for code that has called platform_fork_count() before. */
extern guint platform_process_forks; /* written only in a child of fork(), by its only thread */

static inline guint
platform_fork_recount (void)
{
  return platform_process_forks;
}

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

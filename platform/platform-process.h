/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* The running process as other processes see it. */

/* Its number. A child of fork() has one of its own. */
guint32 platform_process_id (void);

/* The number of fork() calls that made this process: two results differ if and only if a fork() lies between the calls. It costs
 * no system call, so a library may ask at each of its calls. A child that was made without the C library's fork(), such as
 * by clone(), is not noticed. The first call has to be made before the first fork() that is to be counted. */
guint platform_fork_count (void);

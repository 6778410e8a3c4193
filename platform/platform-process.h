/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* The running process as other processes see it. */

/* Its number. A child of fork() has one of its own. */
guint32 platform_process_id (void);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* A new directory for a test, in the system's directory for temporary files. */
char *test_dir_new (void);
/* Removes the directory with everything in it; follows no symbolic link. Frees @dir. */
void test_dir_remove (char *dir);

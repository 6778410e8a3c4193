/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Default locations: the file of the running program, the files installed beside it, and the broker's address.
 *
 * Broker, client library and programs take these locations from here, so that they agree with each other and each system
 * defines them once. This module only computes names. It creates nothing, and apart from platform_beside_program() it does
 * not check that anything exists.
 *
 * The module's file name and the installation directories are known at build time; meson.build passes them on.
 */

/* Absolute path of the running program. NULL: the system does not provide it. (transfer full) */
char *platform_program_path (void);

/* Absolute path of the shared library that contains @symbol, a static object or a function. NULL: the program itself contains
 * it, or the system does not provide the path. (transfer full) */
char *platform_library_path (gconstpointer symbol);

/* The name with which the running program starts itself once more. On Linux it means the running file also after the path of
 * the program was given to a newer file or deleted; elsewhere it is the path. NULL: the system does not provide it.
 * (transfer full) */
char *platform_program_for_child (void);

/* The path of @relative below the directory above the program's own directory, i.e. below PREFIX of PREFIX/bin/PROGRAM, so
 * that an installed tree works wherever it was moved. NULL: there is no such file, or the program's path is unknown.
 * (transfer full) */
char *platform_beside_program (const char *relative);

/* The broker's address when none is configured: $DAEMONEYE_BROKER_SOCKET, else the default of the current user. NULL: this
 * user has no default (POSIX: not root, and XDG_RUNTIME_DIR is not an absolute path). (transfer full) */
char *platform_broker_address (void);

/* The default of the current user alone; implemented by each system. (transfer full) (nullable) */
char *platform_default_address (void);

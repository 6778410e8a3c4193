/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Default locations: the file of the running program, the files installed beside it, and the broker's address.
 *
 * Broker, client library and programs get these locations from this module, so that they agree and each system defines them only
 * once. The module only computes names: it creates no files, and only platform_beside_program() checks that a file exists.
 *
 * The module's file name and the installation directories are known at build time; meson.build passes them on.
 */

/* Absolute path of the running program. NULL: the system does not provide it. (transfer full) */
char *platform_program_path (void);

/* Absolute path of the shared library that contains @symbol, a static object or a function. NULL: the program itself contains
 * it, or the system does not provide the path. (transfer full) */
char *platform_library_path (gconstpointer symbol);

/* A name that executes the running program once more. On Linux it leads to the running file even after its path was deleted or
 * another file was installed there; elsewhere it is the path. NULL: the system does not provide it. (transfer full) */
char *platform_program_for_child (void);

/* The path of @relative below the directory above the program's own directory, i.e. below PREFIX of PREFIX/bin/PROGRAM, so
 * that an installed tree works after it was moved. NULL: there is no such file, or the program's path is unknown.
 * (transfer full) */
char *platform_beside_program (const char *relative);

/* The broker's address when none is configured: $DAEMONEYE_BROKER_SOCKET, else the default of the current user. NULL: this
 * user has no default (POSIX: not root, and XDG_RUNTIME_DIR is not an absolute path). (transfer full) */
char *platform_broker_address (void);

/* The default of the current user, without $DAEMONEYE_BROKER_SOCKET. Each system implements it. (transfer full) (nullable) */
char *platform_default_address (void);

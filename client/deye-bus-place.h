/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Where the rest of an installation lies, seen from the program that runs: a tree works wherever it was put. */

/* @relative below the directory above the program's own (PREFIX of PREFIX/bin/PROGRAM). NULL: there is no such file, or
 * the system does not tell. (transfer full) */
char *deye_bus_place_beside_program (const char *relative);

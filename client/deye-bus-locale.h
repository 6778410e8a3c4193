/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Finds the directory of the translations: share/locale in a directory above the shared library or above the running program,
 * if it contains a translation of this library. So an installed tree can be moved. Otherwise it is the directory configured at
 * build time.
 */

/* For the library: binds the text domain, once. */
void deye_bus_locale_bind (void);

/* For programs: also sets the locale from the environment. */
void deye_bus_locale_init (void);

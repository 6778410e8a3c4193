/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The directory of the translations: share/locale above the shared library or above the running program, if it has a
 * translation of ours, so that an installed tree can be moved; otherwise the directory that was configured at build time.
 */

/* For the library: binds the text domain, once. */
void deye_bus_locale_bind (void);

/* For programs: also sets the locale from the environment. */
void deye_bus_locale_init (void);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Where this project's translations lie: in share/locale beside the program's own bin directory, so that a tree that was
 * installed anywhere works; else where it was configured to be.
 */

/* For the library: binds its domain, once. */
void deye_bus_locale_bind (void);

/* For our programs: takes the user's language from the environment, too. */
void deye_bus_locale_init (void);

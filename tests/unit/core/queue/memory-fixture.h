/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-cells.h"

/*
 * Objects of one size that cannot be made, while all others can. A test that uses this wraps bus_cells_refill().
 *
 * An object of another size may be of the same size class. The first one of those makes new free cells of the class, so a test
 * makes it before memory_use_up().
 */

/* From now on no object of @size can be made. */
void memory_use_up (BusCells *cells, gsize size);

/* One more object can be made, except with AddressSanitizer. */
void memory_give_back_one (BusCells *cells);

/* All objects can be made again. */
void memory_give_back (BusCells *cells);

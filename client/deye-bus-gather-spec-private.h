/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-gather-spec.h"

#include "gather.pb-c.h"

/* The request of a specification, packed. NULL: a setter got a wrong value, or what is required was not said. */
GBytes *deye_bus_gather_spec_pack (const DeyeBusGatherSpec *spec, GError **error);

/* Never 0. */
gint64 deye_bus_gather_spec_timeout_us (const DeyeBusGatherSpec *spec);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-gather-spec.h"

#include "gather.pb-c.h"

/* Packs the request of a specification. NULL: a setter got a wrong value, or a required field is not set. */
GBytes *deye_bus_gather_spec_pack (const DeyeBusGatherSpec *spec, GError **error);

/* The timeout of the question; never 0. */
gint64 deye_bus_gather_spec_timeout_us (const DeyeBusGatherSpec *spec);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * control.bus.describe: the broker describes itself, as every peer does by its method Introspect. The methods are
 * those of the table that comes with the call; the schema is the one that was built in.
 */
void bus_describe_answer (const BusCall *call);

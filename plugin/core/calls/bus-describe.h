/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The method control.bus.describe: the broker describes itself in the form in which every peer answers Introspect. The reply lists
 * the methods of the table that the call contains (bus-method), the events of the broker, and the protobuf types that were
 * compiled in.
 */
void bus_describe_answer (const BusCall *call);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-call.h"

/*
 * The fields that options add to a plain publish, checked and encoded once.
 *
 * Programs use the same options for many messages, so options keep their encoded fields until a setter is called. Several threads
 * may publish with the same options at the same time.
 *
 * Invariant: the bytes are those that deye_bus_encoded_call_write_head() writes between topic and payload.
 */

/* Returns the fields, which are valid until @options change; NULL: a publish with @options is not plain. */
const DeyeBusOptionFields *deye_bus_option_fields (const DeyeBusOptions *options);

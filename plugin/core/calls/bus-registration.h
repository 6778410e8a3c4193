/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The methods on control.collector.registration, by which a collector announces the operations that it can execute: Register,
 * Update, Deregister and Verify. They check the request and call work/bus-membership. Only collectors register, with the type and
 * the incarnation of their handshake, so that no collector registers as another one.
 *
 * Invariant: a request with a field that is refused changes nothing.
 */

#define BUS_REGISTRATION_TAGS_MAX    16u
#define BUS_REGISTRATION_TAG_MAX     64u  /* bytes */
#define BUS_REGISTRATION_TYPE_MAX    128u /* bytes of the type of a payload */
#define BUS_REGISTRATION_CLAIMS_MAX  1024u
#define BUS_REGISTRATION_TASK_ID_MAX 64u

void bus_registration_register (const BusCall *call);
void bus_registration_update (const BusCall *call);
void bus_registration_deregister (const BusCall *call);
void bus_registration_verify (const BusCall *call);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * control.collector.registration: a collector announces its operations.
 *
 * The methods Register, Update, Deregister and Verify check what was asked, and call bus-membership. Nothing is changed when a
 * field is refused. Only collectors register; type and incarnation are those of the handshake, so no collector registers as
 * another one.
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

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/*
 * The result of a task on standard output: as JSON if its collector describes the type, else as text or bytes.
 *
 * With --json it is one object with the id, the state, and the payload as `payload` or `payload_base64`.
 */

/* Converts the result to JSON. NULL: no peer describes the type. @type_name: (nullable). @holder: (nullable). (transfer full) */
JsonNode *ctl_result_decode (Ctl *ctl, GBytes *payload, const char *type_name, const char *holder);
/* Adds the payload, and its type. @decoded: (nullable). */
void ctl_result_set_payload (JsonObject *object, GBytes *payload, const char *type_name, JsonNode *decoded);

/* @type_name: (nullable). @holder: (nullable): the collector that produced the result. */
void ctl_result_show (Ctl *ctl, const char *id, GBytes *payload, const char *type_name, const char *holder);

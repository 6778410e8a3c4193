/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/* Payloads: the bytes that are sent for what the user gave, and a received payload as text. */

/* Encodes @bytes, which are one JSON value, as @type. Without @type the bytes are taken as they are. (transfer full) */
GBytes *ctl_payload_encode (GBytes *bytes, const ProtobufCMessageDescriptor *type, GError **error);

/* A payload of unknown type in a form that can be shown: the text if it is text, else the first bytes in hexadecimal;
 * (transfer full). */
char *ctl_payload_preview (GBytes *payload);

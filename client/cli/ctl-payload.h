/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/* Payloads: converts the user's input to the bytes that are sent, and a received payload to text. */

/* Encodes @bytes, which are one JSON value, as @type. Without @type the bytes are used unchanged. (transfer full) */
GBytes *ctl_payload_encode (GBytes *bytes, const ProtobufCMessageDescriptor *type, GError **error);

/* Converts a payload of unknown type to a printable form: its text, or its first bytes in hexadecimal. (transfer full) */
char *ctl_payload_preview (GBytes *payload);

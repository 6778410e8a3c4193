/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/* Payloads given on the command line: as text, as @FILE, or as - for standard input. */

/* The bytes of the payload; (transfer full). @argument: (nullable); NULL: an empty payload. */
GBytes *ctl_payload_read (const char *argument, GError **error);

/* Encodes the argument, which is JSON, as @type. Without @type the bytes are taken as they are. (transfer full) */
GBytes *ctl_payload_encode (const char *argument, const ProtobufCMessageDescriptor *type, GError **error);

/* A payload of unknown type in a form that can be shown: the text if it is text, else the first bytes in hexadecimal;
 * (transfer full). */
char *ctl_payload_preview (GBytes *payload);

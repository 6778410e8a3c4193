/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/* A payload as it stands on the command line: text, @FILE, or - for standard input. */

/* The bytes; (transfer full). @argument: (nullable): none. */
GBytes *ctl_payload_read (const char *argument, GError **error);

/* ... as JSON of @type; or, without a type, as they are. */
GBytes *ctl_payload_encode (const char *argument, const ProtobufCMessageDescriptor *type, GError **error);

/* How a payload is shown that nobody can read: text where it is text, else its first bytes; (transfer full). */
char *ctl_payload_preview (GBytes *payload);

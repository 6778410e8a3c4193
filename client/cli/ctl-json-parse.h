/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-json-value.h"

/*
 * Reads JSON text, exactly as RFC 8259 defines it: no comments, no single quotes, no leading zeros, no NaN, no invalid
 * UTF-8, no half of a surrogate pair. Beyond the RFC it refuses names that occur twice in an object, the character U+0000
 * (which no text field may contain) and deep nesting.
 *
 * It does not check types: ctl-json-read compares the value with a type.
 */

/* Reads @text, which is one value. An error (G_IO_ERROR_INVALID_DATA) names line and column. (transfer full) */
CtlJsonValue *ctl_json_parse (const char *text, gsize len, GError **error);

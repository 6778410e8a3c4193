/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-json.h"
#include "ctl-types.h"

/*
 * The sets of types that protoc made when the tests were built, and the conversion between JSON and payload.
 *
 * Invariant: a function returns a valid result, or the test fails.
 */

/* Reads the file that an environment variable names. */
GBytes *ctl_fixture_set (const char *variable);
/* Returns a registry with both sets. */
CtlTypes *ctl_fixture_types (void);
const ProtobufCMessageDescriptor *ctl_fixture_type (CtlTypes *types, const char *full_name);

/* NULL, with @error: not taken. */
GBytes *ctl_fixture_pack (const ProtobufCMessageDescriptor *type, const char *json, GError **error);
char *ctl_fixture_unpack (const ProtobufCMessageDescriptor *type, GBytes *payload, GError **error);

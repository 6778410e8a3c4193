/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-json.h"
#include "ctl-types.h"

/*
 * The sets of types that the build made, and protoc as the other implementation. No test is in here.
 *
 * Invariant: what it hands out is right, or the test has ended.
 */

/* Of an environment variable that names a file. */
GBytes *ctl_fixture_set (const char *variable);
/* With both sets. */
CtlTypes *ctl_fixture_types (void);
const ProtobufCMessageDescriptor *ctl_fixture_type (CtlTypes *types, const char *full_name);

/* Payload and text format, by protoc; of a type in proto/ or tests/data. */
GBytes *ctl_fixture_protoc_encode (const char *type, const char *text);
char *ctl_fixture_protoc_decode (const char *type, GBytes *payload);

/* NULL, with @error: not taken. */
GBytes *ctl_fixture_pack (const ProtobufCMessageDescriptor *type, const char *json, GError **error);
char *ctl_fixture_unpack (const ProtobufCMessageDescriptor *type, GBytes *payload, GError **error);

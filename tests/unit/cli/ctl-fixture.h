/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-json.h"
#include "ctl-types.h"

/*
 * The sets of types that protoc made when the tests were built, and the codec between JSON and payload. It contains no
 * test.
 *
 * Invariant: what it returns is right, or the test has ended.
 */

/* Of an environment variable that names a file. */
GBytes *ctl_fixture_set (const char *variable);
/* With both sets. */
CtlTypes *ctl_fixture_types (void);
const ProtobufCMessageDescriptor *ctl_fixture_type (CtlTypes *types, const char *full_name);

/* NULL, with @error: not taken. */
GBytes *ctl_fixture_pack (const ProtobufCMessageDescriptor *type, const char *json, GError **error);
char *ctl_fixture_unpack (const ProtobufCMessageDescriptor *type, GBytes *payload, GError **error);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-type-limits.h"

#include <gio/gio.h>
#include <protobuf-c/protobuf-c.h>

/*
 * A registry of message types that are known only at run time. It builds them from the serialized
 * google.protobuf.FileDescriptorSets that peers send.
 *
 * The registry only builds types: it sends no requests, and ctl-json reads the messages of these types. The descriptors have the
 * same layout as those of protoc-c, so protobuf-c's functions and wire-guard accept them. Their message_init is NULL, because
 * there is no generated function; protobuf_c_message_unpack() supports that, but protobuf_c_message_init() must never be
 * called with them. Map entries are messages; see ctl-type-map.
 *
 * Invariant: a registered type is complete, every type that it refers to is registered as well, and both are unchanged as long
 * as the registry exists. All sets together are within the limits of ctl-type-limits.
 */

typedef struct CtlTypes CtlTypes;

CtlTypes *ctl_types_new (void);
void ctl_types_free (CtlTypes *types);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlTypes, ctl_types_free)

/* Adds the types of a FileDescriptorSet. Files that the registry already has (by name) are skipped. FALSE: the set is
 * invalid and nothing was added; see @error (G_IO_ERROR_INVALID_DATA). */
gboolean ctl_types_add_set (CtlTypes *types, GBytes *set, GError **error);

/* Finds a message type. @full_name: without a leading dot. NULL: unknown. It is valid as long as @types. */
const ProtobufCMessageDescriptor *ctl_types_find (CtlTypes *types, const char *full_name);

/* Returns the full names of all messages except map entries, sorted. The names are valid as long as @types.
 * (transfer container) */
GPtrArray *ctl_types_list (CtlTypes *types);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-type-limits.h"

#include <gio/gio.h>
#include <protobuf-c/protobuf-c.h>

/*
 * A registry of message types that are known only at run time. They are made from the serialized
 * google.protobuf.FileDescriptorSets that peers send.
 *
 * The registry builds types. It does not read messages of these types (ctl-json does) and fetches nothing. The descriptors
 * are laid out as protoc-c would, so protobuf-c's functions and wire-guard work on them. Their message_init is NULL, since
 * a generated function is missing; protobuf_c_message_unpack() handles that, but protobuf_c_message_init() must never be
 * called on them. Map entries are messages; see ctl-type-map.
 *
 * Invariant: a registered type is complete, every type that it refers to is registered as well, and both stay unchanged as
 * long as the registry exists. All sets together stay below the bounds of ctl-type-limits.
 */

typedef struct CtlTypes CtlTypes;

CtlTypes *ctl_types_new (void);
void ctl_types_free (CtlTypes *types);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlTypes, ctl_types_free)

/* Adds the types of a FileDescriptorSet. Files that the registry already has (by name) are skipped. FALSE: the set can't
 * be used and nothing was added; G_IO_ERROR_INVALID_DATA says why. */
gboolean ctl_types_add_set (CtlTypes *types, GBytes *set, GError **error);

/* @full_name without a leading dot. NULL: unknown. Lives as long as @types. */
const ProtobufCMessageDescriptor *ctl_types_find (CtlTypes *types, const char *full_name);

/* Full names of all messages except map entries, sorted; (transfer container). The names live as long as @types. */
GPtrArray *ctl_types_list (CtlTypes *types);

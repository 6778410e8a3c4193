/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-type-limits.h"

#include <gio/gio.h>
#include <protobuf-c/protobuf-c.h>

/*
 * Message types that are known only at run time: made from the serialized google.protobuf.FileDescriptorSets of peers.
 *
 * It reads and builds types; it does not read messages of them (ctl-json does) and fetches nothing. The descriptors are
 * laid out as protoc-c would, so protobuf-c's functions and wire-guard work on them, but message_init is NULL: such a
 * function can't know the type, and protobuf_c_message_unpack() has a generic one for this case. So never call
 * protobuf_c_message_init() on them. Map entries are messages; see ctl-type-map.
 *
 * Invariant: a type that is there is whole, every type that it refers to is there as well, and nothing of it changes or
 * goes before the registry does. All sets together stay below the bounds of ctl-type-limits.
 */

typedef struct CtlTypes CtlTypes;

CtlTypes *ctl_types_new (void);
void ctl_types_free (CtlTypes *types);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlTypes, ctl_types_free)

/* Adds the types of a FileDescriptorSet. A file of a name that is there already is left as it was (TRUE when all else
 * is fine). FALSE: the set can't be used and added nothing; G_IO_ERROR_INVALID_DATA says why. */
gboolean ctl_types_add_set (CtlTypes *types, GBytes *set, GError **error);

/* @full_name without a leading dot. NULL: unknown. Lives as long as @types. */
const ProtobufCMessageDescriptor *ctl_types_find (CtlTypes *types, const char *full_name);

/* Full names of messages, map entries left out, sorted, (transfer container). They live as long as @types. */
GPtrArray *ctl_types_list (CtlTypes *types);

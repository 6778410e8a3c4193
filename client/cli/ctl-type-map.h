/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <protobuf-c/protobuf-c.h>

/*
 * Entry types of map fields. protobuf encodes a map as a repeated field of entries with a key and a value.
 *
 * Descriptors of protobuf-c do not say that a message is such an entry. ctl-type-build marks the ones that it makes; of a
 * type that protoc-c generated this is not known.
 */

/* Marks @type as the entry of a map. FALSE: it does not have the fields of one. */
gboolean ctl_type_mark_map_entry (ProtobufCMessageDescriptor *type);

/* TRUE for a marked type. */
gboolean ctl_type_is_map_entry (const ProtobufCMessageDescriptor *type);

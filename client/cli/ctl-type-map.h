/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <protobuf-c/protobuf-c.h>

/*
 * Entry types of map fields. protobuf encodes a map as a repeated field of entries with a key and a value.
 *
 * A descriptor of protobuf-c does not state that a message is such an entry. ctl-type-build marks the entries that it builds;
 * entries among the generated types of protoc-c can't be recognised.
 */

/* Marks @type as a map entry. FALSE: it does not have the fields of a map entry. */
gboolean ctl_type_mark_map_entry (ProtobufCMessageDescriptor *type);

/* TRUE: @type is marked. */
gboolean ctl_type_is_map_entry (const ProtobufCMessageDescriptor *type);

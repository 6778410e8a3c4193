/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <protobuf-c/protobuf-c.h>

/*
 * Payloads as JSON and back, by the type's descriptor: the proto3 JSON mapping, for types of protoc-c and of ctl-types.
 *
 * Fields have the names of the .proto; lowerCamelCase is read as well. Fields without presence are always written.
 * 64-bit integers are written as strings. Maps are objects where ctl-types knows the type; of generated types they are
 * lists of entries. The well-known types (Timestamp, Any, ...) get no special form, unknown fields are left out.
 *
 * What wire-guard refuses is refused: more than 64 fields in a type, field numbers from 2^25, more than eight levels
 * in a payload that is read. JSON numbers outside of 64 bits signed are wrong already in the node that json-glib makes
 * (it wraps them; give them as strings), and its strings end at a NUL.
 *
 * Invariant: nothing is guessed; what does not fit its field is an error that names the field.
 */

#define CTL_JSON_DEPTH_MAX 16u

/* Payload bytes of that type as JSON. Error: G_IO_ERROR_INVALID_DATA. (transfer full) */
JsonNode *ctl_json_from_payload (const ProtobufCMessageDescriptor *type, GBytes *payload, GError **error);

/* A message that was read already, through the guard. Error: too deep. (transfer full) */
JsonNode *ctl_json_from_message (const ProtobufCMessage *message, GError **error);

/* The other way. @node: an object, or NULL / JSON null for an empty message. Errors (G_IO_ERROR_INVALID_DATA) name the
 * path of the field, what was expected, and for an unknown field the fields there are. */
GBytes *ctl_json_to_payload (const ProtobufCMessageDescriptor *type, JsonNode *node, GError **error);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-json-value.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <protobuf-c/protobuf-c.h>

/*
 * Conversion between payloads and JSON by the descriptor of the type, after the proto3 JSON mapping. It works for types of
 * protoc-c and of ctl-types.
 *
 * Fields have the names of the .proto; lowerCamelCase is read as well. Fields without presence are always written. 64-bit
 * integers are written as strings. In reports of the tool they are numbers up to CTL_JSON_EXACT_MAX, except identifiers and
 * values of properties, which are data of peers. A map of a type that ctl-types built is an object; a map of a generated type
 * is a list of entries. The well-known types (Timestamp, Any, ...) have no special form, and unknown fields are omitted.
 *
 * The limits of wire-guard apply: at most 64 fields in a type, field numbers below 2^25, at most eight levels in a payload
 * that is read.
 *
 * Invariant: nothing is guessed. A value that does not fit its field is an error that names the field.
 */

#define CTL_JSON_DEPTH_MAX 16u

/* 2^53: up to this integer, programs that read JSON numbers as doubles get the exact value. */
#define CTL_JSON_EXACT_MAX (G_GUINT64_CONSTANT (1) << 53)

/* Decodes payload bytes of @type. Error: G_IO_ERROR_INVALID_DATA. (transfer full) */
JsonNode *ctl_json_from_payload (const ProtobufCMessageDescriptor *type, GBytes *payload, GError **error);

/* Converts a message of the bus that the tool reports. Error: it is nested too deep. (transfer full) */
JsonNode *ctl_json_from_message (const ProtobufCMessage *message, GError **error);
/* Adds a counter to a report. */
void ctl_json_set_counter (JsonObject *object, const char *name, guint64 value);

/* Encodes JSON as a payload of @type. @json: an object, or null for an empty message. An error
 * (G_IO_ERROR_INVALID_DATA) names the path of the field and the expected value; for an unknown field it lists the known
 * ones. (transfer full) */
GBytes *ctl_json_to_payload (const ProtobufCMessageDescriptor *type, const CtlJsonValue *json, GError **error);

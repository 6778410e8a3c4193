/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <protobuf-c/protobuf-c.h>

/*
 * Access to the members of protobuf messages by the descriptor of their field. ctl-json-read.c and ctl-json-write.c share this
 * module. It does not use JSON.
 *
 * Invariant: no other function of ctl-json computes an address inside a message.
 */

/* Returns the size of one value in a message or an array. */
gsize ctl_json_value_size (ProtobufCType type);
gpointer ctl_json_member (ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
gconstpointer ctl_json_member_const (const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
/* TRUE: the field is set, or it is a list or a field without presence. */
gboolean ctl_json_is_present (const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
/* FALSE: another member of the same oneof is set. */
gboolean ctl_json_oneof_is_free (const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
/* Marks a singular field as set. */
void ctl_json_set_present (ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
gsize ctl_json_count (const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
void ctl_json_set_count (ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, gsize n);
gboolean ctl_json_is_map (const ProtobufCFieldDescriptor *field);

/* Finds the value with this number; NULL: none. It compares signed numbers, because protobuf-c's look-up overflows at INT_MAX. */
const ProtobufCEnumValue *ctl_json_enum_value (const ProtobufCEnumDescriptor *type, int number);

/* Creates a message with the default values of its fields. Free it with ctl_json_message_free(). */
ProtobufCMessage *ctl_json_message_new (const ProtobufCMessageDescriptor *type);
void ctl_json_message_free (ProtobufCMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProtobufCMessage, ctl_json_message_free)

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-pool.h"

#include <descriptor-subset.pb-c.h>

/*
 * A set of types that is being added to the registry: ctl-type-declare enters the names that the set declares, ctl-type-build
 * builds the descriptors, and ctl-types takes over the complete batch. The types are not visible outside before all are built.
 *
 * Invariant: all memory of a batch, descriptors included, belongs to its pool. The sources live until the batch is built.
 */

typedef Daemoneye__Descriptor__FileDescriptorSet FileSetProto;
typedef Daemoneye__Descriptor__FileDescriptorProto FileProto;
typedef Daemoneye__Descriptor__DescriptorProto MessageProto;
typedef Daemoneye__Descriptor__FieldDescriptorProto FieldProto;
typedef Daemoneye__Descriptor__EnumDescriptorProto EnumProto;
typedef Daemoneye__Descriptor__EnumValueDescriptorProto EnumValueProto;

/* A message or an enum. The source is valid only while the batch is built. */
typedef struct
{
  char *full_name;
  const MessageProto *message_source; /* NULL: an enum */
  const EnumProto *enum_source;
  gboolean is_enum;
  gboolean proto3;
  ProtobufCMessageDescriptor message;
  ProtobufCEnumDescriptor enumeration;
} CtlType;

typedef struct
{
  guint files, messages, fields, values;
} CtlCounts;

typedef struct
{
  CtlPool *pool;
  GHashTable *known;  /* full name to CtlType: types of earlier sets; not owned */
  GHashTable *types;  /* full name to CtlType: types of this set */
  GPtrArray *ordered; /* the same, in the order of declaration */
  CtlCounts counts;   /* of all sets, including earlier ones */
} CtlBatch;

void ctl_batch_init (CtlBatch *batch, GHashTable *known, const CtlCounts *counts);
void ctl_batch_clear (CtlBatch *batch);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtlBatch, ctl_batch_clear)

/* Finds a type of this set or an earlier one. NULL: unknown. */
const CtlType *ctl_batch_find (const CtlBatch *batch, const char *full_name);

/* Sets G_IO_ERROR_INVALID_DATA; returns FALSE. */
gboolean ctl_batch_refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Converts a name that a peer chose to a printable form. (transfer full) */
char *ctl_batch_quote (const char *text);
gboolean ctl_batch_is_identifier (const char *name);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-types.h"

#include <descriptor-subset.pb-c.h>

/*
 * A set on its way into the registry: ctl-types.c names what it declares, ctl-types-build.c makes the descriptors,
 * ctl-types-default.c their default values. Nothing of it can be seen from outside before all of it is built.
 *
 * Invariant: all memory of a batch, descriptors included, belongs to its pool; sources live until the batch is built.
 */

typedef Daemoneye__Descriptor__FileDescriptorSet FileSetProto;
typedef Daemoneye__Descriptor__FileDescriptorProto FileProto;
typedef Daemoneye__Descriptor__DescriptorProto MessageProto;
typedef Daemoneye__Descriptor__FieldDescriptorProto FieldProto;
typedef Daemoneye__Descriptor__EnumDescriptorProto EnumProto;
typedef Daemoneye__Descriptor__EnumValueDescriptorProto EnumValueProto;

typedef struct
{
  GPtrArray *blocks;
  GStringChunk *strings;
} CtlPool;

/* A message or an enum; the source is valid only while its batch is built. */
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
  GHashTable *known;  /* full name to CtlType: of earlier sets */
  GHashTable *types;  /* full name to CtlType: of this one */
  GPtrArray *ordered; /* the same, as declared */
  CtlCounts counts;   /* earlier ones included */
} CtlBatch;

/* Sets G_IO_ERROR_INVALID_DATA; FALSE. */
gboolean ctl_types_refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* A name of a peer, fit to be shown; (transfer full). */
char *ctl_types_quote (const char *text);
gboolean ctl_types_is_identifier (const char *name);

/* Zeroed; NULL when @n is 0. */
gpointer ctl_pool_alloc (CtlPool *pool, gsize n, gsize size);
char *ctl_pool_string (CtlPool *pool, const char *text);

/* NULL: unknown. */
const CtlType *ctl_batch_find (const CtlBatch *batch, const char *full_name);

gboolean ctl_types_build_enum (CtlBatch *batch, CtlType *type, GError **error);
/* Enums of the batch must be built. */
gboolean ctl_types_build_message (CtlBatch *batch, CtlType *type, GError **error);
/* The text of a proto2 default as a value in the pool, what ProtobufCFieldDescriptor.default_value points to. NULL: it
 * can't be read. */
const void *ctl_types_default_value (CtlPool *pool, const ProtobufCFieldDescriptor *field, const char *text);

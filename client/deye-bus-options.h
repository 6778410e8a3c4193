/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"

#include <glib-object.h>

G_BEGIN_DECLS

/*
 * Per-call options, boxed: what most calls leave out. NULL is taken wherever a DeyeBusOptions is; that is all defaults.
 * Copied by the call, may be reused or freed at once.
 */
#define DEYE_BUS_TYPE_OPTIONS (deye_bus_options_get_type ())
typedef struct _DeyeBusOptions DeyeBusOptions;

DEYE_BUS_API GType deye_bus_options_get_type (void);
DEYE_BUS_API DeyeBusOptions *deye_bus_options_new (void);
DEYE_BUS_API DeyeBusOptions *deye_bus_options_copy (const DeyeBusOptions *options);
DEYE_BUS_API void deye_bus_options_free (DeyeBusOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusOptions, deye_bus_options_free)

DEYE_BUS_API void deye_bus_options_set_timeout (DeyeBusOptions *options, gint64 timeout_us);        /* default 30 s; 0: default */
DEYE_BUS_API void deye_bus_options_set_method (DeyeBusOptions *options, const char *method);
DEYE_BUS_API void deye_bus_options_set_target (DeyeBusOptions *options, const char *peer_id);       /* requests: a named peer */
DEYE_BUS_API void deye_bus_options_set_type_name (DeyeBusOptions *options, const char *type_name);
DEYE_BUS_API void deye_bus_options_set_content_type (DeyeBusOptions *options, const char *content_type);
DEYE_BUS_API void deye_bus_options_set_priority (DeyeBusOptions *options, guint8 priority);
DEYE_BUS_API void deye_bus_options_set_correlation_id (DeyeBusOptions *options, const char *correlation_id);
DEYE_BUS_API void deye_bus_options_set_parent_id (DeyeBusOptions *options, const char *parent_id);
DEYE_BUS_API void deye_bus_options_set_root_id (DeyeBusOptions *options, const char *root_id);
DEYE_BUS_API void deye_bus_options_set_trace (DeyeBusOptions *options, GBytes *trace_id, GBytes *span_id); /* 16 and 8 bytes */
DEYE_BUS_API void deye_bus_options_set_sequence_number (DeyeBusOptions *options, guint64 sequence_number);
DEYE_BUS_API void deye_bus_options_set_stage (DeyeBusOptions *options, const char *stage);
DEYE_BUS_API void deye_bus_options_add_tag (DeyeBusOptions *options, const char *key, const char *value);

G_END_DECLS

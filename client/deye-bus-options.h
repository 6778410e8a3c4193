/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"

#include <glib-object.h>

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_OPTIONS (deye_bus_options_get_type ())

/**
 * DeyeBusOptions:
 *
 * What most calls leave out, boxed. %NULL is taken wherever a #DeyeBusOptions is; that is all defaults. A call reads it
 * before it returns, so it may be changed, used again or freed at once. Not for use by two threads at a time.
 *
 * Topic, strings and tags of a message together are at most 8 KiB; a call with more fails with %DEYE_BUS_ERROR_LIMIT.
 * Strings are UTF-8; %NULL takes one back.
 *
 * Since: 0.1
 */
typedef struct _DeyeBusOptions DeyeBusOptions;

DEYE_BUS_API GType deye_bus_options_get_type (void);

/**
 * deye_bus_options_new:
 *
 * Returns: (transfer full): options, all at their defaults
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusOptions *deye_bus_options_new (void);

/**
 * deye_bus_options_copy:
 * @options: options
 *
 * Returns: (transfer full): a copy
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusOptions *deye_bus_options_copy (const DeyeBusOptions *options);

/**
 * deye_bus_options_free:
 * @options: (transfer full) (nullable): options
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_free (DeyeBusOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusOptions, deye_bus_options_free)

/*
 * Setters, all since 0.1. Absent unless set.
 */

/* Microseconds after which a call gives up; 0: the default, 30 s. Requests also tell the broker, whose ceiling is
 * max_request_timeout_us (300 s). */
DEYE_BUS_API void deye_bus_options_set_timeout (DeyeBusOptions *options, gint64 timeout_us);
/* Requests: method of the service. */
DEYE_BUS_API void deye_bus_options_set_method (DeyeBusOptions *options, const char *method);
/* Requests: the one peer to ask, instead of any that serves the topic. Left out of publishes: see direct(). */
DEYE_BUS_API void deye_bus_options_set_target (DeyeBusOptions *options, const char *peer_id);
/* Full protobuf name of the payload's message. */
DEYE_BUS_API void deye_bus_options_set_type_name (DeyeBusOptions *options, const char *type_name);
/* Media type, when the payload is not protobuf. */
DEYE_BUS_API void deye_bus_options_set_content_type (DeyeBusOptions *options, const char *content_type);
/* 0 (default) to 255, higher is more urgent. Carried to the receiver; lanes follow from the topic. */
DEYE_BUS_API void deye_bus_options_set_priority (DeyeBusOptions *options, guint8 priority);
/* Ties what belongs to one piece of work; what caused it; what caused all of it. */
DEYE_BUS_API void deye_bus_options_set_correlation_id (DeyeBusOptions *options, const char *correlation_id);
DEYE_BUS_API void deye_bus_options_set_parent_id (DeyeBusOptions *options, const char *parent_id);
DEYE_BUS_API void deye_bus_options_set_root_id (DeyeBusOptions *options, const char *root_id);
/* W3C trace context: (nullable) of exactly 16, and (nullable) of exactly 8 bytes. */
DEYE_BUS_API void deye_bus_options_set_trace (DeyeBusOptions *options, GBytes *trace_id, GBytes *span_id);
/* The sender's own count; 0: none. */
DEYE_BUS_API void deye_bus_options_set_sequence_number (DeyeBusOptions *options, guint64 sequence_number);
/* Stage of a workflow. */
DEYE_BUS_API void deye_bus_options_set_stage (DeyeBusOptions *options, const char *stage);
/* Up to 64. @key: not empty, without "="; may be given several times, order is kept. */
DEYE_BUS_API void deye_bus_options_add_tag (DeyeBusOptions *options, const char *key, const char *value);

G_END_DECLS

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
 * Makes options.
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
 * Copies options.
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
 * Frees options.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_free (DeyeBusOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusOptions, deye_bus_options_free)

/* Setters. Absent unless set. */

/**
 * deye_bus_options_set_timeout:
 * @options: options
 * @timeout_us: microseconds after which a call gives up; 0: the default, 30 s
 *
 * Requests also tell the broker, whose ceiling is max_request_timeout_us (300 s).
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_timeout (DeyeBusOptions *options, gint64 timeout_us);

/**
 * deye_bus_options_set_ttl:
 * @options: options
 * @ttl_us: time to live, in microseconds from the broker's acceptance on; 0: none
 *
 * Where the message still waits in the broker when its time is over, it is dropped: that receiver is told by a gap for
 * %DEYE_BUS_ERROR_EXPIRED. Time that it waits for credit at the sender does not count. For a request it is a deadline.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_ttl (DeyeBusOptions *options, gint64 ttl_us);

/**
 * deye_bus_options_set_method:
 * @options: options
 * @method: (nullable): method of the service
 *
 * For requests.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_method (DeyeBusOptions *options, const char *method);

/**
 * deye_bus_options_set_target:
 * @options: options
 * @peer_id: (nullable): the one peer to ask, instead of any that serves the topic
 *
 * For requests. Left out of publishes: see deye_bus_client_direct().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_target (DeyeBusOptions *options, const char *peer_id);

/**
 * deye_bus_options_set_type_name:
 * @options: options
 * @type_name: (nullable): full protobuf name of the payload's message
 *
 * Says what the payload is.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_type_name (DeyeBusOptions *options, const char *type_name);

/**
 * deye_bus_options_set_content_type:
 * @options: options
 * @content_type: (nullable): media type, when the payload is not protobuf
 *
 * Says how the payload is to be read.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_content_type (DeyeBusOptions *options, const char *content_type);

/**
 * deye_bus_options_set_priority:
 * @options: options
 * @priority: 0 (default) to 255, higher is more urgent
 *
 * Carried to the receiver; lanes follow from the topic.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_priority (DeyeBusOptions *options, guint8 priority);

/**
 * deye_bus_options_set_correlation_id:
 * @options: options
 * @correlation_id: (nullable): ties what belongs to one piece of work
 *
 * Says what this belongs to.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_correlation_id (DeyeBusOptions *options, const char *correlation_id);

/**
 * deye_bus_options_set_parent_id:
 * @options: options
 * @parent_id: (nullable): what caused it
 *
 * Says which message this one follows from.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_parent_id (DeyeBusOptions *options, const char *parent_id);

/**
 * deye_bus_options_set_root_id:
 * @options: options
 * @root_id: (nullable): what caused all of it
 *
 * Says which message all of it began with.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_root_id (DeyeBusOptions *options, const char *root_id);

/**
 * deye_bus_options_set_trace:
 * @options: options
 * @trace_id: (nullable): exactly 16 bytes
 * @span_id: (nullable): exactly 8 bytes
 *
 * W3C trace context.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_trace (DeyeBusOptions *options, GBytes *trace_id, GBytes *span_id);

/**
 * deye_bus_options_set_sequence_number:
 * @options: options
 * @sequence_number: the sender's own count; 0: none
 *
 * Sets the sender's own count.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_sequence_number (DeyeBusOptions *options, guint64 sequence_number);

/**
 * deye_bus_options_set_stage:
 * @options: options
 * @stage: (nullable): stage of a workflow
 *
 * Says how far it has come.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_stage (DeyeBusOptions *options, const char *stage);

/**
 * deye_bus_options_add_tag:
 * @options: options
 * @key: not empty, without "="
 * @value: any text
 *
 * Up to 64. A key may be given several times, order is kept.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_add_tag (DeyeBusOptions *options, const char *key, const char *value);

G_END_DECLS

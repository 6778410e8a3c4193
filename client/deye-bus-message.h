/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"

#include <glib-object.h>

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_MESSAGE (deye_bus_message_get_type ())

/**
 * DeyeBusMessage:
 *
 * A message as it came: boxed, immutable, with an atomic reference count, so any thread may read it. Strings and payload
 * point into the received block: they live as long as the message, and nothing is copied.
 *
 * A callback's message is its to read until it returns; take a reference to keep it.
 *
 * Since: 0.1
 */
typedef struct _DeyeBusMessage DeyeBusMessage;

DEYE_BUS_API GType deye_bus_message_get_type (void);

/**
 * deye_bus_message_ref:
 * @message: a message
 *
 * Takes a reference.
 *
 * Returns: (transfer full): @message
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusMessage *deye_bus_message_ref (DeyeBusMessage *message);

/**
 * deye_bus_message_unref:
 * @message: (transfer full): a message
 *
 * Drops a reference; the last one frees the message.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_message_unref (DeyeBusMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusMessage, deye_bus_message_unref)

/*
 * Accessors. Strings are UTF-8; NULL when the sender did not say it, unless stated. Sender, sequence and acceptance time
 * are the broker's stamps and can't be forged; all else is the sender's word.
 */

/**
 * deye_bus_message_get_topic:
 * @message: a message
 *
 * Where it was sent to.
 *
 * Returns: (transfer none): the topic, never %NULL; "" in a reply
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_topic (DeyeBusMessage *message);

/**
 * deye_bus_message_get_sender:
 * @message: a message
 *
 * The broker's stamp: it can't be forged.
 *
 * Returns: (transfer none): id of the peer that sent it, never %NULL; "bus": the broker itself
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_sender (DeyeBusMessage *message);

/**
 * deye_bus_message_get_sequence:
 * @message: a message
 *
 * The broker's stamp: it can't be forged.
 *
 * Returns: order of acceptance, one count in each epoch of the broker; with gaps, for it counts messages to others too
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_message_get_sequence (DeyeBusMessage *message);

/**
 * deye_bus_message_get_accept_time:
 * @message: a message
 *
 * The broker's stamp: it can't be forged.
 *
 * Returns: wall clock of the broker, microseconds since 1970: for display; order is deye_bus_message_get_sequence()'s
 *
 * Since: 0.1
 */
DEYE_BUS_API gint64 deye_bus_message_get_accept_time (DeyeBusMessage *message);

/**
 * deye_bus_message_get_method:
 * @message: a message
 *
 * For requests.
 *
 * Returns: (transfer none) (nullable): which method of the service
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_method (DeyeBusMessage *message);

/**
 * deye_bus_message_get_type_name:
 * @message: a message
 *
 * What the payload is.
 *
 * Returns: (transfer none) (nullable): full protobuf name of the payload's message
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_type_name (DeyeBusMessage *message);

/**
 * deye_bus_message_get_content_type:
 * @message: a message
 *
 * How the payload is to be read.
 *
 * Returns: (transfer none) (nullable): media type of a payload that is not protobuf
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_content_type (DeyeBusMessage *message);

/**
 * deye_bus_message_get_correlation_id:
 * @message: a message
 *
 * What belongs together has the same one.
 *
 * Returns: (transfer none) (nullable): ties what belongs to one piece of work
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_correlation_id (DeyeBusMessage *message);

/**
 * deye_bus_message_get_parent_id:
 * @message: a message
 *
 * Which message this one follows from.
 *
 * Returns: (transfer none) (nullable): what caused it
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_parent_id (DeyeBusMessage *message);

/**
 * deye_bus_message_get_root_id:
 * @message: a message
 *
 * Which message all of it began with.
 *
 * Returns: (transfer none) (nullable): what caused all of it
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_root_id (DeyeBusMessage *message);

/**
 * deye_bus_message_get_stage:
 * @message: a message
 *
 * How far the sender says it has come.
 *
 * Returns: (transfer none) (nullable): stage of a workflow
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_stage (DeyeBusMessage *message);

/**
 * deye_bus_message_get_sequence_number:
 * @message: a message
 *
 * The sender's own count.
 *
 * Returns: the sender's own count; 0: it does not count
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_message_get_sequence_number (DeyeBusMessage *message);

/**
 * deye_bus_message_get_priority:
 * @message: a message
 *
 * How urgent the sender says it is.
 *
 * Returns: 0 (default) to 255, higher is more urgent
 *
 * Since: 0.1
 */
DEYE_BUS_API guint8 deye_bus_message_get_priority (DeyeBusMessage *message);

/**
 * deye_bus_message_dup_trace_id:
 * @message: a message
 *
 * For tracing.
 *
 * Returns: (transfer full) (nullable): W3C trace context, 16 bytes
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_message_dup_trace_id (DeyeBusMessage *message);

/**
 * deye_bus_message_dup_span_id:
 * @message: a message
 *
 * For tracing.
 *
 * Returns: (transfer full) (nullable): W3C trace context, 8 bytes
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_message_dup_span_id (DeyeBusMessage *message);

/**
 * deye_bus_message_dup_tags:
 * @message: a message
 *
 * What else the sender noted.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type utf8): "key=value", in the sender's order; empty
 *   when there are none
 *
 * Since: 0.1
 */
DEYE_BUS_API char **deye_bus_message_dup_tags (DeyeBusMessage *message);

/**
 * deye_bus_message_get_remaining:
 * @message: a message
 *
 * For requests.
 *
 * Returns: microseconds that were left for the answer when the broker handed it on; 0: not a request
 *
 * Since: 0.1
 */
DEYE_BUS_API gint64 deye_bus_message_get_remaining (DeyeBusMessage *message);

/**
 * deye_bus_message_get_ttl:
 * @message: a message
 *
 * For how long the sender says it is of use. It was not over when the broker handed the message on; what is left of it is
 * not told, for nobody's clock but the broker's knows when it began.
 *
 * Returns: microseconds from its acceptance on, as of deye_bus_options_set_ttl(); 0: no end
 *
 * Since: 0.1
 */
DEYE_BUS_API gint64 deye_bus_message_get_ttl (DeyeBusMessage *message);

/**
 * deye_bus_message_is_final:
 * @message: a message
 *
 * For replies.
 *
 * Returns: whether no more follow
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_message_is_final (DeyeBusMessage *message);

/**
 * deye_bus_message_get_data:
 * @message: a message
 * @length: (out) (optional): bytes of the payload
 *
 * The payload without a copy.
 *
 * Returns: (transfer none) (nullable) (array length=length): bytes that live as long as @message; %NULL when it is empty
 *
 * Since: 0.1
 */
DEYE_BUS_API const guint8 *deye_bus_message_get_data (DeyeBusMessage *message, gsize *length);

/**
 * deye_bus_message_dup_payload:
 * @message: a message
 *
 * The payload.
 *
 * Returns: (transfer full): the payload, without a copy: it keeps @message alive
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_message_dup_payload (DeyeBusMessage *message);

G_END_DECLS

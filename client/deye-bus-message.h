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
 * Returns: (transfer full): @message
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusMessage *deye_bus_message_ref (DeyeBusMessage *message);

/**
 * deye_bus_message_unref:
 * @message: (transfer full): a message
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_message_unref (DeyeBusMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusMessage, deye_bus_message_unref)

/*
 * Accessors, all since 0.1. Strings are UTF-8 and (transfer none); NULL when the sender did not say it, unless stated.
 * Sender, sequence and acceptance time are the broker's stamps and can't be forged; all else is the sender's word.
 */

/* Never NULL; "" in a reply. */
DEYE_BUS_API const char *deye_bus_message_get_topic (DeyeBusMessage *message);
/* Id of the peer that sent it, never NULL; "bus": the broker itself. */
DEYE_BUS_API const char *deye_bus_message_get_sender (DeyeBusMessage *message);
/* Order of acceptance, one count in each epoch of the broker; with gaps, for it counts messages to others too. */
DEYE_BUS_API guint64 deye_bus_message_get_sequence (DeyeBusMessage *message);
/* Wall clock of the broker, microseconds since 1970: for display; order is get_sequence()'s. */
DEYE_BUS_API gint64 deye_bus_message_get_accept_time (DeyeBusMessage *message);
/* Requests: which method of the service. */
DEYE_BUS_API const char *deye_bus_message_get_method (DeyeBusMessage *message);
/* Full protobuf name of the payload's message. */
DEYE_BUS_API const char *deye_bus_message_get_type_name (DeyeBusMessage *message);
/* Media type of a payload that is not protobuf. */
DEYE_BUS_API const char *deye_bus_message_get_content_type (DeyeBusMessage *message);
DEYE_BUS_API const char *deye_bus_message_get_correlation_id (DeyeBusMessage *message);
DEYE_BUS_API const char *deye_bus_message_get_parent_id (DeyeBusMessage *message);
DEYE_BUS_API const char *deye_bus_message_get_root_id (DeyeBusMessage *message);
DEYE_BUS_API const char *deye_bus_message_get_stage (DeyeBusMessage *message);
/* The sender's own count; 0: it does not count. */
DEYE_BUS_API guint64 deye_bus_message_get_sequence_number (DeyeBusMessage *message);
/* 0 (default) to 255, higher is more urgent. */
DEYE_BUS_API guint8 deye_bus_message_get_priority (DeyeBusMessage *message);
/* W3C trace context, 16 and 8 bytes: (transfer full) (nullable). */
DEYE_BUS_API GBytes *deye_bus_message_dup_trace_id (DeyeBusMessage *message);
DEYE_BUS_API GBytes *deye_bus_message_dup_span_id (DeyeBusMessage *message);
/* (transfer full) (array zero-terminated=1): "key=value", in the sender's order; empty when there are none. */
DEYE_BUS_API char **deye_bus_message_dup_tags (DeyeBusMessage *message);
/* Requests: microseconds that were left for the answer when the broker handed it on; 0: not a request. */
DEYE_BUS_API gint64 deye_bus_message_get_remaining (DeyeBusMessage *message);
/* Replies: whether no more follow. */
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
 * Returns: (transfer full): the payload, without a copy: it keeps @message alive
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_message_dup_payload (DeyeBusMessage *message);

G_END_DECLS

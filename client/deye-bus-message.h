/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"
#include "deye-bus-hop.h"

#include <glib-object.h>

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_MESSAGE (deye_bus_message_get_type ())

/**
 * DeyeBusMessage:
 *
 * A received message. It is immutable, and its reference count is atomic, so it can be used in any thread. Strings and
 * the payload are not copied: they point into the received data and are valid as long as the message exists.
 *
 * Only the library creates messages. A callback does not own the message that it receives; it takes a reference to keep
 * it after it has returned.
 *
 * Since: 0.1
 */
typedef struct _DeyeBusMessage DeyeBusMessage;

DEYE_BUS_API GType deye_bus_message_get_type (void);

/**
 * deye_bus_message_ref:
 * @message: a #DeyeBusMessage
 *
 * Increases the reference count of a message.
 *
 * Returns: (transfer full): @message
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusMessage *deye_bus_message_ref (DeyeBusMessage *message);

/**
 * deye_bus_message_unref:
 * @message: (transfer full): a #DeyeBusMessage
 *
 * Decreases the reference count of a message and frees it when the count reaches zero.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_message_unref (DeyeBusMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusMessage, deye_bus_message_unref)

/*
 * Accessors. Strings are UTF-8. Sender, sequence number and acceptance time are set by the broker and cannot be forged; all
 * other fields are set by the sender.
 */

/**
 * deye_bus_message_get_topic:
 * @message: a #DeyeBusMessage
 *
 * Gets the topic to which the message was sent.
 *
 * Returns: (transfer none): the topic, owned by @message; never %NULL, but "" for a reply
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_topic (DeyeBusMessage *message);

/**
 * deye_bus_message_get_sender:
 * @message: a #DeyeBusMessage
 *
 * Gets the id of the peer that sent the message. The broker sets it, so it cannot be forged.
 *
 * Returns: (transfer none): the id, owned by @message; never %NULL, and "bus" for the broker itself
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_sender (DeyeBusMessage *message);

/**
 * deye_bus_message_get_sequence:
 * @message: a #DeyeBusMessage
 *
 * Gets the position of the message in the broker's order of acceptance. The broker sets it, so it cannot be forged.
 *
 * Returns: the sequence number, which is unique within an epoch of the broker; consecutive messages of a subscription
 *   need not have consecutive numbers, because messages to other receivers are counted too
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_message_get_sequence (DeyeBusMessage *message);

/**
 * deye_bus_message_get_accept_time:
 * @message: a #DeyeBusMessage
 *
 * Gets the time at which the broker accepted the message. The broker sets it, so it cannot be forged. Use it for
 * display; deye_bus_message_get_sequence() gives the order.
 *
 * Returns: the broker's wall-clock time, in microseconds since 1970-01-01 UTC
 *
 * Since: 0.1
 */
DEYE_BUS_API gint64 deye_bus_message_get_accept_time (DeyeBusMessage *message);

/**
 * deye_bus_message_get_method:
 * @message: a #DeyeBusMessage
 *
 * Gets the method that a request calls.
 *
 * Returns: (transfer none) (nullable): the method, owned by @message; %NULL if the sender did not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_method (DeyeBusMessage *message);

/**
 * deye_bus_message_get_type_name:
 * @message: a #DeyeBusMessage
 *
 * Gets the protobuf type of the payload.
 *
 * Returns: (transfer none) (nullable): the full protobuf name of the type, owned by @message; %NULL if the sender did
 *   not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_type_name (DeyeBusMessage *message);

/**
 * deye_bus_message_get_content_type:
 * @message: a #DeyeBusMessage
 *
 * Gets the media type of a payload that is not protobuf.
 *
 * Returns: (transfer none) (nullable): the media type, owned by @message; %NULL if the sender did not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_content_type (DeyeBusMessage *message);

/**
 * deye_bus_message_get_correlation_id:
 * @message: a #DeyeBusMessage
 *
 * Gets the correlation id of the message, which messages that it causes have as their parent id.
 *
 * Returns: (transfer none) (nullable): the correlation id, owned by @message; %NULL if the sender did not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_correlation_id (DeyeBusMessage *message);

/**
 * deye_bus_message_get_parent_id:
 * @message: a #DeyeBusMessage
 *
 * Gets the id of the message that caused this one.
 *
 * Returns: (transfer none) (nullable): the id, owned by @message; %NULL if the sender did not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_parent_id (DeyeBusMessage *message);

/**
 * deye_bus_message_get_root_id:
 * @message: a #DeyeBusMessage
 *
 * Gets the id of the first message in the chain of causes.
 *
 * Returns: (transfer none) (nullable): the id, owned by @message; %NULL if the sender did not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_root_id (DeyeBusMessage *message);

/**
 * deye_bus_message_get_stage:
 * @message: a #DeyeBusMessage
 *
 * Gets the stage of the workflow to which the message belongs.
 *
 * Returns: (transfer none) (nullable): the stage, owned by @message; %NULL if the sender did not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_message_get_stage (DeyeBusMessage *message);

/**
 * deye_bus_message_get_sequence_number:
 * @message: a #DeyeBusMessage
 *
 * Gets the sender's own count of its messages.
 *
 * Returns: the number; 0 if the sender did not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_message_get_sequence_number (DeyeBusMessage *message);

/**
 * deye_bus_message_get_priority:
 * @message: a #DeyeBusMessage
 *
 * Gets the priority that the sender gave the message.
 *
 * Returns: the priority, from 0 (default) to 255 (most urgent)
 *
 * Since: 0.1
 */
DEYE_BUS_API guint8 deye_bus_message_get_priority (DeyeBusMessage *message);

/**
 * deye_bus_message_dup_trace_id:
 * @message: a #DeyeBusMessage
 *
 * Gets the trace id of a W3C trace context.
 *
 * Returns: (transfer full) (nullable): the 16 bytes of the trace id; %NULL if the sender did not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_message_dup_trace_id (DeyeBusMessage *message);

/**
 * deye_bus_message_dup_span_id:
 * @message: a #DeyeBusMessage
 *
 * Gets the span id of a W3C trace context.
 *
 * Returns: (transfer full) (nullable): the 8 bytes of the span id; %NULL if the sender did not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_message_dup_span_id (DeyeBusMessage *message);

/**
 * deye_bus_message_dup_traceparent:
 * @message: a #DeyeBusMessage
 *
 * Gets the W3C trace context as a `traceparent`, the text that HTTP carries.
 *
 * Returns: (transfer full) (nullable): the text; %NULL if the sender set no trace id or no span id
 *
 * Since: 0.1
 */
DEYE_BUS_API char *deye_bus_message_dup_traceparent (DeyeBusMessage *message);

/**
 * deye_bus_message_get_depth:
 * @message: a #DeyeBusMessage
 *
 * Gets the length of the chain of messages that caused this one, as the sender set it. The broker may have counted more.
 *
 * Returns: the depth; 0 if the sender did not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_message_get_depth (DeyeBusMessage *message);

/**
 * deye_bus_message_dup_tags:
 * @message: a #DeyeBusMessage
 *
 * Gets the tags that the sender added.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type utf8): strings of the form "key=value" in the
 *   sender's order, terminated by %NULL; empty if there are none
 *
 * Since: 0.1
 */
DEYE_BUS_API char **deye_bus_message_dup_tags (DeyeBusMessage *message);

/**
 * deye_bus_message_get_remaining:
 * @message: a #DeyeBusMessage
 *
 * Gets the time that was left to answer a request when the broker forwarded it.
 *
 * Returns: the time in microseconds; 0 if the message is not a request
 *
 * Since: 0.1
 */
DEYE_BUS_API gint64 deye_bus_message_get_remaining (DeyeBusMessage *message);

/**
 * deye_bus_message_get_attempt:
 * @message: a #DeyeBusMessage
 *
 * Gets the number of the delivery attempt. A number above 1 marks a repeat: the message was published with at-least-once
 * delivery, and another member of the group got it before and did not settle it in time. That member may nevertheless have
 * handled it.
 *
 * Returns: 1 for the first delivery
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_message_get_attempt (DeyeBusMessage *message);

/**
 * deye_bus_message_get_ttl:
 * @message: a #DeyeBusMessage
 *
 * Gets the time to live that the sender gave the message. It had not expired when the broker forwarded the message. The
 * remaining time is not available, because only the broker's clock knows when it started.
 *
 * Returns: the time to live in microseconds from the broker's acceptance on, see deye_bus_options_set_ttl(); 0 if it is
 *   not limited
 *
 * Since: 0.1
 */
DEYE_BUS_API gint64 deye_bus_message_get_ttl (DeyeBusMessage *message);

/**
 * deye_bus_message_get_hop:
 * @message: a #DeyeBusMessage
 * @hop: a station
 *
 * Gets the time at which the message passed a station, relative to the first station with a known time. The difference of two
 * stations is the time that the message spent between them. The times are known if the sender called
 * deye_bus_options_set_want_hops() and the broker supports it. A reply also has the stations of its request, if the responder
 * uses this library or sends them as well.
 *
 * Returns: the time in microseconds; -1 if it is not known
 *
 * Since: 0.1
 */
DEYE_BUS_API gint64 deye_bus_message_get_hop (DeyeBusMessage *message, DeyeBusHop hop);

/**
 * deye_bus_message_get_incarnation:
 * @message: a #DeyeBusMessage
 *
 * Gets the incarnation of the client whose last message this is (see deye_bus_client_set_last_message()). It distinguishes
 * programs that had the same id one after the other; events `system.peer.*` and #DeyeBusPeer contain the same number.
 *
 * Returns: the incarnation; 0 if the sender published the message itself
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_message_get_incarnation (DeyeBusMessage *message);

/**
 * deye_bus_message_is_retained:
 * @message: a #DeyeBusMessage
 *
 * Checks whether the message is the retained value of its topic, which was published before this subscription was made. It
 * has the sequence, the time and the sender of that publish. See deye_bus_options_set_retain().
 *
 * Returns: %TRUE if it was read from the broker's store, %FALSE if it is delivered live
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_message_is_retained (DeyeBusMessage *message);

/**
 * deye_bus_message_is_final:
 * @message: a #DeyeBusMessage
 *
 * Checks whether a reply is the last one to its request.
 *
 * Returns: %TRUE if no further reply follows
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_message_is_final (DeyeBusMessage *message);

/**
 * deye_bus_message_check:
 * @message: a #DeyeBusMessage
 * @error: return location for a #GError, or %NULL
 *
 * Checks whether @message is the failure of one of several responders (see #DeyeBusAnswers): it answered with an error,
 * disconnected, or had no room for the request. Such a message has no payload, and its sender is the responder.
 *
 * Returns: %TRUE if it is an answer, or any other message; %FALSE with the error of the responder, as for
 *   deye_bus_client_request()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_message_check (DeyeBusMessage *message, GError **error);

/**
 * deye_bus_message_get_skipped:
 * @message: a #DeyeBusMessage
 *
 * Gets the number of progress reports that this one replaced, because the requester had no room for them; see
 * deye_bus_client_respond_progress().
 *
 * Returns: the number of reports that were not delivered; 0 for any other message
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_message_get_skipped (DeyeBusMessage *message);

/**
 * deye_bus_message_get_data:
 * @message: a #DeyeBusMessage
 * @length: (out) (optional): location for the length of the payload in bytes, or %NULL
 *
 * Gets the payload without copying it.
 *
 * Returns: (transfer none) (nullable) (array length=length): the payload, owned by @message; %NULL if it is empty
 *
 * Since: 0.1
 */
DEYE_BUS_API const guint8 *deye_bus_message_get_data (DeyeBusMessage *message, gsize *length);

/**
 * deye_bus_message_dup_payload:
 * @message: a #DeyeBusMessage
 *
 * Gets the payload as #GBytes, which keep @message alive instead of copying it.
 *
 * Returns: (transfer full): the payload
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_message_dup_payload (DeyeBusMessage *message);

G_END_DECLS

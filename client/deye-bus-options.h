/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"
#include "deye-bus-message.h"

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * DeyeBusRetain:
 * @DEYE_BUS_RETAIN_NONE: the message is not retained
 * @DEYE_BUS_RETAIN_LAST: it is retained until it is replaced or cleared, its time to live ends, or the broker ends
 * @DEYE_BUS_RETAIN_CONNECTED: the same, but at most until the connection of its publisher ends
 *
 * Time for which the broker keeps a published message as the value of its topic, for subscribers that come later.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_RETAIN_NONE = 0,
  DEYE_BUS_RETAIN_LAST = 1,
  DEYE_BUS_RETAIN_CONNECTED = 2,
} DeyeBusRetain;

#define DEYE_BUS_TYPE_OPTIONS (deye_bus_options_get_type ())

/**
 * DeyeBusOptions:
 *
 * Options of a call: fields that most messages do not have. Every function that takes a #DeyeBusOptions also accepts %NULL for
 * the defaults. A call reads the options before it returns, so they can be changed, reused or freed afterwards. Options
 * must not be used by two threads at the same time.
 *
 * Topic, strings and tags of a message may take up at most 8 KiB together; a call that exceeds this fails with
 * %DEYE_BUS_ERROR_LIMIT. Strings are UTF-8; pass %NULL to unset one.
 *
 * Setters report nothing. A setter that gets a wrong value (a negative time, an id or a tag of the wrong form) changes
 * nothing, and from then on each call with these options fails with %DEYE_BUS_ERROR_INVALID_ARGUMENT, whose message names
 * the first wrong value.
 *
 * Since: 0.1
 */
typedef struct _DeyeBusOptions DeyeBusOptions;

DEYE_BUS_API GType deye_bus_options_get_type (void);

/**
 * deye_bus_options_new:
 *
 * Creates options with all fields at their defaults.
 *
 * Returns: (transfer full): new options
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
 * Returns: (transfer full): a copy of @options
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

/* Setters. A field that is not set is absent from the message. */

/**
 * deye_bus_options_set_timeout:
 * @options: options
 * @timeout_us: timeout in microseconds, or 0 for the default of 30 s
 *
 * Sets the time after which a call fails; the default for closing a client is one second. For a request it is also the
 * deadline at the broker, which is limited by the broker's setting `max_request_timeout_us` (300 s). The largest value
 * means that there is no limit in practice.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_timeout (DeyeBusOptions *options, gint64 timeout_us);

/**
 * deye_bus_options_set_ttl:
 * @options: options
 * @ttl_us: time to live in microseconds, counted from the moment at which the broker accepts the message, or 0 for no
 *   limit
 *
 * Sets the time to live of a message. If the message is still queued in the broker when it expires, it is dropped, and
 * the receiver gets a gap with the reason %DEYE_BUS_ERROR_EXPIRED. Time that the message spends at the sender, waiting
 * for credit, does not count. For a request the time to live is a deadline.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_ttl (DeyeBusOptions *options, gint64 ttl_us);

/**
 * deye_bus_options_set_at_least_once:
 * @options: options
 * @at_least_once: whether a member of each group shall get the message at least once
 *
 * Asks the broker to keep a published message until one member of each matching queue group has handled it. If that member
 * disconnects, unsubscribes, or handles no message for the time of the broker's setting `settle-timeout-us` (30 s), another
 * member gets the message; deye_bus_message_get_attempt() then returns a number above 1. So a message can be handled twice, and
 * receivers must allow for that. The option has no effect on subscriptions outside of groups, direct messages and broadcasts.
 *
 * The call waits until the broker has accepted the message. It fails with %DEYE_BUS_ERROR_LIMIT if the broker has no room to
 * keep it; then no receiver gets it, and it can be published again later. It fails with %DEYE_BUS_ERROR_NO_RESPONDERS if the
 * topic has no subscribers. The library numbers such messages, so that the broker recognises a message that is sent again after
 * a reconnect.
 *
 * Needs the feature DELIVERY of the broker; without it publishing fails with %DEYE_BUS_ERROR_UNSUPPORTED.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_at_least_once (DeyeBusOptions *options, gboolean at_least_once);

/**
 * deye_bus_options_set_hold:
 * @options: options
 * @hold: whether the message shall wait for a member of a group
 *
 * Asks the broker to hold a published message while no queue group has a member for it, until its time to live expires. A time
 * to live (deye_bus_options_set_ttl()) is required, otherwise the call fails with %DEYE_BUS_ERROR_INVALID_ARGUMENT. If no group
 * matches the topic, a member of the first group that matches it later gets the message. If all members of a group are drained
 * (deye_bus_subscription_drain_async()), or the last one disconnected while the message waited for it, the next member of that
 * group gets it. Without this option only plain subscriptions get such a message, or it is refused with
 * %DEYE_BUS_ERROR_NO_RESPONDERS.
 *
 * A message that is held counts as matched and queued. It is still held when the publisher disconnects, but it is lost when the
 * broker ends. At the end of its time to live it is dropped and reported by `system.drop`, and
 * deye_bus_client_publish_confirmed() fails with %DEYE_BUS_ERROR_NO_RESPONDERS. The broker holds a limited number for each
 * account (settings `held-messages` and `held-bytes`); beyond that the call fails with %DEYE_BUS_ERROR_LIMIT. The call waits
 * until the broker has accepted the message.
 *
 * Direct messages and broadcasts are not held. Needs the feature DELIVERY of the broker; without it publishing fails with
 * %DEYE_BUS_ERROR_UNSUPPORTED.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_hold (DeyeBusOptions *options, gboolean hold);

/**
 * deye_bus_options_set_retain:
 * @options: options
 * @retain: how long the broker keeps the message
 *
 * Makes a published message the retained value of its topic. There is one value for each topic: a newer message replaces it,
 * and a message without payload clears it. A plain subscription that is made later gets the value first; then
 * deye_bus_message_is_retained() is %TRUE. Members of groups get no retained messages. If there is no room for the value
 * (settings `retained-messages` and `retained-bytes`), the publish fails with %DEYE_BUS_ERROR_LIMIT, and no receiver gets the
 * message.
 *
 * Values are lost when the broker ends. A client that reconnects (see deye_bus_client_set_reconnect()) publishes its own values
 * again before it is ready: all of them to a broker that was restarted, and those with %DEYE_BUS_RETAIN_CONNECTED after every
 * interruption. Subscribers that are connected by then get them as live messages. The client remembers the last 1,024 topics, 2
 * MiB in all; the signal #DeyeBusClient::error reports values beyond these limits, and values that the broker refuses. The
 * client also publishes a value again that another client has replaced or cleared, so only one client should publish to a
 * retained topic.
 *
 * The field is used by deye_bus_client_publish() and deye_bus_client_broadcast(). It needs a broker that offers the feature
 * RETAIN; otherwise they fail with %DEYE_BUS_ERROR_UNSUPPORTED.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_retain (DeyeBusOptions *options, DeyeBusRetain retain);

/**
 * deye_bus_options_set_wait_for_ready:
 * @options: options
 * @wait_for_ready: whether a call waits while the client connects
 *
 * Lets a call wait until the client is ready, instead of failing with %DEYE_BUS_ERROR_NOT_CONNECTED, while the client connects
 * by itself: deye_bus_client_connect() was called, or the connection was lost. The call is sent after the subscriptions are
 * restored, in the order of the calls, and its timeout includes the wait. If the timeout expires first, the call fails with
 * %DEYE_BUS_ERROR_NOT_CONNECTED, and nothing was sent. A call that was already sent when the connection ends is not sent again.
 *
 * It applies to calls that wait for an answer (a request, and a publish, direct or broadcast with a result) and to
 * deye_bus_client_flush(). Publishes without a result always wait.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_wait_for_ready (DeyeBusOptions *options, gboolean wait_for_ready);

/**
 * deye_bus_options_set_method:
 * @options: options
 * @method: (nullable): method to call
 *
 * Sets the method that a request calls.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_method (DeyeBusOptions *options, const char *method);

/**
 * deye_bus_options_set_target:
 * @options: options
 * @peer_id: (nullable): id of the peer that shall answer, or %NULL for any peer that serves the topic
 *
 * Sets the peer to which a request is sent. Publishes ignore it; use deye_bus_client_direct().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_target (DeyeBusOptions *options, const char *peer_id);

/**
 * deye_bus_options_set_type_name:
 * @options: options
 * @type_name: (nullable): full protobuf name of the payload's type
 *
 * Sets the protobuf type of the payload.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_type_name (DeyeBusOptions *options, const char *type_name);

/**
 * deye_bus_options_set_content_type:
 * @options: options
 * @content_type: (nullable): media type
 *
 * Sets the media type of a payload that is not protobuf.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_content_type (DeyeBusOptions *options, const char *content_type);

/**
 * deye_bus_options_set_priority:
 * @options: options
 * @priority: priority, from 0 (default) to 255 (most urgent)
 *
 * Sets the priority, which the receiver can read. It has no influence on the order of delivery: the lane of a message depends
 * on its topic.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_priority (DeyeBusOptions *options, guint8 priority);

/**
 * deye_bus_options_set_correlation_id:
 * @options: options
 * @correlation_id: (nullable): id of the message, at most 256 bytes
 *
 * Sets the correlation id. Messages that this message causes have it as their parent id, so it should be unique, such as a UUID.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_correlation_id (DeyeBusOptions *options, const char *correlation_id);

/**
 * deye_bus_options_set_parent_id:
 * @options: options
 * @parent_id: (nullable): correlation id of the message that caused this one, at most 256 bytes
 *
 * Sets the parent id. deye_bus_options_child_of() sets it together with all related fields.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_parent_id (DeyeBusOptions *options, const char *parent_id);

/**
 * deye_bus_options_set_root_id:
 * @options: options
 * @root_id: (nullable): correlation id of the first message in the chain of causes, at most 256 bytes
 *
 * Sets the root id. The first message itself has none.
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
 * Sets the trace id and the span id of a W3C trace context.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_trace (DeyeBusOptions *options, GBytes *trace_id, GBytes *span_id);

/**
 * deye_bus_options_set_traceparent:
 * @options: options
 * @traceparent: (nullable): a `traceparent` of the W3C recommendation Trace Context, or %NULL to unset the trace
 *
 * Sets the trace id, the span id and the flag "sampled" of a W3C trace context from the text that HTTP carries, such as
 * `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`. With the flag "sampled" a call fails with
 * %DEYE_BUS_ERROR_UNSUPPORTED if the broker does not know the feature DELIVERY.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_traceparent (DeyeBusOptions *options, const char *traceparent);

/**
 * deye_bus_traceparent_is_valid:
 * @traceparent: a text
 *
 * Checks whether a text is a `traceparent` that the W3C recommendation Trace Context allows, so that
 * deye_bus_options_set_traceparent() accepts it.
 *
 * Returns: %TRUE if it is
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_traceparent_is_valid (const char *traceparent);

/**
 * deye_bus_options_set_depth:
 * @options: options
 * @depth: length of the chain of messages that caused this one; 0 for a message that no other one caused
 *
 * Sets the depth. The broker refuses a publish or a request that is deeper than its setting `cascade-depth` (5) with
 * %DEYE_BUS_ERROR_CASCADE. deye_bus_options_child_of() sets the depth together with all related fields. A call with a depth
 * fails with %DEYE_BUS_ERROR_UNSUPPORTED if the broker does not know the feature DELIVERY.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_depth (DeyeBusOptions *options, guint depth);

/**
 * deye_bus_options_child_of:
 * @options: (nullable): options to begin with, or %NULL for the defaults
 * @message: a received message
 *
 * Creates options for a message that @message causes: a copy of @options in which the parent id is the correlation id of
 * @message, the root id is that of @message (or its correlation id, if it is the first one), the depth is one more, and the
 * trace is that of @message with a new span id. If @options has no correlation id, a new random one is set.
 *
 * The broker can only stop messages that cause each other endlessly if programs set these fields. So use this function for each
 * message or request that a callback sends because of a message. The options can be used for several messages; set another
 * correlation id for each of them if other messages refer to them.
 *
 * Returns: (transfer full): new options
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusOptions *deye_bus_options_child_of (const DeyeBusOptions *options, DeyeBusMessage *message);

/**
 * deye_bus_options_set_sequence_number:
 * @options: options
 * @sequence_number: the number, or 0 to unset it
 *
 * Sets the sender's own count of its messages.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_sequence_number (DeyeBusOptions *options, guint64 sequence_number);

/**
 * deye_bus_options_set_stage:
 * @options: options
 * @stage: (nullable): stage of a workflow, at most 128 bytes
 *
 * Sets the stage of the workflow to which the message belongs.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_stage (DeyeBusOptions *options, const char *stage);

/**
 * deye_bus_options_add_tag:
 * @options: options
 * @key: key of the tag; not empty, without `=`
 * @value: value of the tag
 *
 * Adds a tag. A message can have up to 64 tags, with keys of at most 128 and values of at most 1,024 bytes. A key may be added
 * several times, and tags keep their order.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_add_tag (DeyeBusOptions *options, const char *key, const char *value);

/**
 * deye_bus_options_set_want_hops:
 * @options: options
 * @want_hops: whether the message is stamped at each station
 *
 * Asks for the times at which the message passes the stations on its way. The receiver reads them with
 * deye_bus_message_get_hop(). The reply to a request has its own stations and those of the request. Such a message is about 20
 * bytes longer. A broker that does not support the feature ignores the option.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_options_set_want_hops (DeyeBusOptions *options, gboolean want_hops);

G_END_DECLS

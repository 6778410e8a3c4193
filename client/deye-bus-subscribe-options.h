/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * DeyeBusPolicy:
 * @DEYE_BUS_POLICY_DEFAULT: the default of the pattern's domain: %DEYE_BUS_POLICY_BLOCK for `tasks` and `results`,
 *   %DEYE_BUS_POLICY_CONFLATE for health, %DEYE_BUS_POLICY_DROP_NEWEST for `control`, and %DEYE_BUS_POLICY_DROP_OLDEST
 *   for everything else
 * @DEYE_BUS_POLICY_BLOCK: publishers get the credit for a message back only when the subscription has handled it. This slows
 *   publishers down. Nothing is lost, unless the subscription blocks them for longer than the broker's setting
 *   `longest_block_us`. The policy requires a right; collectors have it for `tasks` and `results`
 * @DEYE_BUS_POLICY_DROP_OLDEST: the messages that have waited longest are dropped to make room
 * @DEYE_BUS_POLICY_DROP_NEWEST: the arriving message is dropped
 * @DEYE_BUS_POLICY_ERROR: the arriving message is refused, and the publisher is notified
 * @DEYE_BUS_POLICY_CONFLATE: only the newest message of each topic is kept
 *
 * Overflow policy: the way in which the broker treats messages for a subscription that handles them more slowly than they
 * arrive, once the subscription's queue is full. Losses are reported by #DeyeBusSubscription::gap at the place where
 * they occurred.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_POLICY_DEFAULT = 0,
  DEYE_BUS_POLICY_BLOCK = 1,
  DEYE_BUS_POLICY_DROP_OLDEST = 2,
  DEYE_BUS_POLICY_DROP_NEWEST = 3,
  DEYE_BUS_POLICY_ERROR = 4,
  DEYE_BUS_POLICY_CONFLATE = 5,
} DeyeBusPolicy;

/**
 * DeyeBusStrategy:
 * @DEYE_BUS_STRATEGY_DEFAULT: the strategy of the existing group, or %DEYE_BUS_STRATEGY_ROUND_ROBIN for a new group
 * @DEYE_BUS_STRATEGY_ROUND_ROBIN: members in turn, in proportion to their weights
 * @DEYE_BUS_STRATEGY_LEAST_LOADED: the member with the fewest unsettled messages for its weight, then the one with the
 *   fewest queued bytes
 * @DEYE_BUS_STRATEGY_RANDOM: a random member, in proportion to their weights
 * @DEYE_BUS_STRATEGY_FIRST_AVAILABLE: the member with the largest weight, then the one that joined first
 *
 * Rule by which a queue group chooses the member that gets a message, among the members that have room and are not stalled.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_STRATEGY_DEFAULT = 0,
  DEYE_BUS_STRATEGY_ROUND_ROBIN = 1,
  DEYE_BUS_STRATEGY_LEAST_LOADED = 2,
  DEYE_BUS_STRATEGY_RANDOM = 3,
  DEYE_BUS_STRATEGY_FIRST_AVAILABLE = 4,
} DeyeBusStrategy;

/**
 * DeyeBusDrainState:
 * @DEYE_BUS_DRAIN_NONE: it takes part in the work
 * @DEYE_BUS_DRAIN_DRAINING: it gets no new messages, and has not handled all messages that it has
 * @DEYE_BUS_DRAIN_DRAINED: it gets no new messages, and has handled all that it had
 *
 * State of a member of a queue group, or of a server of a topic: it takes part in the work, or drains. The client itself
 * (deye_bus_subscription_drain_async()) or an operator (`deyebusctl drain`) drains it.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_DRAIN_NONE = 0,
  DEYE_BUS_DRAIN_DRAINING = 1,
  DEYE_BUS_DRAIN_DRAINED = 2,
} DeyeBusDrainState;

#define DEYE_BUS_TYPE_SUBSCRIBE_OPTIONS (deye_bus_subscribe_options_get_type ())

/**
 * DeyeBusSubscribeOptions:
 *
 * Overflow policy, limits and filter of a subscription. %NULL in deye_bus_client_subscribe_full() stands for the defaults. A
 * call reads the options before it returns, so they can be changed, reused or freed afterwards. Options must not be
 * used by two threads at the same time.
 *
 * Messages wait in two places: up to the window in the client, including those that are on the way to it, and beyond
 * that in the subscription's queue in the broker. The broker's settings limit both; the subscription's getters return
 * the values that are in force.
 *
 * Since: 0.1
 */
typedef struct _DeyeBusSubscribeOptions DeyeBusSubscribeOptions;

DEYE_BUS_API GType deye_bus_subscribe_options_get_type (void);

/**
 * deye_bus_subscribe_options_new:
 *
 * Creates options with all fields at their defaults.
 *
 * Returns: (transfer full): new options
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusSubscribeOptions *deye_bus_subscribe_options_new (void);

/**
 * deye_bus_subscribe_options_copy:
 * @options: options
 *
 * Copies options.
 *
 * Returns: (transfer full): a copy of @options
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusSubscribeOptions *deye_bus_subscribe_options_copy (const DeyeBusSubscribeOptions *options);

/**
 * deye_bus_subscribe_options_free:
 * @options: (transfer full) (nullable): options
 *
 * Frees options.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_free (DeyeBusSubscribeOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusSubscribeOptions, deye_bus_subscribe_options_free)

/**
 * deye_bus_subscribe_options_set_policy:
 * @options: options
 * @policy: a #DeyeBusPolicy
 *
 * Sets the overflow policy. A queue group has one policy: a peer that joins an existing group sets the same one or
 * %DEYE_BUS_POLICY_DEFAULT.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_policy (DeyeBusSubscribeOptions *options, DeyeBusPolicy policy);

/**
 * deye_bus_subscribe_options_set_queue_messages:
 * @options: options
 * @messages: largest number of queued messages, or 0 for the broker's default (10,000 unless its settings differ)
 *
 * Limits the number of messages in the subscription's queue in the broker.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_queue_messages (DeyeBusSubscribeOptions *options, guint64 messages);

/**
 * deye_bus_subscribe_options_set_queue_bytes:
 * @options: options
 * @bytes: largest number of queued bytes, or 0 for the broker's default (4 MiB unless its settings differ)
 *
 * Limits the size of the subscription's queue in the broker.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_queue_bytes (DeyeBusSubscribeOptions *options, guint64 bytes);

/**
 * deye_bus_subscribe_options_set_window_messages:
 * @options: options
 * @messages: largest number of messages, or 0 for the broker's default
 *
 * Limits the number of messages that the broker sends before earlier ones have been handled. The window is set when the
 * subscription is made and cannot be adjusted later.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_window_messages (DeyeBusSubscribeOptions *options, guint64 messages);

/**
 * deye_bus_subscribe_options_set_window_bytes:
 * @options: options
 * @bytes: largest number of payload bytes, or 0 for the broker's default
 *
 * Limits the size of the messages that the broker sends before earlier ones have been handled; one message may exceed
 * it. The window is set when the subscription is made and cannot be adjusted later.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_window_bytes (DeyeBusSubscribeOptions *options, guint64 bytes);

/**
 * deye_bus_subscribe_options_set_filter_correlation_id:
 * @options: options
 * @correlation_id: (nullable): a correlation id, or %NULL for any
 *
 * Lets only messages with this correlation id pass.
 *
 * The broker evaluates the filter of a subscription: a message that does not fit is not sent and not counted as missed. All
 * fields of the filter have to fit. A subscription with a filter cannot be in a queue group, and the filter cannot be changed
 * later. Subscribing with a filter fails with %DEYE_BUS_ERROR_UNSUPPORTED if the broker does not know the feature DELIVERY.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_filter_correlation_id (DeyeBusSubscribeOptions *options,
                                                                        const char *correlation_id);

/**
 * deye_bus_subscribe_options_set_filter_root_id:
 * @options: options
 * @root_id: (nullable): the correlation id of the first message of a chain, or %NULL for any
 *
 * Lets only the message with this correlation id pass, and messages with this root id; see
 * deye_bus_subscribe_options_set_filter_correlation_id().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_filter_root_id (DeyeBusSubscribeOptions *options, const char *root_id);

/**
 * deye_bus_subscribe_options_set_filter_stage:
 * @options: options
 * @stage: (nullable): a stage of a workflow, or %NULL for any
 *
 * Lets only messages of this stage pass; see deye_bus_subscribe_options_set_filter_correlation_id().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_filter_stage (DeyeBusSubscribeOptions *options, const char *stage);

/**
 * deye_bus_subscribe_options_add_filter_tag:
 * @options: options
 * @key: key of the tag; not empty, without `=`
 * @value: (nullable): value of the tag, or %NULL for any
 *
 * Lets only messages with this tag pass; see deye_bus_subscribe_options_set_filter_correlation_id(). A filter can have up to 8
 * tags, and a message must have all of them.
 *
 * Since: 0.1
 */
DEYE_BUS_API void
deye_bus_subscribe_options_add_filter_tag (DeyeBusSubscribeOptions *options, const char *key, const char *value);

/**
 * deye_bus_subscribe_options_set_strategy:
 * @options: options
 * @strategy: a #DeyeBusStrategy
 *
 * Sets the strategy of a queue group. The first member decides; a peer that joins an existing group sets the same one or
 * %DEYE_BUS_STRATEGY_DEFAULT, otherwise it gets %DEYE_BUS_ERROR_UNSUPPORTED. The broker's configuration of the group takes
 * precedence, without an error. Without a group, or with a broker that does not offer strategies, the call fails.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_strategy (DeyeBusSubscribeOptions *options, DeyeBusStrategy strategy);

/**
 * deye_bus_subscribe_options_set_weight:
 * @options: options
 * @weight: the weight, from 1 to 1,000, or 0 for 1
 *
 * Sets the weight of this member of a queue group, relative to the weights of the other members. The broker's configuration of
 * the group takes precedence.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_weight (DeyeBusSubscribeOptions *options, guint64 weight);

/**
 * deye_bus_subscribe_options_set_in_flight:
 * @options: options
 * @messages: largest number of messages, or 0 to have the window as the only limit
 *
 * Limits the number of messages that this member of a queue group may have without having handled them. The broker's
 * configuration of the group takes precedence.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_in_flight (DeyeBusSubscribeOptions *options, guint64 messages);

G_END_DECLS

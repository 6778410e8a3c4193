/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * DeyeBusPolicy:
 * @DEYE_BUS_POLICY_DEFAULT: the default of the pattern's domain: %DEYE_BUS_POLICY_BLOCK for `tasks` and `results`,
 *   %DEYE_BUS_POLICY_CONFLATE for health, %DEYE_BUS_POLICY_DROP_NEWEST for `control`, else %DEYE_BUS_POLICY_DROP_OLDEST
 * @DEYE_BUS_POLICY_BLOCK: publishers get the credit for a message back only when the subscription has handled it, so they
 *   are held up and nothing is lost, until the broker's setting `longest_block_us` is over. Needs the right to it: a
 *   collector has it for `tasks` and `results`
 * @DEYE_BUS_POLICY_DROP_OLDEST: what has waited longest makes room
 * @DEYE_BUS_POLICY_DROP_NEWEST: what comes finds no room and is dropped
 * @DEYE_BUS_POLICY_ERROR: what comes finds no room and is refused: the publisher is told
 * @DEYE_BUS_POLICY_CONFLATE: of each topic only the newest message waits
 *
 * What becomes of messages for a subscription that handles them slower than they come, when its queue in the broker is
 * full. What is lost is told by the signal "gap" of the subscription, where it was.
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

#define DEYE_BUS_TYPE_SUBSCRIBE_OPTIONS (deye_bus_subscribe_options_get_type ())

/**
 * DeyeBusSubscribeOptions:
 *
 * How much may wait for a subscription, and what happens when it is more; boxed. %NULL in deye_bus_client_subscribe_full()
 * is all defaults. A call reads it before it returns, so it may be changed, used again or freed at once. Not for use by two
 * threads at a time.
 *
 * Messages wait in two places: up to the window at this side, read from the socket or on the way to it, and behind that
 * up to the queue in the broker. The broker's limits are above both; what is in force is told by the subscription.
 *
 * Since: 0.1
 */
typedef struct _DeyeBusSubscribeOptions DeyeBusSubscribeOptions;

DEYE_BUS_API GType deye_bus_subscribe_options_get_type (void);

/**
 * deye_bus_subscribe_options_new:
 *
 * Makes options.
 *
 * Returns: (transfer full): options, all at their defaults
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
 * Returns: (transfer full): a copy
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
 * @policy: a policy
 *
 * Says what happens when the queue is full. In a group it is the group's: who joins later names the same one, or
 * %DEYE_BUS_POLICY_DEFAULT.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_policy (DeyeBusSubscribeOptions *options, DeyeBusPolicy policy);

/**
 * deye_bus_subscribe_options_set_queue_messages:
 * @options: options
 * @messages: how many may wait in the broker; 0: its default, 10,000 unless it is set otherwise
 *
 * Bounds the queue in the broker.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_queue_messages (DeyeBusSubscribeOptions *options, guint64 messages);

/**
 * deye_bus_subscribe_options_set_queue_bytes:
 * @options: options
 * @bytes: how much of them; 0: the broker's default, 4 MiB unless it is set otherwise
 *
 * Bounds the queue in the broker.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_queue_bytes (DeyeBusSubscribeOptions *options, guint64 bytes);

/**
 * deye_bus_subscribe_options_set_window_messages:
 * @options: options
 * @messages: how many may be here, or on the way, without having been handled; 0: the broker's default
 *
 * Bounds what is read ahead. It is set when the subscription is made, and stays.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_window_messages (DeyeBusSubscribeOptions *options, guint64 messages);

/**
 * deye_bus_subscribe_options_set_window_bytes:
 * @options: options
 * @bytes: how much of their payloads; 0: the broker's default
 *
 * Bounds what is read ahead; one message may be above it. It is set when the subscription is made, and stays.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscribe_options_set_window_bytes (DeyeBusSubscribeOptions *options, guint64 bytes);

G_END_DECLS

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-extent.h"

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_GATHER_ANSWER (deye_bus_gather_answer_get_type ())

/**
 * DeyeBusGatherAnswer:
 *
 * The answer of one collector to a question to many. It is immutable, and its reference count is atomic, so it can be used in any
 * thread. See #DeyeBusGather.
 *
 * Since: 0.1
 */
typedef struct _DeyeBusGatherAnswer DeyeBusGatherAnswer;

DEYE_BUS_API GType deye_bus_gather_answer_get_type (void);

/**
 * deye_bus_gather_answer_ref:
 * @answer: a #DeyeBusGatherAnswer
 *
 * Increases the reference count of an answer.
 *
 * Returns: (transfer full): @answer
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusGatherAnswer *deye_bus_gather_answer_ref (DeyeBusGatherAnswer *answer);

/**
 * deye_bus_gather_answer_unref:
 * @answer: (transfer full): a #DeyeBusGatherAnswer
 *
 * Decreases the reference count of an answer and frees it when the count reaches zero.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_answer_unref (DeyeBusGatherAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusGatherAnswer, deye_bus_gather_answer_unref)

/**
 * deye_bus_gather_answer_get_id:
 * @answer: a #DeyeBusGatherAnswer
 *
 * Gets the id of the collector.
 *
 * Returns: (transfer none): the id, owned by @answer; never %NULL
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_gather_answer_get_id (const DeyeBusGatherAnswer *answer);

/**
 * deye_bus_gather_answer_get_incarnation:
 * @answer: a #DeyeBusGatherAnswer
 *
 * Gets the incarnation of the collector's client; see deye_bus_peer_get_incarnation().
 *
 * Returns: the number
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_gather_answer_get_incarnation (const DeyeBusGatherAnswer *answer);

/**
 * deye_bus_gather_answer_get_index:
 * @answer: a #DeyeBusGatherAnswer
 *
 * Gets the index of the answer's entry in deye_bus_manifest_list_entries(). With deye_bus_gather_spec_ask_shards() it is the
 * shard.
 *
 * Returns: the index, from 0
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_gather_answer_get_index (const DeyeBusGatherAnswer *answer);

/**
 * deye_bus_gather_answer_get_attempt:
 * @answer: a #DeyeBusGatherAnswer
 *
 * Gets the number of the attempt that gave the answer.
 *
 * Returns: the number, from 1
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_gather_answer_get_attempt (const DeyeBusGatherAnswer *answer);

/**
 * deye_bus_gather_answer_dup_payload:
 * @answer: a #DeyeBusGatherAnswer
 *
 * Gets the payload.
 *
 * Returns: (transfer full): the payload, which may be empty
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_gather_answer_dup_payload (const DeyeBusGatherAnswer *answer);

/**
 * deye_bus_gather_answer_get_payload_type:
 * @answer: a #DeyeBusGatherAnswer
 *
 * Gets the full name of the payload's protobuf type.
 *
 * Returns: (transfer none) (nullable): the name, owned by @answer; %NULL if there is none
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_gather_answer_get_payload_type (const DeyeBusGatherAnswer *answer);

/**
 * deye_bus_gather_answer_dup_extent:
 * @answer: a #DeyeBusGatherAnswer
 *
 * Gets the extent of the payload.
 *
 * Returns: (transfer full) (nullable): the extent; %NULL if the collector did not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusExtent *deye_bus_gather_answer_dup_extent (const DeyeBusGatherAnswer *answer);

G_END_DECLS

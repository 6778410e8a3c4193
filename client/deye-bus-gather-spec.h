/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"

#include <glib-object.h>

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_GATHER_SPEC (deye_bus_gather_spec_get_type ())

/**
 * DeyeBusGatherSpec:
 *
 * Specification of a question to many collectors: the operation and its payload, the collectors that are asked, the timeout,
 * and the requirement that the answers have to meet. deye_bus_client_gather() copies it, so a specification can be changed and
 * used again.
 *
 * The requirement has no default: call deye_bus_gather_spec_set_require_all(), deye_bus_gather_spec_set_require_at_least() or
 * deye_bus_gather_spec_set_require_any(). Names (operation, collector type) have 1 to 64 bytes of a-z, 0-9, `-` and `_`.
 *
 * Setters report nothing. A setter that gets a wrong value changes nothing, and from then on each question with this
 * specification fails with %DEYE_BUS_ERROR_INVALID_ARGUMENT, whose message names the first wrong value. A specification must
 * not be used by two threads at the same time.
 *
 * Since: 0.1
 */
typedef struct _DeyeBusGatherSpec DeyeBusGatherSpec;

DEYE_BUS_API GType deye_bus_gather_spec_get_type (void);

/**
 * deye_bus_gather_spec_new:
 * @operation: name of the operation
 *
 * Creates a specification of a question to all collectors with this operation.
 *
 * Returns: (transfer full): a new specification
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusGatherSpec *deye_bus_gather_spec_new (const char *operation);

/**
 * deye_bus_gather_spec_copy:
 * @spec: a specification
 *
 * Copies a specification.
 *
 * Returns: (transfer full): a copy of @spec
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusGatherSpec *deye_bus_gather_spec_copy (const DeyeBusGatherSpec *spec);

/**
 * deye_bus_gather_spec_ref:
 * @spec: a specification
 *
 * Acquires a reference. Any thread may do so.
 *
 * Returns: (transfer full): @spec
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusGatherSpec *deye_bus_gather_spec_ref (DeyeBusGatherSpec *spec);

/**
 * deye_bus_gather_spec_unref:
 * @spec: (transfer full): a specification
 *
 * Releases a reference. Any thread may do so.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_spec_unref (DeyeBusGatherSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusGatherSpec, deye_bus_gather_spec_unref)

/**
 * deye_bus_gather_spec_set_collector_type:
 * @spec: a specification
 * @type: (nullable): type of the collectors, or %NULL: all types
 *
 * Sets the type of the collectors that are asked.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_spec_set_collector_type (DeyeBusGatherSpec *spec, const char *type);

/**
 * deye_bus_gather_spec_set_payload:
 * @spec: a specification
 * @payload: (nullable): payload that each collector gets
 * @type_name: (nullable): full protobuf name of its type
 *
 * Sets the payload. It may have up to the broker's largest payload (#DeyeBusClient:largest-payload) less 16 KiB.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_spec_set_payload (DeyeBusGatherSpec *spec, GBytes *payload, const char *type_name);

/**
 * deye_bus_gather_spec_ask_all:
 * @spec: a specification
 *
 * Asks each expected collector once: the collectors that are registered with the operation, those that the last barrier named,
 * and those that disconnected within the last 10 minutes without announcing it. This is the default.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_spec_ask_all (DeyeBusGatherSpec *spec);

/**
 * deye_bus_gather_spec_ask_some:
 * @spec: a specification
 * @n: number of collectors, from 1
 *
 * Asks @n of the expected collectors. If one of them does not answer, another one is asked instead.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_spec_ask_some (DeyeBusGatherSpec *spec, guint n);

/**
 * deye_bus_gather_spec_ask_shards:
 * @spec: a specification
 * @n: number of shards, from 1
 *
 * Divides the question into @n shards. One collector is asked for each shard, and another one if the first one fails; see
 * deye_bus_work_get_shard().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_spec_ask_shards (DeyeBusGatherSpec *spec, guint n);

/**
 * deye_bus_gather_spec_set_require_all:
 * @spec: a specification
 *
 * Accepts only a complete answer: every collector that is expected has answered, and none of the answers is truncated.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_spec_set_require_all (DeyeBusGatherSpec *spec);

/**
 * deye_bus_gather_spec_set_require_at_least:
 * @spec: a specification
 * @n: number of answers, from 1
 *
 * Accepts @n answers, none of them truncated.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_spec_set_require_at_least (DeyeBusGatherSpec *spec, guint n);

/**
 * deye_bus_gather_spec_set_require_any:
 * @spec: a specification
 *
 * Accepts any number of answers, even none. The manifest lists the missing ones.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_spec_set_require_any (DeyeBusGatherSpec *spec);

/**
 * deye_bus_gather_spec_set_timeout:
 * @spec: a specification
 * @timeout_us: time in microseconds, or 0 for 30 s
 *
 * Sets the time for the whole question. Answers that have not arrived by then count as missing.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_spec_set_timeout (DeyeBusGatherSpec *spec, gint64 timeout_us);

/**
 * deye_bus_gather_spec_set_stall:
 * @spec: a specification
 * @stall_us: time in microseconds, or 0: no limit but the timeout
 *
 * Sets the longest time without a new answer. If it is exceeded, the question ends as if the timeout had expired.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_spec_set_stall (DeyeBusGatherSpec *spec, gint64 stall_us);

/**
 * deye_bus_gather_spec_set_priority:
 * @spec: a specification
 * @priority: priority, from 0 (default) to 255 (most urgent)
 *
 * Sets the priority with which collectors get the question; see deye_bus_task_spec_set_priority().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_spec_set_priority (DeyeBusGatherSpec *spec, guint8 priority);

/**
 * deye_bus_gather_spec_add_tag:
 * @spec: a specification
 * @key: key of the tag; not empty, without `=`
 * @value: value of the tag
 *
 * Asks only collectors with this tag. A specification can have up to 16 tags of at most 128 bytes; a collector needs all of
 * them.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_spec_add_tag (DeyeBusGatherSpec *spec, const char *key, const char *value);

G_END_DECLS

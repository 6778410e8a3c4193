/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The limits of the broker, as plain numbers.
 *
 * The table below is the only list of them: the name of the setting (a key of [limits] in daemoneye-eventbus.conf), its default,
 * floor and ceiling. The configuration module fills a BusLimits from a key file, tests fill it directly, and the core only reads
 * it. This module does not apply limits. Each refusal names the setting: the field `setting` of the ERROR contains
 * bus_limit_name(), and sentences contain bus_limit_key().
 */

/* X (field, default, floor, ceiling). */
#define BUS_LIMITS_TABLE(X)                                                                                            \
  X (max_connections, 256, 1, 4096)                                                                                    \
  X (max_connections_per_uid, 192, 1, 4096)                                                                            \
  X (max_unauthenticated, 16, 1, 64)                                                                                   \
  X (hello_timeout_us, 5000000, 10000, 60000000)                                                                       \
  X (frame_timeout_us, 10000000, 100000, 300000000)                                                                    \
  X (max_payload, 1048576, 16384, 16777216)                                                                            \
  X (topic_segments, 5, 5, 16)                                                                                         \
  X (topic_bytes, 256, 256, 512)                                                                                       \
  X (segment_bytes, 64, 8, 64)                                                                                         \
  X (max_subscriptions, 1024, 1, 65536)                                                                                \
  X (receive_window_messages, 1000, 1, 65536)                                                                          \
  X (receive_window_bytes, 4194304, 1024, 67108864)                                                                    \
  X (queue_soft_bytes, 2097152, 65536, 268435456)                                                                      \
  X (queue_hard_bytes, 8388608, 65536, 268435456)                                                                      \
  X (queue_soft_timeout_us, 10000000, 100000, 300000000)                                                               \
  X (queue_hard_messages, 65536, 16, 1048576)                                                                          \
  X (subscription_queue_messages, 10000, 1, 1048576)                                                                   \
  X (subscription_queue_bytes, 4194304, 1024, 268435456)                                                               \
  X (control_queue_bytes, 1048576, 65536, 16777216)                                                                    \
  X (uid_bytes, 50331648, 1048576, 17179869184)                                                                        \
  X (broker_bytes, 67108864, 1048576, 17179869184)                                                                     \
  X (quota_soft_percent, 75, 1, 100)                                                                                   \
  X (publish_window_control_bytes, 262144, 32768, 67108864)                                                            \
  X (publish_window_must_keep_bytes, 4194304, 65536, 67108864)                                                         \
  X (publish_window_may_drop_bytes, 4194304, 65536, 67108864)                                                          \
  X (publish_window_messages, 8192, 16, 1048576)                                                                       \
  X (retained_messages, 1024, 1, 65536)                                                                                \
  X (retained_bytes, 2097152, 4096, 268435456)                                                                         \
  X (held_messages, 1000, 1, 65536)                                                                                    \
  X (held_bytes, 4194304, 4096, 268435456)                                                                             \
  X (max_pending_requests, 64, 1, 1024)                                                                                \
  X (max_request_members, 1024, 1, 65536)                                                                              \
  X (request_timeout_us, 30000000, 1000, 300000000)                                                                    \
  X (max_request_timeout_us, 300000000, 1000, 3600000000)                                                              \
  X (longest_block_us, 5000000, 1000, 60000000)                                                                        \
  X (unsettled_messages, 16384, 1, 1048576)                                                                            \
  X (unsettled_bytes, 8388608, 65536, 268435456)                                                                       \
  X (settle_timeout_us, 30000000, 1000, 3600000000)                                                                    \
  X (delivery_attempts, 5, 1, 1000)                                                                                    \
  X (resend_windows, 256, 1, 4096)                                                                                     \
  X (topic_cache, 4096, 16, 1048576)                                                                                   \
  X (topics_seen, 4096, 16, 65536)                                                                                     \
  X (timeline_bytes, 4194304, 4096, 1073741824)                                                                        \
  X (cascade_depth, 5, 1, 64)                                                                                          \
  X (task_slots, 256, 1, 4096)                                                                                         \
  X (task_operations, 64, 1, 1024)                                                                                     \
  X (task_heartbeat_us, 5000000, 1000, 300000000)                                                                      \
  X (task_hold_us, 5000000, 1000, 300000000)                                                                           \
  X (task_max_hold_us, 300000000, 1000, 3600000000)                                                                    \
  X (task_drain_us, 30000000, 1000, 3600000000)                                                                        \
  X (task_batch, 1024, 256, 4096)                                                                                      \
  X (task_queue, 20000, 1, 1048576)                                                                                    \
  X (task_queue_per_account, 10000, 1, 1048576)                                                                        \
  X (task_bytes, 16777216, 65536, 17179869184)                                                                         \
  X (task_window_bytes, 8388608, 4096, 17179869184)                                                                    \
  X (task_window_us, 600000000, 1000, 86400000000)                                                                     \
  X (task_settled_ids, 65536, 16, 1048576)                                                                             \
  X (task_quarantine, 1000, 1, 65536)                                                                                  \
  X (task_quarantine_us, 86400000000, 1000, 2678400000000)                                                             \
  X (task_quarantine_bytes, 4194304, 4096, 17179869184)                                                                \
  X (task_deadline_us, 300000000, 1000, 86400000000)                                                                   \
  X (task_max_deadline_us, 86400000000, 1000, 2678400000000)                                                           \
  X (task_run_limit_us, 30000000, 1000, 3600000000)                                                                    \
  X (task_progress_us, 10000000, 1000, 300000000)                                                                      \
  X (task_offer_us, 5000000, 1000, 300000000)                                                                          \
  X (task_cancel_us, 5000000, 1000, 300000000)                                                                         \
  X (task_retry_us, 1000000, 1000, 3600000000)                                                                         \
  X (task_max_retry_us, 60000000, 1000, 3600000000)                                                                    \
  X (task_attempts, 3, 1, 100)                                                                                         \
  X (task_return_us, 2000000, 1000, 60000000)                                                                          \
  X (task_recovery_us, 10000000, 1000, 300000000)                                                                      \
  X (task_submitter_us, 10000000, 1000, 86400000000)                                                                   \
  X (task_standing_us, 300000000, 1000, 86400000000)                                                                   \
  X (task_names, 1024, 16, 65536)                                                                                      \
  X (task_standing_sets, 1024, 1, 65536)                                                                               \
  X (task_standing_bytes, 4194304, 4096, 17179869184)                                                                  \
  X (gathers, 64, 1, 1024)                                                                                             \
  X (gather_members, 1024, 1, 8192)                                                                                    \
  X (gather_deadline_us, 30000000, 1000, 86400000000)                                                                  \
  X (introspect_per_second, 200, 1, 1000000)                                                                           \
  X (introspect_work_per_second, 5000000, 10000, 1000000000)

#define BUS_LIMIT_FIELD(field, preset, floor, ceiling) guint64 field;
typedef struct
{
  BUS_LIMITS_TABLE (BUS_LIMIT_FIELD)
} BusLimits;
#undef BUS_LIMIT_FIELD

#define BUS_LIMIT_ENUM(field, preset, floor, ceiling) BUS_LIMIT_##field,
typedef enum
{
  BUS_LIMITS_TABLE (BUS_LIMIT_ENUM) BUS_N_LIMITS
} BusLimit;
#undef BUS_LIMIT_ENUM

typedef struct
{
  const char *name; /* of the setting, "max_connections" */
  gsize offset;     /* of its guint64 in BusLimits */
  guint64 preset;
  guint64 floor;
  guint64 ceiling;
} BusLimitSpec;

/* A limit that was exceeded, for the answer to the peer. */
typedef struct
{
  BusLimit limit; /* the setting that was exceeded */
  guint64 most;
  guint64 value; /* the present value, or the value with the object that was refused */
} BusExcess;

const BusLimitSpec *bus_limit_spec (BusLimit limit);
/* The name in the field `setting` on the wire: "max_connections". */
const char *bus_limit_name (BusLimit limit);

/* The key in the configuration, for sentences: "max-connections". */
typedef struct
{
  char text[40];
} BusLimitKey;
BusLimitKey bus_limit_key (BusLimit limit);

guint64 bus_limit_value (const BusLimits *limits, BusLimit limit);

/* The default of max_connections_per_uid: three quarters of all, so that one account cannot take every connection. */
guint64 bus_limits_share (guint64 max_connections);

/* The largest payload of a task or its result, so that the token, the texts and the last progress of the task fit into the same
 * frame. */
guint64 bus_limits_task_payload (const BusLimits *limits);

/* Sets every limit to its default. */
void bus_limits_init (BusLimits *limits);

/* Checks whether two limits contradict each other. NULL: none do; otherwise a static English sentence that names both settings. */
const char *bus_limits_contradiction (const BusLimits *limits);

/* Adapts limits that are not set to those that are: changes each of them from its default by as much as the others require.
 * Example: if only max-payload is set, and it is above queue-hard-bytes, queue-hard-bytes is raised. @is_set: has BUS_N_LIMITS
 * elements. NULL: no two limits contradict each other now. Otherwise @limits is unchanged, and the result is an English sentence
 * that names two set limits that contradict each other. (transfer full) */
char *bus_limits_settle (BusLimits *limits, const gboolean *is_set);

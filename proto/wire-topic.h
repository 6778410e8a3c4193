/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"
#include "wire-status.h"

/*
 * Topic and pattern grammar.
 *
 * A topic is segments of a-z 0-9 - _ with dots between; its first segment is a known domain (events, control, tasks,
 * results, health, system, debug). A pattern may have + for one segment and, last, # for the rest (zero or more). This
 * room says whether text is a topic or a pattern and where it is wrong; who may use it is policy's, matching is the
 * trie's.
 *
 * Invariant: length is checked before anything is split.
 */

#define WIRE_TOPIC_SEGMENTS_CEILING 16u

typedef struct
{
  guint max_segments;      /* default 5 */
  guint max_bytes;         /* default 256 */
  guint max_segment_bytes; /* default 64 */
} WireTopicLimits;

#define WIRE_TOPIC_LIMITS_DEFAULT                                                                                      \
  {                                                                                                                    \
    5, 256, 64                                                                                                         \
  }

typedef struct
{
  WireStatus status;   /* OK, BAD_TOPIC or BAD_PATTERN */
  gsize offset;        /* of the byte at fault */
  const char *problem; /* short English with what to do, static: "* is not a wildcard here: + matches one segment" */
  gboolean wildcard;   /* patterns: has + or # */
} WireTopicCheck;

WireTopicCheck wire_topic_check (WireSpan topic, const WireTopicLimits *limits);
WireTopicCheck wire_pattern_check (WireSpan pattern, const WireTopicLimits *limits);

/* A collector id, type or group name: exactly one segment, not empty. */
gboolean wire_segment_is_valid (WireSpan segment, guint max_bytes);

/* Takes the first segment off @rest; FALSE when there is none left. Start with *first TRUE semantics handled inside:
 * iterate with WireSegments. */
typedef struct
{
  const guint8 *at;
  const guint8 *end;
  gboolean done;
} WireSegments;

void wire_segments_init (WireSegments *segments, WireSpan text);
gboolean wire_segments_next (WireSegments *segments, WireSpan *segment);

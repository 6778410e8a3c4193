/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"
#include "wire-status.h"

/*
 * The grammar of topics and patterns.
 *
 * A topic consists of segments of a-z 0-9 - _ that are separated by dots. Its first segment is a known domain (events,
 * control, tasks, results, health, system, debug). In a pattern, + matches one segment and # matches the rest (zero or
 * more segments); # is the last segment. This module checks whether text is a topic or a pattern, and reports the first
 * error. It does not check the right to use a topic (the policy does) and does not match (the trie does).
 *
 * Invariant: the length is checked before the text is split into segments.
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
  gsize offset;        /* of the offending byte */
  const char *problem; /* short English text that says what to do, static: "segments are lower case: a-z 0-9 - _" */
  gboolean wildcard;   /* of a pattern: it contains + or # */
} WireTopicCheck;

WireTopicCheck wire_topic_check (WireSpan topic, const WireTopicLimits *limits);
WireTopicCheck wire_pattern_check (WireSpan pattern, const WireTopicLimits *limits);

/* TRUE: @segment is one segment and not empty. The id and type of a collector and the name of a group must be valid segments. */
gboolean wire_segment_is_valid (WireSpan segment, guint max_bytes);

/* Iterator over the segments of a text, which need not be a valid topic. An empty text has no segments; any other text has one
 * more than it has dots. Empty segments are returned as well. */
typedef struct
{
  const guint8 *at;
  const guint8 *end;
  gboolean done;
} WireSegments;

void wire_segments_init (WireSegments *segments, WireSpan text);
/* Sets @segment to the next segment; FALSE: there is none. */
gboolean wire_segments_next (WireSegments *segments, WireSpan *segment);

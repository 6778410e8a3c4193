/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-topic.h"

static const char *const domains[] = { "events", "control", "tasks", "results", "health", "system", "debug" };

void
wire_segments_init (WireSegments *segments, WireSpan text)
{
  segments->at = text.data;
  segments->end = wire_span_end (text);
  segments->done = text.len == 0;
}

gboolean
wire_segments_next (WireSegments *segments, WireSpan *segment)
{
  const guint8 *start = segments->at;
  const guint8 *dot;

  if (segments->done)
    return FALSE;
  dot = segments->end > start ? memchr (start, '.', (gsize) (segments->end - start)) : NULL;
  segments->done = dot == NULL;
  *segment = wire_span (start, (gsize) ((dot != NULL ? dot : segments->end) - start));
  segments->at = dot != NULL ? dot + 1 : segments->end;
  return TRUE;
}

static gboolean
topic_is_segment_byte (guint8 byte)
{
  return g_ascii_islower (byte) || g_ascii_isdigit (byte) || byte == '-' || byte == '_';
}

gboolean
wire_segment_is_valid (WireSpan segment, guint max_bytes)
{
  if (segment.len == 0 || segment.len > max_bytes)
    return FALSE;
  for (gsize i = 0; i < segment.len; i++)
    if (!topic_is_segment_byte (segment.data[i]))
      return FALSE;
  return TRUE;
}

static gboolean
topic_is_domain (WireSpan segment)
{
  for (guint i = 0; i < G_N_ELEMENTS (domains); i++)
    if (wire_span_equal (segment, wire_span_str (domains[i])))
      return TRUE;
  return FALSE;
}

static const char *
topic_byte_problem (guint8 byte, gboolean pattern)
{
  if (byte == '*')
    return "* is not a wildcard: + matches one segment, # the rest";
  if (byte == '+' || byte == '#')
    return pattern ? "a wildcard must be the whole segment" : "a topic to publish to has no wildcards";
  if (g_ascii_isupper (byte))
    return "segments are lower case: a-z 0-9 - _";
  return "segments are made of a-z 0-9 - _";
}

static WireTopicCheck
topic_check (WireSpan text, const WireTopicLimits *limits, gboolean pattern)
{
  WireStatus wrong = pattern ? WIRE_STATUS_BAD_PATTERN : WIRE_STATUS_BAD_TOPIC;
  WireTopicCheck result = { .status = WIRE_STATUS_OK };
  WireSegments segments;
  WireSpan segment;
  guint n = 0;

  if (text.len == 0)
    return (WireTopicCheck){ wrong, 0, "it is empty", FALSE };
  if (text.len > limits->max_bytes)
    return (WireTopicCheck){ wrong, limits->max_bytes, "it is too long (topic_bytes)", FALSE };
  wire_segments_init (&segments, text);
  while (wire_segments_next (&segments, &segment))
    {
      gsize offset = (gsize) (segment.data - text.data);

      if (++n > limits->max_segments)
        return (WireTopicCheck){ wrong, offset, "it has too many segments (topic_segments)", FALSE };
      if (segment.len == 0)
        return (WireTopicCheck){ wrong, offset, "a segment is empty", FALSE };
      if (segment.len > limits->max_segment_bytes)
        return (WireTopicCheck){ wrong, offset, "a segment is too long (segment_bytes)", FALSE };
      if (pattern && segment.len == 1 && (segment.data[0] == '+' || segment.data[0] == '#'))
        {
          result.wildcard = TRUE;
          if (segment.data[0] == '#' && !segments.done)
            return (WireTopicCheck){ wrong, offset, "# must be the last segment: it matches all the rest", FALSE };
          continue;
        }
      for (gsize i = 0; i < segment.len; i++)
        if (!topic_is_segment_byte (segment.data[i]))
          return (WireTopicCheck){ wrong, offset + i, topic_byte_problem (segment.data[i], pattern), FALSE };
      if (n == 1 && !topic_is_domain (segment))
        return (WireTopicCheck){ wrong, 0, "it must begin with events, control, tasks, results, health or system",
                                 FALSE };
    }
  return result;
}

WireTopicCheck
wire_topic_check (WireSpan topic, const WireTopicLimits *limits)
{
  return topic_check (topic, limits, FALSE);
}

WireTopicCheck
wire_pattern_check (WireSpan pattern, const WireTopicLimits *limits)
{
  return topic_check (pattern, limits, TRUE);
}

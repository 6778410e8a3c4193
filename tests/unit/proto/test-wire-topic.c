/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-class.h"
#include "wire-feature.h"
#include "wire-stamp.h"
#include "wire-envelope.h"
#include "wire-topic.h"

/* Values on the wire: topics and patterns, credit classes, status codes, stamps. */

static const WireTopicLimits limits = WIRE_TOPIC_LIMITS_DEFAULT;

static const struct
{
  const char *text;
  gboolean topic;
  gboolean pattern;
  const char *problem; /* in the pattern's problem, or NULL */
} words[] = {
  { "events", TRUE, TRUE, NULL },
  { "events.process.lifecycle", TRUE, TRUE, NULL },
  { "control.collector.task.process.procmond-1", TRUE, TRUE, NULL },
  { "health", TRUE, TRUE, NULL },
  { "tasks.a_b-9", TRUE, TRUE, NULL },
  { "system.peer.gone", TRUE, TRUE, NULL },
  { "debug.x", TRUE, TRUE, NULL },
  { "events.#", FALSE, TRUE, NULL },
  { "events.+", FALSE, TRUE, NULL },
  { "events.+.#", FALSE, TRUE, NULL },
  { "#", FALSE, TRUE, NULL },
  { "+", FALSE, TRUE, NULL },
  { "+.+.#", FALSE, TRUE, NULL },
  { "", FALSE, FALSE, "empty" },
  { "events.#.a", FALSE, FALSE, "last" },
  { "#.a", FALSE, FALSE, "last" },
  { "events.*.a", FALSE, FALSE, "+" },
  { "Events.a", FALSE, FALSE, "lower case" },
  { "events..a", FALSE, FALSE, "empty" },
  { ".events", FALSE, FALSE, "empty" },
  { "events.", FALSE, FALSE, "empty" },
  { ".", FALSE, FALSE, "empty" },
  { "events.a+", FALSE, FALSE, "whole segment" },
  { "events.##", FALSE, FALSE, "whole segment" },
  { "systemx.y", FALSE, FALSE, "must begin with" },
  { "process", FALSE, FALSE, "must begin with" },
  { "events.a b", FALSE, FALSE, "a-z" },
  { "events.\xc3\xa4", FALSE, FALSE, "a-z" },
  { "events.a/b", FALSE, FALSE, "a-z" },
  { "events.a.b.c.d.e", FALSE, FALSE, "segments" },
};

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      WireSpan text = wire_span_str (words[i].text);
      WireTopicCheck topic = wire_topic_check (text, &limits);
      WireTopicCheck pattern = wire_pattern_check (text, &limits);

      g_test_message ("%s", words[i].text);
      g_assert_cmpint (topic.status, ==, words[i].topic ? WIRE_STATUS_OK : WIRE_STATUS_BAD_TOPIC);
      g_assert_cmpint (pattern.status, ==, words[i].pattern ? WIRE_STATUS_OK : WIRE_STATUS_BAD_PATTERN);
      if (words[i].problem != NULL)
        g_assert_nonnull (strstr (pattern.problem, words[i].problem));
      if (words[i].pattern)
        g_assert_cmpint (pattern.wildcard, ==, strpbrk (words[i].text, "+#") != NULL);
    }
}

static void
test_lengths (void)
{
  g_autofree char *longest_segment = g_strnfill (64, 'a');
  g_autofree char *fits = g_strdup_printf ("events.%s", longest_segment);
  g_autofree char *too_long_segment = g_strdup_printf ("events.%sa", longest_segment);
  g_autofree char *too_long
      = g_strdup_printf ("events.%s.%s.%s.%s", longest_segment, longest_segment, longest_segment, longest_segment);
  g_autofree char *huge = g_strnfill (65536, '.');

  g_assert_cmpint (wire_topic_check (wire_span_str (fits), &limits).status, ==, WIRE_STATUS_OK);
  g_assert_cmpint (wire_topic_check (wire_span_str (too_long_segment), &limits).status, ==, WIRE_STATUS_BAD_TOPIC);
  g_assert_cmpint (wire_topic_check (wire_span_str (too_long), &limits).status, ==, WIRE_STATUS_BAD_TOPIC);
  /* The text is refused for its length, before it is split. */
  g_assert_nonnull (strstr (wire_topic_check (wire_span_str (huge), &limits).problem, "too long"));
}

static void
test_every_byte (void)
{
  for (guint byte = 0; byte < 256; byte++)
    {
      char text[] = "events.x";
      gboolean good = g_ascii_islower ((char) byte) || g_ascii_isdigit ((char) byte) || byte == '-' || byte == '_';

      text[7] = (char) byte;
      g_assert_cmpint (wire_topic_check (wire_span (text, 8), &limits).status == WIRE_STATUS_OK, ==, good);
    }
}

static void
test_segments (void)
{
  WireSegments segments;
  WireSpan segment;
  g_autoptr (GString) seen = g_string_new (NULL);

  wire_segments_init (&segments, wire_span_str ("a.bc..d"));
  while (wire_segments_next (&segments, &segment))
    {
      g_string_append_len (seen, (const char *) segment.data, (gssize) segment.len);
      g_string_append_c (seen, '|');
    }
  g_assert_cmpstr (seen->str, ==, "a|bc||d|");
  g_assert_true (wire_segment_is_valid (wire_span_str ("procmond-1"), 64));
  g_assert_false (wire_segment_is_valid (wire_span_str ("a.b"), 64));
  g_assert_false (wire_segment_is_valid (wire_span_str (""), 64));
  g_assert_false (wire_segment_is_valid (wire_span_str ("abc"), 2));
}

static void
test_classes (void)
{
  static const struct
  {
    guint8 kind;
    const char *topic;
    gsize payload;
    WireLane lane;
    WireClass credit_class;
    guint64 features;
  } cases[] = {
    { WIRE_KIND_REQUEST, "control.collector.task.procmond.p-1", 1, WIRE_LANE_DATA, WIRE_CLASS_MUST_KEEP,
      WIRE_FEATURE_TASKS },
    { WIRE_KIND_REPLY, "control.collector.task.procmond.p-1", 1 << 20, WIRE_LANE_DATA, WIRE_CLASS_MUST_KEEP,
      WIRE_FEATURE_TASKS | WIRE_FEATURE_STREAM },
    { WIRE_KIND_REQUEST, "control.collector.task.procmond.p-1", 1, WIRE_LANE_CONTROL, WIRE_CLASS_CONTROL,
      WIRE_FEATURE_STREAM },
    { WIRE_KIND_REQUEST, "control.collector.task", 1, WIRE_LANE_CONTROL, WIRE_CLASS_CONTROL, WIRE_FEATURE_TASKS },
    { WIRE_KIND_REQUEST, "control.collector.tasks.x", 1, WIRE_LANE_CONTROL, WIRE_CLASS_CONTROL, WIRE_FEATURE_TASKS },
    { WIRE_KIND_PUBLISH, "control.collector.config", 16384, WIRE_LANE_CONTROL, WIRE_CLASS_CONTROL, 0 },
    { WIRE_KIND_PUBLISH, "control.collector.config", 16385, WIRE_LANE_DATA, WIRE_CLASS_MAY_DROP, 0 },
    { WIRE_KIND_PUBLISH, "health", 1, WIRE_LANE_CONTROL, WIRE_CLASS_CONTROL, 0 },
    { WIRE_KIND_PUBLISH, "health.a", 1, WIRE_LANE_CONTROL, WIRE_CLASS_CONTROL, 0 },
    { WIRE_KIND_PUBLISH, "healthy", 1, WIRE_LANE_DATA, WIRE_CLASS_MAY_DROP, 0 },
    { WIRE_KIND_PUBLISH, "system.peer.gone", 1, WIRE_LANE_CONTROL, WIRE_CLASS_CONTROL, 0 },
    { WIRE_KIND_PUBLISH, "tasks.process", 1 << 20, WIRE_LANE_DATA, WIRE_CLASS_MUST_KEEP, 0 },
    { WIRE_KIND_PUBLISH, "results.procmond", 1, WIRE_LANE_DATA, WIRE_CLASS_MUST_KEEP, 0 },
    { WIRE_KIND_PUBLISH, "events.process.lifecycle", 1, WIRE_LANE_DATA, WIRE_CLASS_MAY_DROP, 0 },
    { WIRE_KIND_REQUEST, "tasks.process", 1, WIRE_LANE_DATA, WIRE_CLASS_MUST_KEEP, 0 },
    { WIRE_KIND_REPLY, "control.bus.stats", 20000, WIRE_LANE_DATA, WIRE_CLASS_MAY_DROP, 0 },
    { WIRE_KIND_DELIVERED, "tasks.process", 1, WIRE_LANE_DATA, WIRE_CLASS_NONE, 0 },
    { WIRE_KIND_ACK, "", 0, WIRE_LANE_CONTROL, WIRE_CLASS_NONE, 0 },
    { WIRE_KIND_CREDIT, "", 0, WIRE_LANE_CONTROL, WIRE_CLASS_NONE, 0 },
    { WIRE_KIND_CANCEL, "", 0, WIRE_LANE_CONTROL, WIRE_CLASS_NONE, 0 },
    { WIRE_KIND_GAP, "", 0, WIRE_LANE_DATA, WIRE_CLASS_NONE, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      WireClassOf got
          = wire_class_of (cases[i].kind, wire_span_str (cases[i].topic), cases[i].payload, cases[i].features);

      g_assert_cmpint (got.lane, ==, cases[i].lane);
      g_assert_cmpint (got.credit_class, ==, cases[i].credit_class);
    }
  g_assert_cmpstr (wire_class_name (WIRE_CLASS_MUST_KEEP), ==, "must-keep");
}

static void
test_status (void)
{
  static const guint32 frozen[] = { 0,  1,  10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27, 30,
                                    31, 32, 33, 34, 35, 36, 37, 38, 40, 41, 42, 43, 44, 45, 46, 47, 50, 51, 52 };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (frozen); i++)
    {
      g_assert_true (wire_status_is_known (frozen[i]));
      g_assert_cmpstr (wire_status_name (frozen[i]), !=, "UNNUMBERED");
      g_assert_cmpstr (wire_status_text (frozen[i]), !=, "");
    }
  for (guint32 i = 0; i < 1000; i++)
    n += wire_status_is_known (i);
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (frozen));
  g_assert_cmpstr (wire_status_name (WIRE_STATUS_SLOW_CONSUMER), ==, "SLOW_CONSUMER");
  g_assert_cmpstr (wire_status_name (999), ==, "UNNUMBERED");
  g_assert_cmpstr (wire_kind_name (WIRE_KIND_GOODBYE), ==, "GOODBYE");
  g_assert_null (wire_kind_name (0));
  g_assert_null (wire_kind_name (16));
}

/* The table's reader reads the stamps of the fast writer. */
static void
test_stamp (void)
{
  static const guint32 ids[] = { 1, 127, 128, 16384, G_MAXUINT32 };
  WireStampOwn own = { .subscriptions = ids,
                       .n_subscriptions = G_N_ELEMENTS (ids),
                       .route_id = G_MAXUINT64,
                       .remaining_us = 300,
                       .answers = 7,
                       .matched = G_MAXUINT32,
                       .queued = G_MAXUINT32 - 1,
                       .refused = G_MAXUINT32 - 2,
                       .attempt = 2,
                       .merged = 3,
                       .retained = TRUE };
  guint8 bytes[WIRE_STAMP_COMMON_MAX + WIRE_STAMP_OWN_MAX (G_N_ELEMENTS (ids))];
  g_autofree char *sender = g_strnfill (64, 's');
  gsize len = wire_stamp_common (bytes, wire_span_str (sender), G_MAXUINT64, G_MAXUINT64);
  WireEnvelope envelope;
  WireReadResult result;
  guint32 id;

  g_assert_cmpuint (len, <=, WIRE_STAMP_COMMON_MAX);
  len += wire_stamp_own (bytes + len, &own);
  g_assert_cmpuint (len, <=, sizeof bytes);
  result = wire_envelope_read (wire_span (bytes, len), WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &envelope);
  g_assert_cmpint (result.status, ==, WIRE_STATUS_OK);
  g_assert_cmpmem (envelope.sender.data, envelope.sender.len, sender, 64);
  g_assert_cmpuint (envelope.accept_seq, ==, G_MAXUINT64);
  g_assert_cmpuint (envelope.accept_time_us, ==, G_MAXUINT64);
  g_assert_cmpuint (envelope.route_id, ==, G_MAXUINT64);
  g_assert_cmpuint (envelope.remaining_us, ==, 300);
  g_assert_cmpuint (envelope.answers, ==, 7);
  g_assert_cmpuint (envelope.attempt, ==, 2);
  g_assert_cmpuint (envelope.retained, ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_assert_true (wire_envelope_next_u32 (&envelope.subscriptions, &id));
      g_assert_cmpuint (id, ==, ids[i]);
    }
  g_assert_false (wire_envelope_next_u32 (&envelope.subscriptions, &id));
  g_assert_cmpuint (envelope.matched, ==, G_MAXUINT32);
  g_assert_cmpuint (envelope.queued, ==, G_MAXUINT32 - 1);
  g_assert_cmpuint (envelope.refused, ==, G_MAXUINT32 - 2);
  g_assert_cmpuint (envelope.gap_count, ==, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/topic/T01-T02-vectors", test_vectors);
  g_test_add_func ("/wire/topic/T03-lengths", test_lengths);
  g_test_add_func ("/wire/topic/T04-every-byte", test_every_byte);
  g_test_add_func ("/wire/topic/segments", test_segments);
  g_test_add_func ("/wire/class/table", test_classes);
  g_test_add_func ("/wire/status/frozen", test_status);
  g_test_add_func ("/wire/stamp/read-back", test_stamp);
  return g_test_run ();
}

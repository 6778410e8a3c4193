/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-limits.h"

#include <string.h>

#define KIB     (G_GUINT64_CONSTANT (1024))
#define MIB     (KIB * 1024)
#define SECONDS (G_GUINT64_CONSTANT (1000000))

/* The values in the documents for users, repeated here; 0: not documented. */
static void
test_promised (void)
{
  static const struct
  {
    BusLimit limit;
    const char *name;
    guint64 preset;
    guint64 ceiling;
  } promised[] = {
    { BUS_LIMIT_max_connections, "max_connections", 256, 4096 },
    { BUS_LIMIT_max_connections_per_uid, "max_connections_per_uid", 192, 4096 },
    { BUS_LIMIT_max_unauthenticated, "max_unauthenticated", 16, 64 },
    { BUS_LIMIT_hello_timeout_us, "hello_timeout_us", 5 * SECONDS, 0 },
    { BUS_LIMIT_max_payload, "max_payload", 1 * MIB, 16 * MIB },
    { BUS_LIMIT_topic_segments, "topic_segments", 5, 16 },
    { BUS_LIMIT_topic_bytes, "topic_bytes", 256, 512 },
    { BUS_LIMIT_segment_bytes, "segment_bytes", 64, 64 },
    { BUS_LIMIT_max_subscriptions, "max_subscriptions", 1024, 65536 },
    { BUS_LIMIT_receive_window_messages, "receive_window_messages", 1000, 0 },
    { BUS_LIMIT_receive_window_bytes, "receive_window_bytes", 4 * MIB, 64 * MIB },
    { BUS_LIMIT_queue_soft_bytes, "queue_soft_bytes", 2 * MIB, 256 * MIB },
    { BUS_LIMIT_queue_hard_bytes, "queue_hard_bytes", 8 * MIB, 256 * MIB },
    { BUS_LIMIT_queue_soft_timeout_us, "queue_soft_timeout_us", 10 * SECONDS, 0 },
    { BUS_LIMIT_control_queue_bytes, "control_queue_bytes", 1 * MIB, 0 },
    { BUS_LIMIT_broker_bytes, "broker_bytes", 64 * MIB, 0 },
    { BUS_LIMIT_publish_window_control_bytes, "publish_window_control_bytes", 256 * KIB, 64 * MIB },
    { BUS_LIMIT_publish_window_must_keep_bytes, "publish_window_must_keep_bytes", 4 * MIB, 64 * MIB },
    { BUS_LIMIT_publish_window_may_drop_bytes, "publish_window_may_drop_bytes", 4 * MIB, 64 * MIB },
    { BUS_LIMIT_max_pending_requests, "max_pending_requests", 64, 1024 },
    { BUS_LIMIT_request_timeout_us, "request_timeout_us", 30 * SECONDS, 300 * SECONDS },
    { BUS_LIMIT_max_request_timeout_us, "max_request_timeout_us", 300 * SECONDS, 0 },
    { BUS_LIMIT_longest_block_us, "longest_block_us", 5 * SECONDS, 60 * SECONDS },
    { BUS_LIMIT_topics_seen, "topics_seen", 4096, 65536 },
    { BUS_LIMIT_timeline_bytes, "timeline_bytes", 4 * MIB, 0 },
    { BUS_LIMIT_cascade_depth, "cascade_depth", 5, 64 },
    { BUS_LIMIT_introspect_per_second, "introspect_per_second", 200, 1000000 },
  };
  BusLimits limits;

  memset (&limits, 0xff, sizeof (limits));
  bus_limits_init (&limits);
  for (guint i = 0; i < G_N_ELEMENTS (promised); i++)
    {
      const BusLimitSpec *spec = bus_limit_spec (promised[i].limit);

      g_assert_cmpstr (bus_limit_name (promised[i].limit), ==, promised[i].name);
      g_assert_cmpuint (spec->preset, ==, promised[i].preset);
      if (promised[i].ceiling > 0)
        g_assert_cmpuint (spec->ceiling, ==, promised[i].ceiling);
      g_assert_cmpuint (bus_limit_value (&limits, promised[i].limit), ==, promised[i].preset);
    }
}

/* The sizes of windows, and the bound of the messages of a queue, are stored in 32 bits. */
static void
test_sizes_fit (void)
{
  static const BusLimit sizes[] = { BUS_LIMIT_receive_window_messages,        BUS_LIMIT_receive_window_bytes,
                                    BUS_LIMIT_publish_window_messages,        BUS_LIMIT_publish_window_control_bytes,
                                    BUS_LIMIT_publish_window_must_keep_bytes, BUS_LIMIT_publish_window_may_drop_bytes,
                                    BUS_LIMIT_subscription_queue_messages };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    g_assert_cmpuint (bus_limit_spec (sizes[i])->ceiling, <=, G_MAXUINT32);
  g_assert_cmpuint (bus_limit_spec (BUS_LIMIT_topic_bytes)->ceiling, <=, G_MAXUINT16); /* of a pattern */
}

static void
test_table (void)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  BusLimits limits;

  memset (&limits, 0xff, sizeof (limits));
  bus_limits_init (&limits);
  g_assert_cmpuint (BUS_N_LIMITS * sizeof (guint64), ==, sizeof (BusLimits));
  for (guint i = 0; i < BUS_N_LIMITS; i++)
    {
      const BusLimitSpec *spec = bus_limit_spec ((BusLimit) i);

      g_test_message ("%s", spec->name);
      g_assert_cmpuint (spec->offset, ==, i * sizeof (guint64));
      g_assert_cmpuint (spec->floor, >, 0);
      g_assert_cmpuint (spec->floor, <=, spec->preset);
      g_assert_cmpuint (spec->preset, <=, spec->ceiling);
      g_assert_cmpuint (bus_limit_value (&limits, (BusLimit) i), ==, spec->preset);
      g_assert_true (g_hash_table_add (names, (gpointer) spec->name));
    }

  limits.topic_cache = 77;
  g_assert_cmpuint (bus_limit_value (&limits, BUS_LIMIT_topic_cache), ==, 77);
  g_assert_cmpuint (bus_limit_value (&limits, BUS_LIMIT_max_connections), ==, 256);
}

static void
set (BusLimits *limits, BusLimit limit, guint64 value)
{
  G_STRUCT_MEMBER (guint64, limits, bus_limit_spec (limit)->offset) = value;
}

/* The defaults with one setting changed: the last valid value, and the first invalid one. */
static void
test_contradictions (void)
{
  static const struct
  {
    BusLimit limit;
    guint64 good;
    guint64 bad;
    BusLimit with;
  } cases[] = {
    { BUS_LIMIT_max_payload, 8 * MIB - 16 * KIB, 8 * MIB - 16 * KIB + 1, BUS_LIMIT_queue_hard_bytes },
    { BUS_LIMIT_max_payload, 2 * 256 + 512, 2 * 256 + 511, BUS_LIMIT_topic_bytes },
    { BUS_LIMIT_queue_hard_bytes, 2 * MIB, 2 * MIB - 1, BUS_LIMIT_queue_soft_bytes },
    { BUS_LIMIT_queue_hard_bytes, 48 * MIB, 48 * MIB + 1, BUS_LIMIT_uid_bytes },
    { BUS_LIMIT_queue_hard_bytes, 2 * MIB, 1 * MIB + 16 * KIB - 1, BUS_LIMIT_max_payload },
    { BUS_LIMIT_queue_soft_bytes, 8 * MIB, 8 * MIB + 1, BUS_LIMIT_queue_hard_bytes },
    { BUS_LIMIT_broker_bytes, 8 * MIB, 8 * MIB - 1, BUS_LIMIT_queue_hard_bytes },
    { BUS_LIMIT_uid_bytes, 8 * MIB, 8 * MIB - 1, BUS_LIMIT_queue_hard_bytes },
    { BUS_LIMIT_retained_bytes, 16 * MIB, 16 * MIB + 1, BUS_LIMIT_broker_bytes },
    { BUS_LIMIT_request_timeout_us, 300 * SECONDS, 300 * SECONDS + 1, BUS_LIMIT_max_request_timeout_us },
    { BUS_LIMIT_max_request_timeout_us, 30 * SECONDS, 30 * SECONDS - 1, BUS_LIMIT_request_timeout_us },
    { BUS_LIMIT_max_connections, 16, 15, BUS_LIMIT_max_unauthenticated },
    { BUS_LIMIT_max_unauthenticated, 256, 257, BUS_LIMIT_max_connections },
  };
  BusLimits limits;

  bus_limits_init (&limits);
  g_assert_null (bus_limits_contradiction (&limits));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *problem;

      bus_limits_init (&limits);
      set (&limits, cases[i].limit, cases[i].good);
      g_assert_cmpstr (bus_limits_contradiction (&limits), ==, NULL);

      set (&limits, cases[i].limit, cases[i].bad);
      problem = bus_limits_contradiction (&limits);
      g_assert_nonnull (problem);
      g_assert_nonnull (strstr (problem, bus_limit_key (cases[i].limit).text));
      g_assert_nonnull (strstr (problem, bus_limit_key (cases[i].with).text));
    }
}

/* If all limits are at the floor, or all at the ceiling, they do not contradict each other, so both can be configured. */
static void
test_ends (void)
{
  BusLimits limits;

  for (guint i = 0; i < BUS_N_LIMITS; i++)
    set (&limits, (BusLimit) i, bus_limit_spec ((BusLimit) i)->ceiling);
  g_assert_cmpstr (bus_limits_contradiction (&limits), ==, NULL);

  for (guint i = 0; i < BUS_N_LIMITS; i++)
    set (&limits, (BusLimit) i, bus_limit_spec ((BusLimit) i)->floor);
  g_assert_cmpstr (bus_limits_contradiction (&limits), ==, NULL);
}

/* Each limit alone at its floor and at its ceiling: the others are adapted until no rule is broken. */
static void
test_one_set (void)
{
  for (BusLimit i = 0; i < BUS_N_LIMITS; i++)
    for (int end = 0; end < 2; end++)
      {
        gboolean is_set[BUS_N_LIMITS] = { FALSE };
        guint64 value = end == 0 ? bus_limit_spec (i)->floor : bus_limit_spec (i)->ceiling;
        BusLimits limits;

        bus_limits_init (&limits);
        set (&limits, i, value);
        is_set[i] = TRUE;
        g_assert_null (bus_limits_settle (&limits, is_set));
        g_assert_cmpstr (bus_limits_contradiction (&limits), ==, NULL);
        g_assert_cmpuint (bus_limit_value (&limits, i), ==, value);
      }
}

static const struct
{
  BusLimit set;
  guint64 value;
  BusLimit follows;
  guint64 want;
} following[] = {
  { BUS_LIMIT_max_connections, 10, BUS_LIMIT_max_unauthenticated, 10 },
  { BUS_LIMIT_max_connections, 10, BUS_LIMIT_max_connections_per_uid, 8 }, /* a share, below the total */
  { BUS_LIMIT_max_connections, 1, BUS_LIMIT_max_connections_per_uid, 1 },
  { BUS_LIMIT_max_connections, 1000, BUS_LIMIT_max_connections_per_uid, 750 },
  { BUS_LIMIT_max_connections_per_uid, 600, BUS_LIMIT_max_connections, 800 },
  { BUS_LIMIT_max_connections_per_uid, 4096, BUS_LIMIT_max_connections, 4096 },
  { BUS_LIMIT_max_connections_per_uid, 10, BUS_LIMIT_max_connections, 256 },
  { BUS_LIMIT_max_connections, 17, BUS_LIMIT_max_unauthenticated, 16 }, /* the default fits */
  { BUS_LIMIT_max_connections, 1000, BUS_LIMIT_resend_windows, 1000 },  /* every client may number its messages */
  { BUS_LIMIT_max_connections, 4096, BUS_LIMIT_resend_windows, 4096 },
  { BUS_LIMIT_max_connections, 10, BUS_LIMIT_resend_windows, 256 },
  { BUS_LIMIT_max_connections_per_uid, 600, BUS_LIMIT_resend_windows, 800 },
  { BUS_LIMIT_max_payload, 16 * MIB, BUS_LIMIT_queue_hard_bytes, 16 * MIB + 16 * KIB },
  { BUS_LIMIT_queue_hard_bytes, 256 * MIB, BUS_LIMIT_broker_bytes, 256 * MIB },
  { BUS_LIMIT_queue_hard_bytes, 256 * MIB, BUS_LIMIT_uid_bytes, 256 * MIB },
  { BUS_LIMIT_broker_bytes, MIB, BUS_LIMIT_max_payload, MIB - 16 * KIB },
  { BUS_LIMIT_broker_bytes, MIB, BUS_LIMIT_queue_soft_bytes, MIB },
  { BUS_LIMIT_topic_bytes, 512, BUS_LIMIT_max_payload, MIB },
  { BUS_LIMIT_max_payload, 1024, BUS_LIMIT_topic_bytes, 256 },
  { BUS_LIMIT_request_timeout_us, 300 * SECONDS, BUS_LIMIT_max_request_timeout_us, 300 * SECONDS },
  { BUS_LIMIT_max_request_timeout_us, SECONDS, BUS_LIMIT_request_timeout_us, SECONDS },
};

static void
test_following (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (following); i++)
    {
      gboolean is_set[BUS_N_LIMITS] = { FALSE };
      BusLimits limits;

      bus_limits_init (&limits);
      set (&limits, following[i].set, following[i].value);
      is_set[following[i].set] = TRUE;
      g_assert_null (bus_limits_settle (&limits, is_set));
      g_assert_cmpuint (bus_limit_value (&limits, following[i].follows), ==, following[i].want);
    }
}

static guint64
random_value (const BusLimitSpec *spec)
{
  guint64 random = (guint64) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();

  return spec->floor + random % (spec->ceiling - spec->floor + 1);
}

/* Sets some limits at random: either the other limits adapt to them, or the error names two of them and no limit changes. */
static void
test_some_set (void)
{
  guint conflicts = 0;

  for (guint round = 0; round < 20000; round++)
    {
      gboolean is_set[BUS_N_LIMITS] = { FALSE };
      BusLimits limits;
      BusLimits before;
      g_autofree char *conflict = NULL;
      guint named = 0;

      bus_limits_init (&limits);
      for (BusLimit i = 0; i < BUS_N_LIMITS; i++)
        if ((is_set[i] = g_test_rand_int_range (0, 4) == 0))
          set (&limits, i, random_value (bus_limit_spec (i)));
      before = limits;
      conflict = bus_limits_settle (&limits, is_set);
      for (BusLimit i = 0; i < BUS_N_LIMITS; i++)
        {
          if (is_set[i] || conflict != NULL)
            g_assert_cmpuint (bus_limit_value (&limits, i), ==, bus_limit_value (&before, i));
          named += is_set[i] && conflict != NULL && strstr (conflict, bus_limit_key (i).text) != NULL;
        }
      if (conflict == NULL)
        g_assert_cmpstr (bus_limits_contradiction (&limits), ==, NULL);
      else
        g_assert_cmpuint (named, >=, 2);
      conflicts += conflict != NULL;
    }
  g_assert_cmpuint (conflicts, >, 100);
  g_assert_cmpuint (conflicts, <, 19000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/limits/promised", test_promised);
  g_test_add_func ("/core/limits/table", test_table);
  g_test_add_func ("/core/limits/sizes-fit", test_sizes_fit);
  g_test_add_func ("/core/limits/contradictions", test_contradictions);
  g_test_add_func ("/core/limits/ends", test_ends);
  g_test_add_func ("/core/limits/one-set", test_one_set);
  g_test_add_func ("/core/limits/following", test_following);
  g_test_add_func ("/core/limits/some-set", test_some_set);
  return g_test_run ();
}

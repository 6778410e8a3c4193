/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"

#include "peer/bus-peer.h"
#include "wire-credit.h"

#include <string.h>

/*
 * The core alone, without sockets: nanoseconds from bytes in to bytes out. Not a test: it asserts nothing about time, only that
 * each message arrives. Prints the median of its rounds.
 *
 *   bench-core [WORKLOAD [ROUNDS]]
 *
 * For a count of instructions: valgrind --tool=callgrind --toggle-collect=bench_round bench-core WORKLOAD 3
 */

#define TOPIC        "events.process.lifecycle"
#define ROUNDS       15u
#define TURNS        50u /* of a round */
#define READERS_MAX  16u
#define WINDOW       1000u /* messages: the default of the broker */
#define WINDOW_BYTES 1048576u
#define POLICY       BUS_OVERFLOW_BLOCK

typedef struct
{
  const char *name;
  guint publishers;
  guint readers;
  gsize payload;
  guint batch;       /* messages of one input */
  const char *group; /* NULL: each reader gets each message */
  guint behind;      /* number of inputs before the readers read */
  guint topics;      /* number of topics, with one subscription each; 0: one topic, and one subscription of a pattern */
} Workload;

typedef struct
{
  Core core;
  const Workload *workload;
  GByteArray *bytes; /* of one input; with topics, of all of them, one after the other */
  guint *starts;     /* of the frame of each topic in these bytes, and the end */
  guint topic;       /* the number of messages so far, with topics */
  Client *publishers[READERS_MAX];
  Client *readers[READERS_MAX];
  guint64 returned[READERS_MAX];
} Bench;

static const Workload workloads[] = {
  { "one", 1, 1, 128, 400, NULL, 1, 0 },     { "fanout", 1, 10, 128, 400, NULL, 1, 0 },
  { "many", 8, 1, 128, 50, NULL, 8, 0 },     { "behind", 8, 1, 128, 50, NULL, 64, 0 },
  { "group", 1, 4, 128, 400, "crew", 1, 0 }, { "lagging", 1, 10, 128, 400, NULL, 8, 0 },
  { "medium", 1, 1, 1024, 64, NULL, 1, 0 },  { "large", 1, 1, 16384, 16, NULL, 1, 0 },
  { "few", 1, 1, 128, 400, NULL, 1, 10 },    { "topics", 1, 1, 128, 400, NULL, 1, 10000 },
};

static gint
by_value (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

static char *
topic_name (guint i)
{
  return g_strdup_printf ("events.process.%u.x", i);
}

/* Returns the number of the topic at place @i of a shuffled order. */
static guint
topic_at (const Workload *workload, guint i)
{
  return (guint) ((guint64) i * 7919 % workload->topics);
}

static GByteArray *
frames (const Workload *workload)
{
  const guint n = workload->topics > 0 ? workload->topics : workload->batch;
  GByteArray *bytes = g_byte_array_new ();
  g_autofree guint8 *frame = g_malloc0 (workload->payload + 256);
  g_autofree guint8 *payload = g_malloc0 (workload->payload);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *topic = workload->topics > 0 ? topic_name (topic_at (workload, i)) : g_strdup (TOPIC);
      WireEnvelope envelope;
      guint8 *end;

      wire_envelope_init (&envelope);
      envelope.id = i + 1;
      envelope.topic = wire_span_str (topic);
      envelope.payload = wire_span (payload, workload->payload);
      end = wire_envelope_write (&envelope, frame + WIRE_FRAME_HEADER_LEN);
      memcpy (end, payload, workload->payload);
      end += workload->payload;
      wire_frame_put_header (frame, WIRE_KIND_PUBLISH, 0, (guint32) (end - frame - WIRE_FRAME_HEADER_LEN));
      g_byte_array_append (bytes, frame, (guint) (end - frame));
    }
  return bytes;
}

/* Takes the bytes that the core can send to a peer now. */
static void
take_output (Core *core, BusPeer *peer)
{
  WireSpan spans[64];
  guint n;

  while ((n = bus_core_gather (core->core, peer, spans, G_N_ELEMENTS (spans))) > 0)
    {
      gsize total = 0;

      for (guint i = 0; i < n; i++)
        total += spans[i].len;
      bus_core_sent (core->core, peer, total, core->now_us);
    }
}

static void
send_credit (Bench *bench, BusPeer *peer, guint64 returned)
{
  guint8 frame[128];
  WireEnvelope credit;
  gsize len;

  wire_envelope_init (&credit);
  credit.subscription = 1;
  credit.credit_messages = WINDOW + returned;
  credit.credit_bytes = WINDOW_BYTES + returned * bench->workload->payload;
  len = (gsize) (wire_envelope_write (&credit, frame + WIRE_FRAME_HEADER_LEN) - frame);
  wire_frame_put_header (frame, WIRE_KIND_CREDIT, 0, (guint32) (len - WIRE_FRAME_HEADER_LEN));
  bus_core_received (bench->core.core, peer, frame, len, bench->core.now_us);
}

/* Returns credit of the reader, a quarter of its window at a time, like the client library. Returns FALSE if there is none to
 * return. */
static gboolean
return_credit (Bench *bench, guint reader)
{
  const guint64 returned = MIN (bench->readers[reader]->peer->flow.delivered, bench->returned[reader] + WINDOW / 4);

  if (returned == bench->returned[reader])
    return FALSE;
  bench->returned[reader] = returned;
  send_credit (bench, bench->readers[reader]->peer, returned);
  take_output (&bench->core, bench->readers[reader]->peer);
  return TRUE;
}

static void
read_all (Bench *bench, guint reader)
{
  do
    take_output (&bench->core, bench->readers[reader]->peer);
  while (return_credit (bench, reader));
}

/* --- many topics --- */

/* The credit of the messages of one turn, as the client library returns it under the policy block. */
static void
return_credit_of_turn (Bench *bench, guint first, guint n)
{
  static guint8 bytes[65536];
  const Workload *workload = bench->workload;
  guint8 *at = bytes;

  for (guint i = first; i < first + n; i++)
    {
      const guint64 returned = 1 + i / workload->topics;

      at = wire_credit_put (at, 1 + topic_at (workload, i % workload->topics), WINDOW + returned,
                            WINDOW_BYTES + returned * workload->payload);
    }
  bus_core_received (bench->core.core, bench->readers[0]->peer, bytes, (gsize) (at - bytes), bench->core.now_us);
  take_output (&bench->core, bench->readers[0]->peer);
}

static void G_GNUC_NO_INLINE
bench_turn_of_topics (Bench *bench)
{
  const Workload *workload = bench->workload;
  const guint first = bench->topic;

  for (guint done = 0; done < workload->batch;)
    {
      const guint from = bench->topic % workload->topics;
      const guint n = MIN (workload->batch - done, workload->topics - from);

      bus_core_received (bench->core.core, bench->publishers[0]->peer, bench->bytes->data + bench->starts[from],
                         bench->starts[from + n] - bench->starts[from], bench->core.now_us);
      bench->topic += n;
      done += n;
    }
  take_output (&bench->core, bench->publishers[0]->peer);
  take_output (&bench->core, bench->readers[0]->peer);
  return_credit_of_turn (bench, first, workload->batch);
}

static void G_GNUC_NO_INLINE
bench_turn (Bench *bench)
{
  const Workload *workload = bench->workload;

  if (workload->topics > 0)
    {
      bench_turn_of_topics (bench);
      return;
    }

  for (guint i = 0; i < workload->behind; i++)
    {
      Client *publisher = bench->publishers[i % workload->publishers];

      bus_core_received (bench->core.core, publisher->peer, bench->bytes->data, bench->bytes->len, bench->core.now_us);
      take_output (&bench->core, publisher->peer);
    }
  for (guint i = 0; i < workload->readers; i++)
    read_all (bench, i);
}

void bench_round (Bench *bench);

/* Not static, because --toggle-collect needs the name. */
void G_GNUC_NO_INLINE
bench_round (Bench *bench)
{
  for (guint i = 0; i < TURNS; i++)
    bench_turn (bench);
}

static void
find_starts (Bench *bench)
{
  const guint8 *data = bench->bytes->data;
  guint32 len;

  bench->starts = g_new0 (guint, bench->workload->topics + 1);
  for (guint i = 0; i < bench->workload->topics; i++)
    {
      memcpy (&len, data + bench->starts[i], sizeof len);
      bench->starts[i + 1] = bench->starts[i] + WIRE_FRAME_HEADER_LEN + GUINT32_FROM_LE (len);
    }
}

static void
subscribe (Bench *bench, Client *reader)
{
  const Workload *workload = bench->workload;

  if (workload->topics == 0)
    client_subscribe_with (reader, .subscription = 1, .pattern = "events.#", .group = workload->group, .policy = POLICY,
                           .window_messages = WINDOW, .window_bytes = WINDOW_BYTES);
  for (guint i = 0; i < workload->topics; i++)
    {
      g_autofree char *topic = topic_name (i);

      client_subscribe_with (reader, .subscription = i + 1, .pattern = topic, .policy = POLICY,
                             .window_messages = WINDOW, .window_bytes = WINDOW_BYTES);
    }
}

static void
begin (Bench *bench)
{
  const Workload *workload = bench->workload;

  BusLimits limits;

  bus_limits_init (&limits);
  limits.max_subscriptions = MAX (limits.max_subscriptions, workload->topics + 1);
  core_setup (&bench->core, &limits);
  bench->bytes = frames (workload);
  find_starts (bench);
  for (guint i = 0; i < workload->publishers; i++)
    {
      g_autofree char *id = g_strdup_printf ("procmond-%u", i);

      bench->publishers[i] = client_ready (&bench->core, id, "procmond");
    }
  for (guint i = 0; i < workload->readers; i++)
    {
      g_autofree char *id = g_strdup_printf ("reader-%u", i);

      bench->readers[i] = tool_ready (&bench->core, id);
      subscribe (bench, bench->readers[i]);
    }
}

static void
measure (const Workload *workload, guint rounds)
{
  Bench bench = { .workload = workload };
  const guint messages = TURNS * workload->behind * workload->batch;
  const guint receivers = workload->group != NULL ? 1 : workload->readers;
  g_autofree gint64 *ns = g_new0 (gint64, rounds);
  BusCoreStats stats;

  begin (&bench);
  for (guint round = 0; round < rounds; round++)
    {
      gint64 start = g_get_monotonic_time ();

      bench_round (&bench);
      ns[round] = (g_get_monotonic_time () - start) * 1000 / messages;
    }
  qsort (ns, rounds, sizeof ns[0], by_value);
  bus_core_stats (bench.core.core, &stats);
  g_assert_cmpuint (stats.delivered, ==, (guint64) rounds * messages * receivers);
  g_print ("%-8s %2u -> %2u%s, %5" G_GSIZE_FORMAT " B: %5" G_GINT64_FORMAT " ns per message\n", workload->name,
           workload->publishers, workload->readers, workload->group != NULL ? " (group)" : "", workload->payload,
           ns[rounds / 2]);
  g_byte_array_unref (bench.bytes);
  g_free (bench.starts);
  core_teardown (&bench.core, NULL);
}

int
main (int argc, char **argv)
{
  const guint rounds = argc > 2 ? (guint) g_ascii_strtoull (argv[2], NULL, 10) : ROUNDS;

  for (guint i = 0; i < G_N_ELEMENTS (workloads); i++)
    if (argc < 2 || g_str_equal (argv[1], workloads[i].name))
      measure (&workloads[i], MAX (rounds, 1));
  return 0;
}

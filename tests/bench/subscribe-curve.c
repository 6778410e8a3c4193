/* SPDX-License-Identifier: Apache-2.0 */
#include "subscribe-curve.h"

#include "core-fixture.h"
#include "wire-status.h"

#include <time.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

/*
 * Measures costs that depend on the number of subscriptions: to subscribe, to publish to the topics in turn, to disconnect, and
 * memory. The core without sockets, from bytes in to bytes out, in CPU time. It asserts nothing.
 *
 * exact: n subscriptions to n topics. wildcard: n patterns, each of which matches one topic. topics: 10 patterns, each of which
 * matches a tenth of n topics. The topics are used in turn, so for a large n no cache has all of them.
 */

#define ROUNDS   3u
#define MESSAGES 400000u /* of a round; fewer than a window for each of 10 subscriptions */
#define PER_PEER 50000u
#define CHUNK    65536u /* bytes that arrive together, as from a socket */
#define PAYLOAD  128u
#define SUBS_FEW 10u

typedef struct
{
  const char *kind;
  const char *pattern; /* with the number of the subscription */
  const char *topic;   /* with the number of the message's subscription, or of the message */
  gboolean is_few;     /* 10 subscriptions, and n topics */
} Curve;

static const Curve curves[] = {
  { "exact", "events.bench.many.t%u.x", "events.bench.many.t%u.x", FALSE },
  { "wildcard", "events.bench.many.t%u.#", "events.bench.many.t%u.x", FALSE },
  { "topics", "events.bench.many%u.#", "events.bench.many%u.t%u", TRUE },
};

static const guint sizes[] = { 10, 100, 1000, 10000, 100000 };

typedef struct
{
  double subscribe_ns;
  double publish_ns;
  double disconnect_ns;
  double bytes; /* of memory for each subscription; 0: unknown */
} Figures;

typedef struct
{
  const Curve *curve;
  guint n;
  Core core;
  Client *publisher;
  GPtrArray *readers;
  GByteArray *frames; /* one for each topic */
  GArray *ends;       /* gsize: the ends of the chunks */
} Bench;

static double
curve_cpu_ns (void)
{
  return (double) clock () * (1e9 / CLOCKS_PER_SEC);
}

static gsize
curve_allocated (void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
  return mallinfo2 ().uordblks;
#else
  return 0;
#endif
}

static guint
curve_subscriptions (const Bench *bench)
{
  return bench->curve->is_few ? SUBS_FEW : bench->n;
}

/* Replaces %u in the format by the numbers. */
static char *
curve_text (const char *format, guint first, guint second)
{
  g_auto (GStrv) parts = g_strsplit (format, "%u", 3);
  GString *text = g_string_new (parts[0]);

  if (parts[1] != NULL)
    g_string_append_printf (text, "%u%s", first, parts[1]);
  if (parts[1] != NULL && parts[2] != NULL)
    g_string_append_printf (text, "%u%s", second, parts[2]);
  return g_string_free (text, FALSE);
}

static void
curve_add_frame (Bench *bench, guint number)
{
  g_autofree char *topic = curve_text (bench->curve->topic, bench->curve->is_few ? number % SUBS_FEW : number, number);
  guint8 frame[PAYLOAD + 256] = { 0 };
  WireEnvelope envelope;
  guint8 *end;

  wire_envelope_init (&envelope);
  envelope.id = number + 1;
  envelope.topic = wire_span_str (topic);
  envelope.payload = wire_span (frame, PAYLOAD);
  end = wire_envelope_write (&envelope, frame + WIRE_FRAME_HEADER_LEN) + PAYLOAD;
  wire_frame_put_header (frame, WIRE_KIND_PUBLISH, 0, (guint32) (end - frame - WIRE_FRAME_HEADER_LEN));
  g_byte_array_append (bench->frames, frame, (guint) (end - frame));
}

static void
curve_make_frames (Bench *bench)
{
  gsize start = 0;
  gsize end;

  for (guint i = 0; i < bench->n; i++)
    {
      curve_add_frame (bench, i);
      end = bench->frames->len;
      if (end - start < CHUNK && i + 1 < bench->n)
        continue;
      g_array_append_val (bench->ends, end);
      start = end;
    }
}

static void
curve_setup (Bench *bench, const Curve *curve, guint n)
{
  BusLimits limits;

  bus_limits_init (&limits);
  limits.max_subscriptions = 65536;
  limits.uid_bytes = limits.broker_bytes = G_GUINT64_CONSTANT (1) << 34;
  *bench = (Bench){ .curve = curve,
                    .n = n,
                    .readers = g_ptr_array_new (),
                    .frames = g_byte_array_new (),
                    .ends = g_array_new (FALSE, FALSE, sizeof (gsize)) };
  core_setup (&bench->core, &limits);
  bench->publisher = client_ready (&bench->core, "bench-1", "bench");
  curve_make_frames (bench);
}

static void
curve_teardown (Bench *bench)
{
  core_teardown (&bench->core, NULL);
  g_ptr_array_unref (bench->readers);
  g_byte_array_unref (bench->frames);
  g_array_unref (bench->ends);
}

static void
curve_subscribe (Bench *bench, guint number)
{
  g_autofree char *pattern = curve_text (bench->curve->pattern, number, 0);

  if (bench->readers->len <= number / PER_PEER)
    {
      g_autofree char *id = g_strdup_printf ("reader-%u", number / PER_PEER);

      g_ptr_array_add (bench->readers, client_ready (&bench->core, id, "netmond"));
    }
  client_subscribe_full (g_ptr_array_index (bench->readers, number / PER_PEER), number + 1, pattern, NULL, FALSE, 65536,
                         1u << 26, WIRE_STATUS_OK);
}

static void
curve_drain (Bench *bench, BusPeer *peer)
{
  WireSpan spans[64];
  guint n;

  while ((n = bus_core_gather (bench->core.core, peer, spans, G_N_ELEMENTS (spans))) > 0)
    {
      gsize total = 0;

      for (guint i = 0; i < n; i++)
        total += spans[i].len;
      bus_core_sent (bench->core.core, peer, total, bench->core.now_us);
    }
}

/* One message to each topic. */
static void
curve_publish (Bench *bench)
{
  gsize start = 0;

  for (guint i = 0; i < bench->ends->len; i++)
    {
      const gsize end = g_array_index (bench->ends, gsize, i);

      bus_core_received (bench->core.core, bench->publisher->peer, bench->frames->data + start, end - start,
                         bench->core.now_us);
      for (guint k = 0; k < bench->readers->len; k++)
        curve_drain (bench, ((const Client *) g_ptr_array_index (bench->readers, k))->peer);
      curve_drain (bench, bench->publisher->peer);
      start = end;
    }
}

static Figures
curve_round (const Curve *curve, guint n)
{
  const guint repeats = MAX (MESSAGES / n, 1);
  BusCoreStats stats;
  Figures figures;
  Bench bench;
  gsize before;
  double start;

  curve_setup (&bench, curve, n);
  before = curve_allocated ();
  start = curve_cpu_ns ();
  for (guint i = 0; i < curve_subscriptions (&bench); i++)
    curve_subscribe (&bench, i);
  figures.subscribe_ns = (curve_cpu_ns () - start) / curve_subscriptions (&bench);
  curve_publish (&bench);
  figures.bytes = (double) (curve_allocated () - before) / curve_subscriptions (&bench);
  start = curve_cpu_ns ();
  for (guint i = 0; i < repeats; i++)
    curve_publish (&bench);
  figures.publish_ns = (curve_cpu_ns () - start) / ((double) repeats * n);
  bus_core_stats (bench.core.core, &stats);
  g_assert_cmpuint (stats.delivered, ==, (guint64) (repeats + 1) * n);
  start = curve_cpu_ns ();
  for (guint i = 0; i < bench.readers->len; i++)
    client_disconnect (g_ptr_array_index (bench.readers, i));
  figures.disconnect_ns = (curve_cpu_ns () - start) / curve_subscriptions (&bench);
  curve_teardown (&bench);
  return figures;
}

/* The round with the median cost of a publish. */
static Figures
curve_median (const Curve *curve, guint n)
{
  Figures rounds[ROUNDS];

  for (guint i = 0; i < ROUNDS; i++)
    {
      guint at = i;

      for (Figures figures = curve_round (curve, n);; rounds[at] = rounds[at - 1], at--)
        if (at == 0 || rounds[at - 1].publish_ns <= figures.publish_ns)
          {
            rounds[at] = figures;
            break;
          }
    }
  return rounds[ROUNDS / 2];
}

void
subscribe_curve_print (gboolean as_json)
{
  for (guint i = 0; i < G_N_ELEMENTS (curves); i++)
    for (guint k = 0; k < G_N_ELEMENTS (sizes); k++)
      {
        const Figures figures = curve_median (&curves[i], sizes[k]);

        g_print (
            as_json ? "{\"bench\":\"subscriptions\",\"kind\":\"%s\",\"n\":%u,\"subscribe_ns\":%.0f,\"publish_ns\":%.0f,"
                      "\"disconnect_ns\":%.0f,\"bytes\":%.0f}\n"
                    : "%-8s %6u: subscribe %6.0f ns, publish %5.0f ns, disconnect %5.0f ns, %5.0f bytes\n",
            curves[i].kind, sizes[k], figures.subscribe_ns, figures.publish_ns, figures.disconnect_ns, figures.bytes);
      }
}

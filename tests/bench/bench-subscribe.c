/* SPDX-License-Identifier: Apache-2.0 */
#include "control.pb-c.h"
#include "core-fixture.h"
#include "route/bus-router.h"
#include "subscribe-curve.h"

#include <time.h>

/*
 * The cost of adding and of ending a subscription, beside other subscriptions and while topics are in use. Not
 * a test: it asserts nothing about time. Prints medians of its rounds: CPU time for one operation.
 *
 * Every round makes a new broker. Each operation is a control.bus.subscribe or control.bus.unsubscribe in bytes with its reply;
 * the client of the fixture takes about 2 us of each. With traffic, the receivers of one topic (other traffic: of one of 512
 * topics) are looked up after each operation, as by a publish, and that time is included.
 *
 * With --curves, or --json, it prints the curves of subscribe-curve.c instead.
 */

#ifndef ROUNDS
#define ROUNDS 7u
#endif
#define PER_PEER 1000u
#define TOPICS   512u

typedef struct
{
  const char *title;
  const char *pattern; /* with %u: the number of the subscription */
  const char *others;  /* the pattern of the other subscriptions, which exist before */
  guint n_beside;
  guint n;
  gboolean serve;
  const char *traffic; /* with %u: the topic; NULL: none */
} Case;

#define QUIET "results.load.topic%u"
#define HOT   "events.process.topic"

/* clang-format off */
static const Case cases[] = {
  { "10,000 topics from nothing", "events.process.new%u", "", 0, 10000, FALSE, NULL },
  { "10,000 patterns from nothing", "events.+.new%u.#", "", 0, 10000, FALSE, NULL },
  { "10,000 equal patterns", "events.process.#", "", 0, 10000, FALSE, NULL },
  { "10,000 servers of one topic", "control.collector.task", "", 0, 10000, TRUE, NULL },
  { "1,024 topics beside 61,000", "events.network.new%u", "events.process.new%u", 61000, 1024, FALSE, NULL },
  { "1,024 patterns beside 61,000", "events.+.older%u.#", "events.+.new%u.#", 61000, 1024, FALSE, NULL },
  { "1,024 beside 61,000 equal patterns", "events.network.new%u", "events.process.#", 61000, 1024, FALSE, NULL },
  { "1,024 from nothing, other traffic", "events.network.new%u", "", 0, 1024, FALSE, QUIET },
  { "1,024 beside 61,000, other traffic", "events.network.new%u", "events.process.new%u", 61000, 1024, FALSE, QUIET },
  { "1,024 beside 61,000 patterns, other traffic", "events.network.new%u", "events.+.new%u.#", 61000, 1024, FALSE, QUIET },
  { "1,024 beside 61,000 that get the traffic", "events.network.new%u", "events.process.#", 61000, 1024, FALSE, HOT },
  { "1,024 beside 10,000, all get the traffic", "events.process.#", "events.process.#", 10000, 1024, FALSE, HOT },
};
/* clang-format on */

typedef struct
{
  Core core;
  GPtrArray *peers;
  guint n;
  guint looked_up;
} Bench;

/* CPU time of this process, which depends less on other processes of the machine than real time. */
static gint64
cpu_us (void)
{
  return (gint64) clock () * 1000000 / CLOCKS_PER_SEC;
}

static gint
by_value (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

static void
bench_setup (Bench *bench)
{
  BusLimits limits;

  bus_limits_init (&limits);
  limits.max_subscriptions = 65536;
  limits.uid_bytes = limits.broker_bytes = G_GUINT64_CONSTANT (1) << 32;
  *bench = (Bench){ .peers = g_ptr_array_new () };
  core_setup (&bench->core, &limits);
}

static Client *
bench_peer (Bench *bench, guint number)
{
  while (bench->peers->len <= number / PER_PEER)
    {
      g_autofree char *id = g_strdup_printf ("peer-%u", bench->peers->len);

      g_ptr_array_add (bench->peers, client_ready (&bench->core, id, "netmond"));
    }
  return g_ptr_array_index (bench->peers, number / PER_PEER);
}

static char *
text_of (const char *format, guint number)
{
  g_auto (GStrv) parts = g_strsplit (format, "%u", 2);

  return parts[1] == NULL ? g_strdup (format) : g_strdup_printf ("%s%u%s", parts[0], number, parts[1]);
}

static void
bench_subscribe (Bench *bench, const char *pattern, gboolean serve)
{
  g_autofree char *text = text_of (pattern, bench->n);

  client_subscribe_full (bench_peer (bench, bench->n), bench->n + 1, text, NULL, serve, 0, 0, WIRE_STATUS_OK);
  bench->n++;
}

static void
bench_unsubscribe (Bench *bench, guint number)
{
  Daemoneye__Eventbus__V1__UnsubscribeRequest request = DAEMONEYE__EVENTBUS__V1__UNSUBSCRIBE_REQUEST__INIT;

  request.subscription = number + 1;
  got_free (client_call (bench_peer (bench, number), "control.bus.unsubscribe", &request.base, WIRE_STATUS_OK));
}

/* Looks up the receivers of the topic, like a publish. */
static void
bench_look_up (Bench *bench, const char *traffic)
{
  g_autofree char *topic = text_of (traffic, bench->looked_up++ % TOPICS);

  bus_router_match (bench->core.core, wire_span_str (topic));
}

static gint64
bench_add (Bench *bench, const Case *what)
{
  gint64 start = cpu_us ();

  for (guint i = 0; i < what->n; i++)
    {
      bench_subscribe (bench, what->pattern, what->serve);
      if (what->traffic != NULL)
        bench_look_up (bench, what->traffic);
    }
  return cpu_us () - start;
}

/* Ends the subscriptions in the order of a random permutation, which is the same in each run. */
static gint64
bench_remove (Bench *bench, const Case *what)
{
  g_autofree guint *order = g_new (guint, what->n + 1);
  guint64 random = 1;
  gint64 start;

  for (guint i = 0; i < what->n; i++)
    {
      guint other = (guint) ((random = random * 6364136223846793005u + 1442695040888963407u) >> 33) % (i + 1);

      order[i] = order[other];
      order[other] = what->n_beside + i;
    }
  start = cpu_us ();
  for (guint i = 0; i < what->n; i++)
    {
      bench_unsubscribe (bench, order[i]);
      if (what->traffic != NULL)
        bench_look_up (bench, what->traffic);
    }
  return cpu_us () - start;
}

static gint64
bench_disconnect (Bench *bench)
{
  gint64 start = cpu_us ();

  for (guint i = 0; i < bench->peers->len; i++)
    client_disconnect (g_ptr_array_index (bench->peers, i));
  return cpu_us () - start;
}

typedef struct
{
  gint64 add[ROUNDS], remove[ROUNDS], disconnect[ROUNDS];
} Figures;

static void
measure_round (const Case *what, Figures *figures, guint round)
{
  Bench bench;
  guint n_end;

  bench_setup (&bench);
  for (guint i = 0; i < what->n_beside; i++)
    bench_subscribe (&bench, what->others, FALSE);
  for (guint i = 0; i < TOPICS && what->traffic != NULL; i++)
    bench_look_up (&bench, what->traffic);
  figures->add[round] = bench_add (&bench, what);
  figures->remove[round] = bench_remove (&bench, what);
  n_end = what->n_beside;
  bench.n = what->n_beside;
  if (what->n_beside == 0) /* the measured disconnect must end some subscriptions */
    {
      for (guint i = 0; i < what->n; i++)
        bench_subscribe (&bench, what->pattern, what->serve);
      n_end = what->n;
    }
  figures->disconnect[round] = bench_disconnect (&bench) * 1000 / n_end;
  core_teardown (&bench.core, NULL);
  g_ptr_array_unref (bench.peers);
}

static void
measure (const Case *what)
{
  Figures figures;

  for (guint round = 0; round < ROUNDS; round++)
    measure_round (what, &figures, round);
  qsort (figures.add, ROUNDS, sizeof (gint64), by_value);
  qsort (figures.remove, ROUNDS, sizeof (gint64), by_value);
  qsort (figures.disconnect, ROUNDS, sizeof (gint64), by_value);
  g_print ("%-44s subscribe %8.2f us, unsubscribe %8.2f us, disconnect %8.2f us\n", what->title,
           (double) figures.add[ROUNDS / 2] / what->n, (double) figures.remove[ROUNDS / 2] / what->n,
           (double) figures.disconnect[ROUNDS / 2] / 1000);
}

int
main (int argc, char **argv)
{
  const gboolean as_json = argc > 1 && g_str_equal (argv[1], "--json");

  if (as_json || (argc > 1 && g_str_equal (argv[1], "--curves")))
    {
      subscribe_curve_print (as_json);
      return 0;
    }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    if (argc < 2 || strstr (cases[i].title, argv[1]) != NULL)
      measure (&cases[i]);
  return 0;
}

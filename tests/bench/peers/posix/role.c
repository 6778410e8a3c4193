/* SPDX-License-Identifier: Apache-2.0 */
#include "role.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S    1000000000ull
#define LONGEST_RUN 240 /* seconds, after which the process is ended */

RoleOptions role = { .size = 128,
                     .count = 1000,
                     .publishers = 1,
                     .clients = 1,
                     .depth = 1,
                     .seconds = 2,
                     .kind = "wild",
                     .mode = "held" };

static const struct
{
  const char *name;
  void (*run) (const char *address);
} roles[] = {
  { "pub", role_publish }, { "sub", role_subscribe }, { "ping", role_ping },
  { "pong", role_pong },   { "idle", role_idle },     { "crowd", role_crowd },
  { "ask", role_ask },     { "answer", role_answer }, { "burst", role_burst },
};

static const struct
{
  const char *key;
  long *integer;
  double *number;
  const char **text;
} options[] = {
  { "size", &role.size, NULL, NULL },
  { "count", &role.count, NULL, NULL },
  { "id", &role.id, NULL, NULL },
  { "publishers", &role.publishers, NULL, NULL },
  { "filters", &role.filters, NULL, NULL },
  { "first_filter", &role.first_filter, NULL, NULL },
  { "own_filters", &role.own_filters, NULL, NULL },
  { "clients", &role.clients, NULL, NULL },
  { "samples", &role.samples, NULL, NULL },
  { "depth", &role.depth, NULL, NULL },
  { "window", &role.window, NULL, NULL },
  { "pauses", &role.pauses, NULL, NULL },
  { "rate", NULL, &role.rate, NULL },
  { "seconds", NULL, &role.seconds, NULL },
  { "group", NULL, NULL, &role.group },
  { "kind", NULL, NULL, &role.kind },
  { "mode", NULL, NULL, &role.mode },
};

uint64_t
role_now_ns (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (uint64_t) time.tv_sec * NS_PER_S + (uint64_t) time.tv_nsec;
}

double
role_cpu_s (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void
role_sleep_until (uint64_t due_ns)
{
  const struct timespec time = { (time_t) (due_ns / NS_PER_S), (long) (due_ns % NS_PER_S) };

  if (role_now_ns () < due_ns)
    clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

void
role_die (const char *what)
{
  fprintf (stderr, "%s: failed\n", what);
  exit (1);
}

void
role_print (const char *line)
{
  puts (line);
  fflush (stdout);
}

void
role_wait_line (void)
{
  char line[64];

  if (fgets (line, sizeof line, stdin) == NULL)
    exit (1);
}

int
role_has_line (int wait_ms)
{
  struct pollfd input = { .fd = 0, .events = POLLIN };

  return poll (&input, 1, wait_ms) > 0;
}

void *
role_open (const char *address, int flush_each, int listens_only, DriverMessage fn)
{
  const DriverSettings settings
      = { .flush_each = flush_each, .listens_only = listens_only, .window = role.window, .mode = role.mode };
  void *client = driver.open (address, &settings, fn, NULL);

  if (client == NULL)
    role_die ("open");
  return client;
}

void
role_send (void *client, const char *topic, void *payload, size_t len, MessageHead head)
{
  memcpy (payload, &head, sizeof head);
  if (driver.publish (client, topic, payload, len) < 0)
    role_die ("publish");
}

void *
role_payload (void)
{
  return calloc (1, (size_t) role.size);
}

static int
compare_ns (const void *a, const void *b)
{
  const uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

  return (x > y) - (x < y);
}

static double
quantile_us (const uint32_t *sorted, size_t n, double q)
{
  return sorted[(size_t) (q * (double) (n - 1))] / 1e3;
}

/* The quantiles of the plots. */
void
role_print_latency (const char *prefix, uint32_t *ns, size_t n)
{
  static const double curve[]
      = { 0, .01, .02, .05, .1, .2, .3, .4, .5, .6, .7, .8, .9, .95, .98, .99, .995, .998, .999, 1 };

  if (n == 0)
    return;
  qsort (ns, n, sizeof *ns, compare_ns);
  printf (",\"%sp50\":%.2f,\"%sp99\":%.2f,\"%sp999\":%.2f,\"%smax\":%.2f", prefix, quantile_us (ns, n, .5), prefix,
          quantile_us (ns, n, .99), prefix, quantile_us (ns, n, .999), prefix, quantile_us (ns, n, 1));
  printf (",\"%scurve\":[", prefix);
  for (size_t i = 0; i < sizeof curve / sizeof *curve; i++)
    printf ("%s[%g,%.2f]", i > 0 ? "," : "", curve[i], quantile_us (ns, n, curve[i]));
  printf ("]");
}

static void
read_option (const char *word)
{
  const char *value = strchr (word, '=');

  for (size_t i = 0; value != NULL && i < sizeof options / sizeof *options; i++)
    {
      const size_t len = strlen (options[i].key);

      if (len != (size_t) (value - word) || strncmp (word, options[i].key, len) != 0)
        continue;
      if (options[i].integer != NULL)
        *options[i].integer = atol (value + 1);
      else if (options[i].number != NULL)
        *options[i].number = atof (value + 1);
      else
        *options[i].text = value + 1;
      return;
    }
  role_die (word);
}

int
main (int argc, char **argv)
{
  for (int i = 3; i < argc; i++)
    read_option (argv[i]);
  if (argc < 3 || role.size < (long) sizeof (MessageHead) || role.publishers > MOST_PUBLISHERS
      || role.id >= MOST_PUBLISHERS)
    role_die ("arguments");
  prctl (PR_SET_TIMERSLACK, 1);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  alarm (LONGEST_RUN);
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
    if (strcmp (argv[1], roles[i].name) == 0)
      {
        roles[i].run (argv[2]);
        return 0;
      }
  role_die ("role");
}

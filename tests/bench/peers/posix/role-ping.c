/* SPDX-License-Identifier: Apache-2.0 */
#include "role.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Round trips: ping publishes, pong answers each message through the broker. With depth=N, N of them are in flight. */

#define MOST_TRIES  100
#define DRAIN_NS    200000000ull
#define PATIENCE_NS 5000000000ull

static struct
{
  void *client;
  uint32_t *latency_ns;
  uint64_t sent;     /* the last one; 0: only probes */
  uint64_t answered; /* the last answered one; UINT64_MAX: none, not even a probe */
  int is_measured;
} trip = { .answered = UINT64_MAX };

static void
on_pong (void *user, const void *data, size_t len)
{
  MessageHead head;

  (void) user;
  if (len < sizeof head)
    return;
  memcpy (&head, data, sizeof head);
  trip.answered = head.sequence;
  if (trip.is_measured)
    trip.latency_ns[head.sequence - 1] = (uint32_t) (role_now_ns () - head.sent_ns);
}

static void
send_ping (void *payload, size_t len)
{
  const MessageHead head = { .type = MESSAGE_DATA, .sequence = trip.sent, .sent_ns = role_now_ns () };

  role_send (trip.client, "bench/ping", payload, len, head);
  if (driver.flush (trip.client) < 0)
    role_die ("flush");
}

/* Sends probes until the other end answers; then reads the answers to earlier probes. */
static void
find_pong (void *payload)
{
  uint64_t since_ns;

  for (int tries = 0; trip.answered == UINT64_MAX; tries++)
    {
      if (tries > MOST_TRIES)
        role_die ("no pong");
      send_ping (payload, sizeof (MessageHead));
      driver.poll (trip.client, 1);
    }
  for (since_ns = role_now_ns (); role_now_ns () - since_ns < DRAIN_NS;)
    driver.poll (trip.client, 1);
}

static void
await_pongs (uint64_t least)
{
  const uint64_t since_ns = role_now_ns ();

  while (trip.answered < least)
    if (driver.poll (trip.client, 1) < 0 || role_now_ns () - since_ns > PATIENCE_NS)
      role_die ("lost pong");
}

static void
make_trips (void *payload)
{
  const uint64_t start_ns = role_now_ns (), depth = (uint64_t) role.depth;

  trip.is_measured = 1;
  while (trip.sent < (uint64_t) role.count && (double) (role_now_ns () - start_ns) < role.seconds * 1e9)
    {
      if (role.rate > 0)
        role_sleep_until (start_ns + (uint64_t) ((double) trip.sent * 1e9 / role.rate));
      trip.sent++;
      send_ping (payload, (size_t) role.size);
      if (trip.sent >= depth)
        await_pongs (trip.sent + 1 - depth);
    }
  await_pongs (trip.sent);
}

void
role_ping (const char *address)
{
  void *payload = role_payload ();
  uint64_t start_ns;
  double cpu_s;

  trip.client = role_open (address, 1, 0, on_pong);
  trip.latency_ns = calloc ((size_t) role.count, sizeof *trip.latency_ns);
  if (driver.subscribe (trip.client, "bench/pong", NULL) < 0 || driver.sync (trip.client) < 0)
    role_die ("subscribe");
  role_print ("READY");
  role_wait_line ();
  find_pong (payload);
  role_print ("SYNCED");
  role_wait_line ();
  cpu_s = role_cpu_s ();
  start_ns = role_now_ns ();
  make_trips (payload);
  printf ("{\"count\":%" PRIu64 ",\"seconds\":%.6f,\"cpu_s\":%.4f", trip.sent,
          (double) (role_now_ns () - start_ns) / 1e9, role_cpu_s () - cpu_s);
  role_print_latency ("", trip.latency_ns, trip.sent);
  role_print ("}");
  free (trip.latency_ns);
  free (payload);
  driver.close (trip.client);
}

static void
on_ping (void *user, const void *data, size_t len)
{
  (void) user;
  if (driver.publish (trip.client, "bench/pong", data, len) < 0 || driver.flush (trip.client) < 0)
    role_die ("pong");
  trip.is_measured = 1;
}

void
role_pong (const char *address)
{
  trip.client = role_open (address, 1, 0, on_ping);
  if (driver.subscribe (trip.client, "bench/ping", NULL) < 0 || driver.sync (trip.client) < 0)
    role_die ("subscribe");
  role_print ("READY");
  while (!role_has_line (0))
    for (int i = 0; i < 1000 && driver.poll (trip.client, 1) >= 0 && trip.is_measured; i++)
      trip.is_measured = 0;
  driver.close (trip.client);
}

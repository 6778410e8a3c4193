/* SPDX-License-Identifier: Apache-2.0 */
#include "role.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Many connections in one process: idle connections, or connections with a very large number of subscriptions. */

#define POLL_INTERVAL_NS  1000000
#define BURST_PATIENCE_NS 30000000000ull

static uint64_t crowd_count;

static void
on_crowd_message (void *user, const void *data, size_t len)
{
  (void) user, (void) data, (void) len;
  crowd_count++;
}

static void **
open_crowd (const char *address)
{
  void **clients = calloc ((size_t) role.clients, sizeof *clients);

  for (long i = 0; i < role.clients; i++)
    clients[i] = role_open (address, 0, 1, on_crowd_message);
  return clients;
}

static void
subscribe_twice (void *client, long i)
{
  char filter[64];
  int failed;

  snprintf (filter, sizeof filter, "idle/%ld/x", i);
  failed = driver.subscribe (client, filter, NULL) < 0;
  snprintf (filter, sizeof filter, "rest/%ld/#", i);
  if (failed || driver.subscribe (client, filter, NULL) < 0 || driver.sync (client) < 0)
    role_die ("idle");
}

/* Does not wait in poll(), because another connection may have messages. */
static void
poll_crowd (void **clients)
{
  static const struct timespec interval = { 0, POLL_INTERVAL_NS };
  const uint64_t before = crowd_count;

  for (long i = 0; i < role.clients; i++)
    if (driver.poll (clients[i], 0) < 0)
      role_die ("poll");
  if (crowd_count == before)
    nanosleep (&interval, NULL);
}

/* Connections with two subscriptions each. After the first line they receive `count` messages in all, if any. */
void
role_idle (const char *address)
{
  void **clients = open_crowd (address);
  uint64_t since_ns;

  for (long i = 0; i < role.clients; i++)
    subscribe_twice (clients[i], i);
  role_print ("READY");
  role_wait_line ();
  for (since_ns = role_now_ns (); crowd_count < (uint64_t) role.count;)
    {
      poll_crowd (clients);
      if (role_now_ns () - since_ns > BURST_PATIENCE_NS)
        role_die ("burst");
    }
  printf ("{\"count\":%" PRIu64 "}\n", crowd_count);
  fflush (stdout);
  role_wait_line ();
}

/* Sends `count` messages to each client of role_idle(). */
void
role_burst (const char *address)
{
  void *client = role_open (address, 0, 0, NULL), *payload = role_payload ();

  for (long i = 0; i < role.clients; i++)
    for (long n = 0; n < role.count; n++)
      {
        char topic[64];

        snprintf (topic, sizeof topic, "idle/%ld/x", i);
        role_send (client, topic, payload, (size_t) role.size, (MessageHead){ .type = MESSAGE_DATA });
      }
  if (driver.flush (client) < 0)
    role_die ("flush");
  role_wait_line ();
}

/* Connections with `filters` subscriptions to all topics each, which read all messages. */
void
role_crowd (const char *address)
{
  void **clients = open_crowd (address);

  for (long i = 0; i < role.clients; i++)
    {
      for (long n = 0; n < role.filters; n++)
        if (driver.subscribe (clients[i], "#", NULL) < 0)
          role_die ("subscribe");
      if (driver.sync (clients[i]) < 0)
        role_die ("sync");
    }
  role_print ("READY");
  while (!role_has_line (0))
    if (driver.poll (clients[0], 1) < 0)
      role_die ("poll");
  printf ("{\"count\":%" PRIu64 "}\n", crowd_count);
  fflush (stdout);
}

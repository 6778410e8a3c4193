/* SPDX-License-Identifier: Apache-2.0 */
#include "role.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Publishers and subscribers: every workload in one direction. */

#define NS_PER_MS         1000000ull
#define MESSAGES_A_CLIENT 64 /* messages that a connection sends before the next connection sends */
#define MESSAGES_A_CLOCK  64 /* small messages between two reads of the clock */
#define PROBE_INTERVAL_MS 5
#define GRACE_MS          3000 /* time without a message after which missing ones are counted as lost */
#define GROUP_GRACE_MS    500

/* --- clients --- */

static void **
open_clients (const char *address, int flush_each, int listens_only, DriverMessage fn)
{
  void **clients = calloc ((size_t) role.clients, sizeof *clients);

  for (long i = 0; i < role.clients; i++)
    clients[i] = role_open (address, flush_each, listens_only, fn);
  return clients;
}

static void
close_clients (void **clients)
{
  for (long i = 0; i < role.clients; i++)
    driver.close (clients[i]);
  free (clients);
}

/* --- pub --- */

static void
send_control (void *client, MessageType type, uint64_t sequence)
{
  char payload[sizeof (MessageHead)];
  const MessageHead head = { .type = type, .publisher = (uint32_t) role.id, .sequence = sequence };

  role_send (client, "bench/ctl", payload, sizeof payload, head);
  if (driver.flush (client) < 0)
    role_die ("flush");
}

/* Sends one message when it is due. Returns FALSE if the time of the workload is over. */
static int
publish_one (void *client, void *payload, uint64_t i, uint64_t start_ns)
{
  MessageHead head = { .type = MESSAGE_DATA, .publisher = (uint32_t) role.id, .sequence = i };
  char topic[64] = "bench/t";

  if (role.rate > 0)
    {
      head.due_ns = start_ns + (uint64_t) ((double) i * 1e9 / role.rate);
      role_sleep_until (head.due_ns);
    }
  else if ((role.size > 4096 || i % MESSAGES_A_CLOCK == 0) && (double) (role_now_ns () - start_ns) > role.seconds * 1e9)
    return 0;
  if (role.filters > 0)
    snprintf (topic, sizeof topic, "many/%ld/x", (long) (i * 7919 % (uint64_t) role.filters));
  if (role.samples > 0)
    head.sent_ns = role_now_ns ();
  role_send (client, topic, payload, (size_t) role.size, head);
  if (role.rate > 0 && driver.flush (client) < 0)
    role_die ("flush");
  return 1;
}

static uint64_t
publish_all (void **clients, uint64_t start_ns)
{
  void *payload = role_payload ();
  uint64_t i = 0;

  for (long turn = 0; i < (uint64_t) role.count; turn = (turn + 1) % role.clients)
    {
      const uint64_t end = role.clients > 1 ? i + MESSAGES_A_CLIENT : (uint64_t) role.count;

      for (; i < end && i < (uint64_t) role.count; i++)
        if (!publish_one (clients[turn], payload, i, start_ns))
          break;
      if (role.clients > 1 && driver.flush (clients[turn]) < 0)
        role_die ("flush");
      if (i < end)
        break;
    }
  free (payload);
  return i;
}

void
role_publish (const char *address)
{
  void **clients = open_clients (address, role.rate > 0, 0, NULL);
  uint64_t start_ns, end_ns, sent;
  double cpu_s;

  do
    send_control (clients[0], MESSAGE_PROBE, 0);
  while (!role_has_line (PROBE_INTERVAL_MS));
  role_wait_line ();
  cpu_s = role_cpu_s ();
  start_ns = role_now_ns ();
  sent = publish_all (clients, start_ns);
  send_control (clients[0], MESSAGE_END, sent);
  end_ns = role_now_ns ();
  cpu_s = role_cpu_s () - cpu_s;
  role_wait_line ();
  printf ("{\"sent\":%" PRIu64 ",\"start_ns\":%" PRIu64 ",\"end_ns\":%" PRIu64 ",\"cpu_s\":%.4f}\n", sent, start_ns,
          end_ns, cpu_s);
  fflush (stdout);
  close_clients (clients);
}

/* --- sub --- */

static struct
{
  uint64_t probed; /* a bit for each publisher */
  uint64_t ends;
  uint64_t count;
  uint64_t expected;
  uint64_t reordered;
  uint64_t next[MOST_PUBLISHERS];
  uint64_t last_ns;
  uint64_t longest_pause_ns;
  uint32_t *latency_ns; /* since a message was sent */
  uint32_t *delay_ns;   /* since it was due */
  size_t samples;
} seen;

static void
take_sample (const MessageHead *head)
{
  if (seen.latency_ns == NULL || seen.samples >= (size_t) role.samples)
    return;
  seen.last_ns = role_now_ns ();
  seen.latency_ns[seen.samples] = (uint32_t) (seen.last_ns - head->sent_ns);
  seen.delay_ns[seen.samples++] = (uint32_t) (seen.last_ns - head->due_ns);
}

static void
take_pause (void)
{
  const uint64_t now_ns = role_now_ns ();

  if (seen.count > 1 && now_ns - seen.last_ns > seen.longest_pause_ns)
    seen.longest_pause_ns = now_ns - seen.last_ns;
  seen.last_ns = now_ns;
}

static void
take_data (const MessageHead *head)
{
  seen.count++;
  seen.reordered += head->sequence < seen.next[head->publisher];
  seen.next[head->publisher] = head->sequence + 1;
  take_sample (head);
  if (role.pauses)
    take_pause ();
}

static void
on_flow_message (void *user, const void *data, size_t len)
{
  MessageHead head;

  (void) user;
  if (len < sizeof head)
    return;
  memcpy (&head, data, sizeof head);
  if (head.publisher >= MOST_PUBLISHERS)
    return;
  if (head.type == MESSAGE_DATA)
    take_data (&head);
  else if (head.type == MESSAGE_PROBE)
    seen.probed |= UINT64_C (1) << head.publisher;
  else if (head.type == MESSAGE_END)
    {
      seen.ends++;
      seen.expected += head.sequence;
    }
}

/* Assigns the filters to the clients of this process in turn. The clients share one loop (see driver-deye.c), so only the first
 * one is polled. */
static void
subscribe_all (void **clients)
{
  const long own = role.own_filters > 0 ? role.own_filters : role.filters;
  int failed = 0;

  for (long i = role.first_filter; i < role.first_filter + own && !failed; i++)
    {
      char filter[64];

      snprintf (filter, sizeof filter, strcmp (role.kind, "wild") == 0 ? "many/%ld/#" : "many/%ld/x", i);
      failed = driver.subscribe (clients[i % role.clients], filter, NULL) < 0;
    }
  if (failed || (role.filters == 0 && driver.subscribe (clients[0], "bench/t", role.group) < 0)
      || driver.subscribe (clients[0], "bench/ctl", NULL) < 0)
    role_die ("subscribe");
  for (long i = 0; i < role.clients; i++)
    if (driver.sync (clients[i]) < 0)
      role_die ("sync");
}

/* If several subscribers share the messages, the number of messages of each is not known. */
static int
shares_messages (void)
{
  return role.group != NULL || (role.own_filters > 0 && role.own_filters < role.filters);
}

/* Receives until the announced number has arrived, or no message arrives for a while. Returns the CPU time at the start. */
static double
receive_all (void *client)
{
  const uint64_t grace_ns = (shares_messages () ? GROUP_GRACE_MS : GRACE_MS) * NS_PER_MS;
  uint64_t count = 0, idle_since_ns = role_now_ns ();
  double cpu_s = role_cpu_s ();
  int is_synced = 0;

  for (;;)
    {
      if (driver.poll (client, 1) < 0)
        role_die ("poll");
      if (seen.count != count || seen.ends == 0)
        {
          count = seen.count;
          idle_since_ns = role_now_ns ();
          if (seen.latency_ns == NULL && !role.pauses)
            seen.last_ns = idle_since_ns;
        }
      if (!is_synced && __builtin_popcountll (seen.probed) == role.publishers)
        {
          is_synced = 1;
          cpu_s = role_cpu_s ();
          role_print ("SYNCED");
        }
      if (seen.ends >= (uint64_t) role.publishers
          && ((!shares_messages () && seen.count >= seen.expected) || role_now_ns () - idle_since_ns > grace_ns))
        return cpu_s;
    }
}

void
role_subscribe (const char *address)
{
  void **clients = open_clients (address, 0, 1, on_flow_message);
  const uint64_t before_ns = role_now_ns ();
  double setup_ms, cpu_s;

  if (role.samples > 0)
    {
      seen.latency_ns = calloc ((size_t) role.samples, sizeof *seen.latency_ns);
      seen.delay_ns = calloc ((size_t) role.samples, sizeof *seen.delay_ns);
    }
  subscribe_all (clients);
  setup_ms = (double) (role_now_ns () - before_ns) / 1e6;
  role_print ("READY");
  cpu_s = receive_all (clients[0]);
  printf ("{\"count\":%" PRIu64 ",\"expected\":%" PRIu64 ",\"reordered\":%" PRIu64 ",\"last_ns\":%" PRIu64
          ",\"setup_ms\":%.2f,\"cpu_s\":%.4f,\"pause_"
          "ms\":%.3f",
          seen.count, seen.expected, seen.reordered, seen.last_ns, setup_ms, role_cpu_s () - cpu_s,
          (double) seen.longest_pause_ns / 1e6);
  role_print_latency ("", seen.latency_ns, seen.samples);
  role_print_latency ("due_", seen.delay_ns, seen.samples);
  role_print ("}");
  free (seen.latency_ns);
  free (seen.delay_ns);
  close_clients (clients);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"
#include "path.h"

#include <stdlib.h>

/*
 * `idle-clients CLIENTS` connects that many clients with two subscriptions each, and prints the bytes that the core holds for one.
 *
 * The fixture of the clients allocates as well, so only the functions that the transport calls are counted (linked with --wrap).
 * Other clients connect first, because tables have a minimum size, and log records of the first 100 connections are kept.
 */

#define FIRST 128u

static guint64 held; /* bytes: wraps around while the core frees more than it allocated */

BusPeer *__real_bus_core_connect (BusCore *core,
                                  const BusCredentials *who,
                                  gpointer link,
                                  gint64 now_us,
                                  BusConnectRefusal *refusal);
BusPeer *__wrap_bus_core_connect (BusCore *core,
                                  const BusCredentials *who,
                                  gpointer link,
                                  gint64 now_us,
                                  BusConnectRefusal *refusal);
void __real_bus_core_received (BusCore *core, BusPeer *peer, const guint8 *bytes, gsize len, gint64 now_us);
void __wrap_bus_core_received (BusCore *core, BusPeer *peer, const guint8 *bytes, gsize len, gint64 now_us);
void __real_bus_core_sent (BusCore *core, BusPeer *peer, gsize n, gint64 now_us);
void __wrap_bus_core_sent (BusCore *core, BusPeer *peer, gsize n, gint64 now_us);

BusPeer *
__wrap_bus_core_connect (BusCore *core,
                         const BusCredentials *who,
                         gpointer link,
                         gint64 now_us,
                         BusConnectRefusal *refusal)
{
  const guint64 before = budget_bytes ();
  BusPeer *peer = __real_bus_core_connect (core, who, link, now_us, refusal);

  held += budget_bytes () - before;
  return peer;
}

void
__wrap_bus_core_received (BusCore *core, BusPeer *peer, const guint8 *bytes, gsize len, gint64 now_us)
{
  const guint64 before = budget_bytes ();

  __real_bus_core_received (core, peer, bytes, len, now_us);
  held += budget_bytes () - before;
}

void
__wrap_bus_core_sent (BusCore *core, BusPeer *peer, gsize n, gint64 now_us)
{
  const guint64 before = budget_bytes ();

  __real_bus_core_sent (core, peer, n, now_us);
  held += budget_bytes () - before;
}

static void
add_clients (Core *core, guint from, guint to)
{
  for (guint i = from; i < to; i++)
    {
      g_autofree char *id = g_strdup_printf ("client-%u", i);
      g_autofree char *topic = g_strdup_printf ("events.idle.%u", i);
      g_autofree char *pattern = g_strdup_printf ("events.rest.%u.#", i);
      Client *client = client_ready (core, id, "procmond");

      client_subscribe (client, 1, topic, NULL);
      client_subscribe (client, 2, pattern, NULL);
    }
}

int
main (int argc, char **argv)
{
  const guint n_clients = argc == 2 ? (guint) g_ascii_strtoull (argv[1], NULL, 10) : 0;
  BusLimits limits;
  guint64 before;
  Core core;

  if (n_clients == 0)
    {
      g_printerr ("usage: %s CLIENTS\n", argv[0]);
      return 2;
    }
  bus_limits_init (&limits);
  limits.max_connections = limits.max_connections_per_uid = FIRST + n_clients;
  limits.uid_bytes = limits.broker_bytes = G_GUINT64_CONSTANT (1) << 32;
  core_setup (&core, &limits);
  add_clients (&core, 0, FIRST);
  before = held;
  add_clients (&core, FIRST, FIRST + n_clients);
  g_print ("%" G_GUINT64_FORMAT "\n", (held - before) / n_clients);
  core_teardown (&core, NULL);
  return 0;
}

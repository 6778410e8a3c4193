/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-storm.h"

#include "control.pb-c.h"
#include "envelope.pb-c.h"
#include "wire-guard.h"

#include "peer/bus-peer.h"

#include <string.h>

/* Repeats the number of the core on purpose. */
#define GRACE_US       (100 * G_TIME_SPAN_MILLISECOND)
#define RETRY_SOON_US  (100 * G_TIME_SPAN_MILLISECOND)
#define RETRY_LATER_US G_TIME_SPAN_SECOND

#define STRANGERS_MAX 48u
#define SPANS         16u

/* A connection that has not sent HELLO. */
typedef struct
{
  const SimClient *client;
  guint32 account;
  gint64 since_us;
} StormPlace;

/* The answers that a newcomer may get from the broker. */
typedef struct
{
  const char *setting; /* the limit that refuses it; NULL: it is accepted */
  gboolean has_to_yield;
} StormFate;

struct SimStorm
{
  SimClient strangers[STRANGERS_MAX];
  StormPlace places[STRANGERS_MAX];
  guint n;
  guint n_yielded; /* connections that were disconnected for the last newcomer */
  const SimClient *yielded;
};

void
sim_storm_limits (guint64 seed, BusLimits *limits)
{
  limits->max_unauthenticated = seed % 2 == 0 ? 10 + seed / 2 % 10 : 64;
  limits->max_connections_per_uid = 6 + seed % 7;
  limits->max_connections = 16 + seed % 11;
}

/* --- the connections --- */

static guint
storm_count (const SimWorld *world, gboolean of_account, guint32 account)
{
  const SimStorm *storm = world->storm;
  guint n = 0;

  for (guint i = 0; i < SIM_CLIENTS; i++)
    n += world->clients[i].peer != NULL && (!of_account || sim_account_of (&world->clients[i]) == account);
  for (guint i = 0; i < storm->n; i++)
    n += storm->strangers[i].peer != NULL && (!of_account || storm->places[i].account == account);
  return n;
}

static int
storm_compare_places (gconstpointer a, gconstpointer b)
{
  const StormPlace *one = a, *other = b;

  return one->client->number < other->client->number ? -1 : 1;
}

/* The connections that have not sent HELLO, in order of arrival. Of StormPlace. */
static GArray *
storm_places (const SimWorld *world)
{
  GArray *places = g_array_new (FALSE, FALSE, sizeof (StormPlace));

  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      const SimClient *client = &world->clients[i];

      if (client->peer != NULL && !client->is_known)
        g_array_append_vals (places, &(const StormPlace){ client, sim_account_of (client), client->connected_us }, 1);
    }
  for (guint i = 0; i < world->storm->n; i++)
    if (world->storm->strangers[i].peer != NULL)
      g_array_append_val (places, world->storm->places[i]);
  g_array_sort (places, storm_compare_places);
  return places;
}

/* --- the rules --- */

static guint
storm_count_silent (const GArray *places, guint32 account)
{
  guint n = 0;

  for (guint i = 0; i < places->len; i++)
    n += g_array_index (places, StormPlace, i).account == account;
  return n;
}

static gboolean
storm_is_agent (const StormPlace *place)
{
  return place->client->role == SIM_AGENT;
}

static gboolean
storm_may_yield (const SimWorld *world, const StormPlace *place, guint32 account)
{
  return !storm_is_agent (place) && (place->account == account || world->now_us - place->since_us >= GRACE_US);
}

/* TRUE if the connection may be disconnected for a newcomer: it is the oldest one of its account that may be disconnected, and
 * no other account with such a connection has more silent connections. */
static gboolean
storm_is_to_yield (const SimWorld *world, const GArray *places, const SimClient *yielded, guint32 account)
{
  const StormPlace *found = NULL;

  for (guint i = 0; i < places->len && found == NULL; i++)
    if (g_array_index (places, StormPlace, i).client == yielded)
      found = &g_array_index (places, StormPlace, i);
  if (found == NULL || !storm_may_yield (world, found, account))
    return FALSE;
  for (guint i = 0; i < places->len; i++)
    {
      const StormPlace *other = &g_array_index (places, StormPlace, i);

      if (!storm_may_yield (world, other, account))
        continue;
      if (storm_count_silent (places, other->account) > storm_count_silent (places, found->account)
          || (other->account == found->account && other->client->number < found->client->number))
        return FALSE;
    }
  return TRUE;
}

static StormFate
storm_fate (const SimWorld *world, const GArray *places, guint32 account)
{
  const BusLimits *limits = &world->options.limits;

  if (storm_count (world, FALSE, 0) >= limits->max_connections)
    return (StormFate){ "max_connections", FALSE };
  if (storm_count (world, TRUE, account) >= limits->max_connections_per_uid)
    return (StormFate){ "max_connections_per_uid", FALSE };
  if (places->len < limits->max_unauthenticated)
    return (StormFate){ NULL, FALSE };
  for (guint i = 0; i < places->len; i++)
    if (storm_may_yield (world, &g_array_index (places, StormPlace, i), account))
      return (StormFate){ NULL, TRUE };
  return (StormFate){ "max_unauthenticated", FALSE };
}

/* Checks the time for which the broker accepts no connection. */
static void
storm_check_wait (SimWorld *world, const GArray *places)
{
  gint64 wait_us = bus_core_accept_wait_us (world->core, world->now_us);
  gint64 expected_us = 0;

  for (guint i = 0; i < places->len && places->len >= world->options.limits.max_unauthenticated; i++)
    if (!storm_is_agent (&g_array_index (places, StormPlace, i)))
      {
        expected_us = MAX (g_array_index (places, StormPlace, i).since_us + GRACE_US - world->now_us, 0);
        break;
      }
  if (wait_us != expected_us)
    sim_world_fail (world, "R01: the broker accepts no connection for %" G_GINT64_FORMAT " us, not %" G_GINT64_FORMAT,
                    wait_us, expected_us);
  if (expected_us > 0)
    sim_cover (world, SIM_COVER_STORM_WAITS);
}

/* --- one newcomer --- */

static void
storm_check_refusal (SimWorld *world, const StormFate *fate, const BusConnectRefusal *refusal)
{
  gboolean is_pool = strcmp (fate->setting, "max_unauthenticated") == 0;
  guint64 retry_us = is_pool ? RETRY_SOON_US : RETRY_LATER_US;

  if (refusal->status != WIRE_STATUS_LIMIT || g_strcmp0 (refusal->limit, fate->setting) != 0
      || refusal->retry_us != retry_us)
    sim_world_fail (
        world, "R01: a connection was refused for %s, for %" G_GUINT64_FORMAT " us, not %s, for %" G_GUINT64_FORMAT,
        refusal->limit, refusal->retry_us, fate->setting, retry_us);
  sim_cover (world, is_pool                                          ? SIM_COVER_STORM_YOUNG
                    : strcmp (fate->setting, "max_connections") == 0 ? SIM_COVER_STORM_FULL
                                                                     : SIM_COVER_STORM_SHARE);
}

static void
storm_check_place (SimWorld *world, const GArray *places, const StormFate *fate, guint32 account)
{
  const SimStorm *storm = world->storm;

  if (storm->n_yielded != (fate->has_to_yield ? 1 : 0))
    sim_world_fail (world, "F08: %u connections were disconnected for one newcomer", storm->n_yielded);
  else if (fate->has_to_yield && !storm_is_to_yield (world, places, storm->yielded, account))
    sim_world_fail (world, "F08: connection %u was disconnected for a newcomer instead of another one",
                    storm->yielded->number);
  else if (fate->has_to_yield)
    sim_cover (world, SIM_COVER_STORM_YIELDED);
}

/* The connections that the broker wants to disconnect now are those that make room. */
static void
storm_close_peers (SimWorld *world)
{
  SimStorm *storm = world->storm;
  gboolean was_there[SIM_CLIENTS];

  storm->n_yielded = 0;
  for (guint i = 0; i < SIM_CLIENTS; i++)
    was_there[i] = world->clients[i].peer != NULL;
  sim_world_close_peers (world);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (was_there[i] && world->clients[i].peer == NULL)
      {
        storm->n_yielded++;
        storm->yielded = &world->clients[i];
      }
}

static void
storm_connect (SimWorld *world, guint32 account)
{
  g_autoptr (GArray) places = storm_places (world);
  const StormFate fate = storm_fate (world, places, account);
  const BusCredentials who = { .account = account, .pid = 500 };
  SimStorm *storm = world->storm;
  SimClient *stranger = &storm->strangers[storm->n];
  BusConnectRefusal refusal;

  storm_check_wait (world, places);
  sim_client_init (stranger, world, SIM_STRANGER_SLOT);
  sim_client_reset (stranger);
  stranger->role = SIM_COLLECTOR;
  stranger->number = ++world->next_client;
  stranger->peer = bus_core_connect (world->core, &who, stranger, world->now_us, &refusal);
  storm->places[storm->n] = (StormPlace){ stranger, account, world->now_us };
  storm->n++;
  storm_close_peers (world);
  if ((stranger->peer != NULL) != (fate.setting == NULL))
    sim_world_fail (world, "R01: a connection of account %u was %s", account,
                    stranger->peer != NULL ? "accepted" : "refused");
  else if (fate.setting != NULL)
    storm_check_refusal (world, &fate, &refusal);
  storm_check_place (world, places, &fate, account);
}

/* --- the storm --- */

/* Checks the reason in GOODBYE, and the time after which another attempt is useful. */
static void
storm_read_goodbye (SimWorld *world, const guint8 *bytes, gsize len)
{
  WireSpan body = wire_span (bytes + MIN (len, WIRE_FRAME_HEADER_LEN), len - MIN (len, WIRE_FRAME_HEADER_LEN));
  g_autoptr (WireGuard) guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__goodbye__descriptor, body, 0, NULL);
  const Daemoneye__Eventbus__V1__Goodbye *goodbye = guard != NULL ? wire_guard_message (guard) : NULL;

  if (goodbye != NULL && goodbye->status == WIRE_STATUS_HELLO_TIMEOUT)
    return;
  if (goodbye == NULL || goodbye->status != WIRE_STATUS_LIMIT || goodbye->retry_us != RETRY_SOON_US)
    sim_world_fail (world, "F08: GOODBYE to a connection that was disconnected for a newcomer has another reason");
}

void
sim_storm_close (SimWorld *world, SimClient *stranger)
{
  BusPeer *peer = g_steal_pointer (&stranger->peer);
  WireSpan spans[SPANS];
  guint n = bus_core_gather (world->core, peer, spans, SPANS);

  if (n > 0)
    storm_read_goodbye (world, spans[0].data, spans[0].len);
  world->storm->n_yielded++;
  world->storm->yielded = stranger;
  bus_core_disconnected (world->core, peer, WIRE_STATUS_ABSENT, world->now_us);
}

static void
storm_run (SimWorld *world)
{
  static const guint32 accounts[]
      = { SIM_COLLECTOR_ACCOUNT, SIM_COLLECTOR_ACCOUNT + 1, SIM_AGENT_ACCOUNT, 2000, 2000, 2000, 2001, 2002 };
  guint n = 8 + sim_below (&world->random, STRANGERS_MAX - 8);

  for (guint i = 0; i < n && !sim_world_failed (world); i++)
    {
      storm_connect (world, accounts[sim_below (&world->random, G_N_ELEMENTS (accounts))]);
      if (sim_chance (&world->random, 10))
        sim_world_advance (world, 1 + sim_below (&world->random, 80000));
    }
}

static void
storm_end (SimWorld *world)
{
  SimStorm *storm = world->storm;

  for (guint i = 0; i < storm->n; i++)
    {
      BusPeer *peer = g_steal_pointer (&storm->strangers[i].peer);

      if (peer != NULL)
        bus_core_disconnected (world->core, peer, WIRE_STATUS_ABSENT, world->now_us);
      sim_world_close_peers (world);
    }
  for (guint i = 0; i < storm->n; i++)
    sim_client_clear (&storm->strangers[i]);
}

void
sim_storm_run (SimWorld *world, SimClient *client)
{
  g_autofree SimStorm *storm = g_new0 (SimStorm, 1);

  sim_world_close_peers (world);
  world->fail_allocations = SIM_ALLOCATIONS_OK;
  world->storm = storm;
  storm_run (world);
  storm_end (world);
  world->storm = NULL;
}

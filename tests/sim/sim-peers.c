/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-peers.h"

#define SLOTS 16u

struct SimPeers
{
  GArray *happened[SLOTS]; /* of SimPeerEvent, in order */
  guint64 replaced[SLOTS]; /* incarnation of the connection whose id is taken over now; 0: none */
};

SimPeers *
sim_peers_new (void)
{
  SimPeers *peers = g_new0 (SimPeers, 1);

  for (guint i = 0; i < SLOTS; i++)
    peers->happened[i] = g_array_new (FALSE, FALSE, sizeof (SimPeerEvent));
  return peers;
}

void
sim_peers_free (SimPeers *peers)
{
  for (guint i = 0; i < SLOTS; i++)
    g_array_unref (peers->happened[i]);
  g_free (peers);
}

void
sim_peers_connected (SimPeers *peers, guint slot, guint64 incarnation, guint64 seq)
{
  const SimPeerEvent event
      = { .is_here = TRUE, .incarnation = incarnation, .replaced = peers->replaced[slot], .seq = seq };

  g_array_append_val (peers->happened[slot], event);
  peers->replaced[slot] = 0;
}

void
sim_peers_gone (SimPeers *peers, guint slot, guint64 incarnation, gboolean is_taken_over, guint64 seq)
{
  const SimPeerEvent event = { .incarnation = incarnation, .seq = seq };

  if (is_taken_over)
    peers->replaced[slot] = incarnation;
  else
    g_array_append_val (peers->happened[slot], event);
}

const char *
sim_peers_compare (const SimPeers *peers, guint slot, const GArray *received, guint64 since)
{
  const GArray *happened = peers->happened[slot];
  guint n = 0;

  while (n < happened->len && g_array_index (happened, SimPeerEvent, happened->len - 1 - n).seq > since)
    n++;
  if (n != received->len)
    return n < received->len ? "more events than there were changes" : "fewer events than there were changes";
  for (guint i = 0; i < n; i++)
    {
      const SimPeerEvent *event = &g_array_index (received, SimPeerEvent, i);
      const SimPeerEvent *expected = &g_array_index (happened, SimPeerEvent, happened->len - n + i);

      if (event->is_here != expected->is_here)
        return "an event that does not agree with the change";
      if (event->incarnation != expected->incarnation)
        return "an event with another incarnation";
      if (event->replaced != expected->replaced)
        return "an event with another replaced incarnation";
    }
  return NULL;
}

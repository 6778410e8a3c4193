/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-hop-private.h"

/* Stations on the wire: in both lists the first number is a time, and each further number is the time since the station before. */

#define SAME_TURN_US G_TIME_SPAN_SECOND

static gint64
hops_add (gint64 base_us, guint64 distance_us)
{
  return base_us + (gint64) MIN (distance_us, (guint64) (G_MAXINT64 - base_us));
}

/* Reads numbers into consecutive stations, from @station up to, but not including, @end. */
static void
hops_read (DeyeBusHops *hops, WireSpan packed, guint station, guint end)
{
  gint64 at_us = 0;
  guint64 number;

  for (; station < end && wire_envelope_next_u64 (&packed, &number); station++)
    hops->at_us[station] = at_us = hops_add (at_us, number);
}

static guint
hops_count (WireSpan packed)
{
  guint64 number;
  guint n = 0;

  while (wire_envelope_next_u64 (&packed, &number))
    n++;
  return n;
}

/* The broker reads its clock once for all frames that it reads in one turn. So the time of a station may be a little later than
 * that of the next station; then both get the same time. A time that is later by more than SAME_TURN_US comes from another
 * clock, and is dropped. */
static void
hops_drop_other_clocks (DeyeBusHops *hops)
{
  gint64 next_us = hops->at_us[DEYE_BUS_HOP_ACCEPTED];

  for (guint i = DEYE_BUS_HOP_ACCEPTED; i-- > 0;)
    {
      if (hops->at_us[i] > hops_add (next_us, SAME_TURN_US))
        hops->at_us[i] = -1;
      if (hops->at_us[i] >= 0)
        next_us = hops->at_us[i] = MIN (hops->at_us[i], next_us);
    }
}

DeyeBusHops *
deye_bus_hops_new (const WireEnvelope *envelope)
{
  DeyeBusHops *hops;
  guint n;

  if (envelope->hops.len == 0)
    return NULL;
  hops = g_new (DeyeBusHops, 1);
  for (guint i = 0; i < DEYE_BUS_N_HOPS; i++)
    hops->at_us[i] = -1;
  hops_read (hops, envelope->hops, DEYE_BUS_HOP_ACCEPTED, DEYE_BUS_HOP_DELIVERED);
  n = hops_count (envelope->hops_before);
  if (n > 0 && n <= DEYE_BUS_HOPS_BEFORE)
    hops_read (hops, envelope->hops_before, DEYE_BUS_HOP_PUBLISHED + 1 - n, DEYE_BUS_HOP_PUBLISHED + 1);
  hops_drop_other_clocks (hops);
  return hops;
}

void
deye_bus_hops_note_delivered (DeyeBusHops *hops)
{
  gint64 now_us;

  if (hops == NULL || hops->at_us[DEYE_BUS_HOP_DELIVERED] >= 0)
    return;
  now_us = g_get_monotonic_time ();
  if (hops_add (now_us, SAME_TURN_US) >= hops->at_us[DEYE_BUS_HOP_WRITTEN])
    hops->at_us[DEYE_BUS_HOP_DELIVERED] = MAX (now_us, hops->at_us[DEYE_BUS_HOP_WRITTEN]);
}

/* The list on the wire has no place for an unknown time: a station without a time gets that of the station before it, and is
 * left out if there is none. */
gsize
deye_bus_hops_write (const DeyeBusHops *request, guint8 out[DEYE_BUS_HOPS_BEFORE_MAX])
{
  guint64 numbers[DEYE_BUS_HOPS_BEFORE];
  gint64 last_us = 0;
  guint n = 0;

  for (guint i = DEYE_BUS_HOP_PUBLISHED; request != NULL && i <= DEYE_BUS_HOP_DELIVERED; i++)
    {
      gint64 at_us = MAX (request->at_us[i], last_us);

      if (at_us == 0)
        continue;
      numbers[n++] = (guint64) (at_us - last_us);
      last_us = at_us;
    }
  numbers[n++] = (guint64) MAX (g_get_monotonic_time () - last_us, 0);
  return wire_envelope_pack_u64 (numbers, n, out);
}

gint64
deye_bus_hops_since_first (const DeyeBusHops *hops, DeyeBusHop hop)
{
  guint first = 0;

  if (hops == NULL || hops->at_us[hop] < 0)
    return -1;
  while (hops->at_us[first] < 0)
    first++;
  return hops->at_us[hop] - hops->at_us[first];
}

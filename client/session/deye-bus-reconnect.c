/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-reconnect.h"

/* 50 ms, doubled with each failure after the first one. */
static gint64
reconnect_bound_us (guint failures)
{
  gint64 bound_us = DEYE_BUS_RECONNECT_FIRST_US;

  for (guint i = 1; i < failures && bound_us < DEYE_BUS_RECONNECT_MAX_US; i++)
    bound_us *= 2;
  return MIN (bound_us, DEYE_BUS_RECONNECT_MAX_US);
}

void
deye_bus_reconnect_plan (DeyeBusReconnect *reconnect,
                         gint64 now_us,
                         gint64 hint_us,
                         DeyeBusReconnectRandom random,
                         gpointer data)
{
  gint64 asked_us = CLAMP (hint_us, 0, DEYE_BUS_RECONNECT_HINT_US);

  reconnect->hold_us = asked_us > 0 ? now_us + asked_us : 0;
  reconnect->due_us = now_us + asked_us + random (reconnect_bound_us (reconnect->failures), data);
}

gboolean
deye_bus_reconnect_begin (DeyeBusReconnect *reconnect, gint64 now_us)
{
  if (reconnect->due_us == 0 || now_us < reconnect->due_us)
    return FALSE;
  reconnect->due_us = 0;
  reconnect->failures = MIN (reconnect->failures, G_MAXUINT - 1) + 1;
  return TRUE;
}

void
deye_bus_reconnect_wake (DeyeBusReconnect *reconnect, gint64 now_us, DeyeBusReconnectRandom random, gpointer data)
{
  gint64 soon_us = MAX (now_us, reconnect->hold_us) + random (DEYE_BUS_RECONNECT_WAKE_US, data);

  if (reconnect->due_us == 0)
    return;
  reconnect->failures = 0;
  reconnect->due_us = MIN (reconnect->due_us, soon_us);
}

void
deye_bus_reconnect_reset (DeyeBusReconnect *reconnect)
{
  *reconnect = (DeyeBusReconnect){ 0 };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-watch.h"

DeyeBusWatch *
deye_bus_watch_open (const char *address)
{
  return NULL;
}

void
deye_bus_watch_renew (DeyeBusWatch *watch)
{
}

void
deye_bus_watch_close (DeyeBusWatch *watch)
{
}

gint
deye_bus_watch_fd (const DeyeBusWatch *watch)
{
  return -1;
}

gboolean
deye_bus_watch_read (DeyeBusWatch *watch)
{
  return FALSE;
}

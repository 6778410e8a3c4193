/* SPDX-License-Identifier: Apache-2.0 */
/* D-Bus signals through sd-bus: topic a/b is path /a/b, filter a/# is
 * path_namespace='/a'.  Match rules go to the bus only; the client side is one
 * filter, so that 10,000 rules cost the bus and not the library. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include "driver.h"

typedef struct
{
  sd_bus *bus;
  DriverMessage fn;
  void *user;
  int n;
} Dbus;

static int
on_signal (sd_bus_message *m, void *user, sd_bus_error *err)
{
  Dbus *d = user;
  const void *p;
  size_t len;
  if (!sd_bus_message_is_signal (m, "b.E", "e"))
    return 0;
  if (sd_bus_message_read_array (m, 'y', &p, &len) > 0)
    {
      d->n++;
      d->fn (d->user, p, len);
    }
  return 1;
}

static void *
db_open (const char *addr, const DriverSettings *settings, DriverMessage fn, void *user)
{
  Dbus *d = calloc (1, sizeof *d);
  d->fn = fn;
  d->user = user;
  if (sd_bus_new (&d->bus) < 0 || sd_bus_set_address (d->bus, addr) < 0 || sd_bus_set_bus_client (d->bus, 1) < 0
      || sd_bus_start (d->bus) < 0 || sd_bus_add_filter (d->bus, NULL, on_signal, d) < 0)
    return NULL;
  return d;
}

static int
db_subscribe (void *c, const char *filter, const char *group)
{
  Dbus *d = c;
  char r[256];
  size_t n = strlen (filter);
  int wild = filter[n - 1] == '#';
  if (group || strchr (filter, '+'))
    return -1;
  snprintf (r, sizeof r, "type='signal',interface='b.E',%s='/%.*s'", wild ? "path_namespace" : "path",
            (int) (wild ? n - 2 : n), filter);
  return sd_bus_call_method (d->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                             "AddMatch", NULL, NULL, "s", r);
}

static int
db_sync (void *c) /* AddMatch was answered already */
{
  return 0;
}

static int
db_publish (void *c, const char *topic, const void *data, size_t len)
{
  Dbus *d = c;
  sd_bus_message *m = NULL;
  char path[128];
  int r;
  snprintf (path, sizeof path, "/%s", topic);
  if (sd_bus_message_new_signal (d->bus, &m, path, "b.E", "e") < 0
      || sd_bus_message_append_array (m, 'y', data, len) < 0)
    return -1;
  r = sd_bus_send (d->bus, m, NULL);
  sd_bus_message_unref (m);
  return r < 0 || sd_bus_flush (d->bus) < 0 ? -1 : 0;
}

static int
db_flush (void *c)
{
  return sd_bus_flush (((Dbus *) c)->bus);
}

static int
db_poll (void *c, int wait)
{
  Dbus *d = c;
  int r;
  d->n = 0;
  while ((r = sd_bus_process (d->bus, NULL)) > 0 && d->n < 100)
    ;
  if (r == 0 && wait && !d->n)
    {
      if (sd_bus_wait (d->bus, 100000) < 0)
        return -1;
      r = sd_bus_process (d->bus, NULL);
    }
  if (r >= 0)
    return d->n;
  fprintf (stderr, "dbus: %s\n", strerror (-r));
  return -1;
}

static void
db_close (void *c)
{
  Dbus *d = c;
  sd_bus_flush_close_unref (d->bus);
  free (d);
}

const Driver driver = { db_open, db_subscribe, db_sync, db_publish, db_flush, db_poll, db_close };

/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

/*
 * D-Bus signals, with sd-bus. The topic a/b is the path /a/b, and the filter a/# is the path namespace /a. Only the bus has match
 * rules; this process has one filter for all messages, so that many rules are a cost of the bus and not of the library.
 */

#define INTERFACE    "bench.Event"
#define MEMBER       "Published"
#define WAIT_US      100000
#define MOST_AT_ONCE 100

typedef struct
{
  sd_bus *bus;
  DriverMessage fn;
  void *user;
  int delivered;
} Dbus;

static int
on_signal (sd_bus_message *message, void *data, sd_bus_error *error)
{
  Dbus *dbus = data;
  const void *payload;
  size_t len;

  if (!sd_bus_message_is_signal (message, INTERFACE, MEMBER))
    return 0;
  if (sd_bus_message_read_array (message, 'y', &payload, &len) > 0)
    {
      dbus->delivered++;
      dbus->fn (dbus->user, payload, len);
    }
  return 1;
}

static void *
dbus_open (const char *address, const DriverSettings *settings, DriverMessage fn, void *user)
{
  Dbus *dbus = calloc (1, sizeof *dbus);

  dbus->fn = fn;
  dbus->user = user;
  if (sd_bus_new (&dbus->bus) < 0 || sd_bus_set_address (dbus->bus, address) < 0
      || sd_bus_set_bus_client (dbus->bus, 1) < 0 || sd_bus_start (dbus->bus) < 0
      || sd_bus_add_filter (dbus->bus, NULL, on_signal, dbus) < 0)
    return NULL;
  return dbus;
}

static int
dbus_subscribe (void *client, const char *filter, const char *group)
{
  Dbus *dbus = client;
  const size_t len = strlen (filter);
  const int is_wild = filter[len - 1] == '#';
  char rule[256];

  if (group != NULL)
    return -1;
  snprintf (rule, sizeof rule, "type='signal',interface='" INTERFACE "',%s='/%.*s'",
            is_wild ? "path_namespace" : "path", (int) (is_wild ? len - 2 : len), filter);
  return sd_bus_call_method (dbus->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                             "AddMatch", NULL, NULL, "s", rule);
}

/* Waits until each AddMatch was answered. */
static int
dbus_sync (void *client)
{
  return 0;
}

static int
dbus_publish (void *client, const char *topic, const void *data, size_t len)
{
  Dbus *dbus = client;
  sd_bus_message *message = NULL;
  char path[128];
  int result;

  snprintf (path, sizeof path, "/%s", topic);
  if (sd_bus_message_new_signal (dbus->bus, &message, path, INTERFACE, MEMBER) < 0
      || sd_bus_message_append_array (message, 'y', data, len) < 0)
    return -1;
  result = sd_bus_send (dbus->bus, message, NULL);
  sd_bus_message_unref (message);
  return result < 0 || sd_bus_flush (dbus->bus) < 0 ? -1 : 0;
}

static int
dbus_flush (void *client)
{
  return sd_bus_flush (((Dbus *) client)->bus);
}

static int
dbus_poll (void *client, int wait)
{
  Dbus *dbus = client;
  int result;

  dbus->delivered = 0;
  do
    result = sd_bus_process (dbus->bus, NULL);
  while (result > 0 && dbus->delivered < MOST_AT_ONCE);
  if (result == 0 && wait && dbus->delivered == 0)
    {
      if (sd_bus_wait (dbus->bus, WAIT_US) < 0)
        return -1;
      result = sd_bus_process (dbus->bus, NULL);
    }
  if (result >= 0)
    return dbus->delivered;
  fprintf (stderr, "dbus: %s\n", strerror (-result));
  return -1;
}

static void
dbus_close (void *client)
{
  Dbus *dbus = client;

  sd_bus_flush_close_unref (dbus->bus);
  free (dbus);
}

const Driver driver = { dbus_open, dbus_subscribe, dbus_sync, dbus_publish, dbus_flush, dbus_poll, dbus_close };

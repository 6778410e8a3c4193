/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * A driver lets the roles of the harness (role.h) use one message broker. It is one file that defines `driver`; the program
 * bench-NAME has the roles and that driver.
 *
 * Topics are those of MQTT ("a/b/c"; a filter may end in "/#"); the driver maps them to the topics of its broker. The payload of
 * every delivery is passed to the function given to open(), which may publish and flush itself. A driver loses no message: if the
 * broker is too slow, publish() blocks.
 *
 * Functions that return int return 0 or a count, and -1 when the connection has failed.
 */

typedef void (*DriverMessage) (void *user, const void *data, size_t len);

typedef struct
{
  int flush_each;   /* each publish is followed by a flush; otherwise the driver may collect messages */
  int listens_only; /* the client never publishes */
  long window;      /* messages in flight to a subscription; 0: the default */
  const char *mode; /* of our own driver: how a program publishes many messages */
} DriverSettings;

typedef struct
{
  void *(*open) (const char *address, const DriverSettings *settings, DriverMessage fn, void *user);
  int (*subscribe) (void *client, const char *filter, const char *group); /* group: a queue group, or NULL */
  int (*sync) (void *client); /* returns when the broker has all subscriptions made so far */
  int (*publish) (void *client, const char *topic, const void *data, size_t len);
  int (*flush) (void *client);
  int (*poll) (void *client, int wait); /* delivers received messages; wait: waits about 100 ms for one, at most */
  void (*close) (void *client);
} Driver;

extern const Driver driver;

/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"
#include "nats-subject.h"

#include <nats/nats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* NATS with its C library, whose own threads read and deliver. */

#define WAIT_NS      100000000
#define NS_PER_S     1000000000
#define MOST_PENDING 2000000

typedef struct
{
  natsConnection *connection;
  DriverMessage fn;
  void *user;
  int flush_each;
  pthread_mutex_t mutex; /* of the rest */
  pthread_cond_t condition;
  long delivered, polled; /* messages so far; those that poll() has returned */
} Libnats;

static void
on_message (natsConnection *connection, natsSubscription *subscription, natsMsg *message, void *data)
{
  Libnats *nats = data;

  nats->fn (nats->user, natsMsg_GetData (message), (size_t) natsMsg_GetDataLength (message));
  natsMsg_Destroy (message);
  pthread_mutex_lock (&nats->mutex);
  nats->delivered++;
  pthread_cond_signal (&nats->condition);
  pthread_mutex_unlock (&nats->mutex);
}

static void *
libnats_open (const char *address, const DriverSettings *settings, DriverMessage fn, void *user)
{
  Libnats *nats = calloc (1, sizeof *nats);
  natsOptions *options = NULL;
  char url[64];

  nats->fn = fn;
  nats->user = user;
  nats->flush_each = settings->flush_each;
  pthread_mutex_init (&nats->mutex, NULL);
  pthread_cond_init (&nats->condition, NULL);
  snprintf (url, sizeof url, "nats://127.0.0.1:%s", address + strlen ("tcp:"));
  nats_SetMessageDeliveryPoolSize (1);
  if (natsOptions_Create (&options) != NATS_OK || natsOptions_SetURL (options, url) != NATS_OK
      || natsOptions_SetSendAsap (options, settings->flush_each) != NATS_OK
      || natsOptions_UseGlobalMessageDelivery (options, true) != NATS_OK
      || natsOptions_SetMaxPendingMsgs (options, MOST_PENDING) != NATS_OK
      || natsConnection_Connect (&nats->connection, options) != NATS_OK)
    return NULL;
  return nats;
}

static int
libnats_subscribe (void *client, const char *filter, const char *group)
{
  Libnats *nats = client;
  natsSubscription *subscription;
  char subject[128];
  natsStatus status;

  nats_subject_map (subject, sizeof subject, filter);
  status = group != NULL
               ? natsConnection_QueueSubscribe (&subscription, nats->connection, subject, group, on_message, nats)
               : natsConnection_Subscribe (&subscription, nats->connection, subject, on_message, nats);
  return status != NATS_OK || natsSubscription_SetPendingLimits (subscription, -1, -1) != NATS_OK ? -1 : 0;
}

static int
libnats_sync (void *client)
{
  return natsConnection_Flush (((Libnats *) client)->connection) == NATS_OK ? 0 : -1;
}

static int
libnats_publish (void *client, const char *topic, const void *data, size_t len)
{
  Libnats *nats = client;
  char subject[128];

  nats_subject_map (subject, sizeof subject, topic);
  return natsConnection_Publish (nats->connection, subject, data, (int) len) == NATS_OK ? 0 : -1;
}

static int
libnats_flush (void *client)
{
  Libnats *nats = client;

  return nats->flush_each || natsConnection_Flush (nats->connection) == NATS_OK ? 0 : -1;
}

static int
libnats_poll (void *client, int wait)
{
  Libnats *nats = client;
  struct timespec until;
  int n, waited = 0;

  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_nsec += WAIT_NS;
  until.tv_sec += until.tv_nsec / NS_PER_S;
  until.tv_nsec %= NS_PER_S;
  pthread_mutex_lock (&nats->mutex);
  while (wait && waited == 0 && nats->delivered == nats->polled)
    waited = pthread_cond_timedwait (&nats->condition, &nats->mutex, &until);
  n = (int) (nats->delivered - nats->polled);
  nats->polled = nats->delivered;
  pthread_mutex_unlock (&nats->mutex);
  return n;
}

static void
libnats_close (void *client)
{
  natsConnection_Destroy (((Libnats *) client)->connection);
}

const Driver driver
    = { libnats_open, libnats_subscribe, libnats_sync, libnats_publish, libnats_flush, libnats_poll, libnats_close };

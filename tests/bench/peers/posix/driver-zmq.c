/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/*
 * ZeroMQ through an XSUB/XPUB proxy (broker-zmq): PUB and SUB sockets, whose own threads write and read. The address consists
 * of the one for publishers and the one for subscribers. A message is one frame: topic, NUL, payload. Queues have no limit.
 */

#define MOST_SOCKETS 2000
#define WAIT_MS      100
#define LINGER_MS    10000
#define MOST_AT_ONCE 1000

typedef struct
{
  void *publisher, *subscriber; /* sockets, made when they are needed */
  char front[256], back[256];
  DriverMessage fn;
  void *user;
} Zmq;

static void *context;

static void *
zmq_driver_open (const char *address, const DriverSettings *settings, DriverMessage fn, void *user)
{
  Zmq *zmq = calloc (1, sizeof *zmq);

  if (context == NULL)
    {
      context = zmq_ctx_new ();
      zmq_ctx_set (context, ZMQ_MAX_SOCKETS, MOST_SOCKETS);
    }
  zmq->fn = fn;
  zmq->user = user;
  return sscanf (address, "%255s %255s", zmq->front, zmq->back) == 2 ? zmq : NULL;
}

static void *
connect_socket (int type, const char *endpoint)
{
  void *connected = zmq_socket (context, type);
  const int no_limit = 0, wait_ms = WAIT_MS, linger_ms = LINGER_MS;

  zmq_setsockopt (connected, ZMQ_SNDHWM, &no_limit, sizeof no_limit);
  zmq_setsockopt (connected, ZMQ_RCVHWM, &no_limit, sizeof no_limit);
  zmq_setsockopt (connected, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
  zmq_setsockopt (connected, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
  return zmq_connect (connected, endpoint) < 0 ? NULL : connected;
}

/* "a/#" is the prefix "a/"; an exact topic is a prefix that ends with its NUL. */
static int
zmq_driver_subscribe (void *client, const char *filter, const char *group)
{
  Zmq *zmq = client;
  const size_t len = strlen (filter);

  if (zmq->subscriber == NULL)
    zmq->subscriber = connect_socket (ZMQ_SUB, zmq->back);
  if (group != NULL || zmq->subscriber == NULL)
    return -1;
  return zmq_setsockopt (zmq->subscriber, ZMQ_SUBSCRIBE, filter, filter[len - 1] == '#' ? len - 1 : len + 1);
}

/* Subscriptions are not acknowledged: the probes of the publishers show when they are in effect. */
static int
zmq_driver_sync (void *client)
{
  return 0;
}

static int
zmq_driver_publish (void *client, const char *topic, const void *data, size_t len)
{
  Zmq *zmq = client;
  const size_t topic_len = strlen (topic) + 1;
  zmq_msg_t message;

  if (zmq->publisher == NULL)
    zmq->publisher = connect_socket (ZMQ_PUB, zmq->front);
  if (zmq->publisher == NULL || zmq_msg_init_size (&message, topic_len + len) < 0)
    return -1;
  memcpy (zmq_msg_data (&message), topic, topic_len);
  memcpy ((char *) zmq_msg_data (&message) + topic_len, data, len);
  return zmq_msg_send (&message, zmq->publisher, 0) < 0 ? -1 : 0;
}

/* The thread of the library writes messages by itself, so there is nothing to flush. */
static int
zmq_driver_flush (void *client)
{
  return 0;
}

static int
zmq_driver_poll (void *client, int wait)
{
  Zmq *zmq = client;
  zmq_msg_t message;
  int n;

  zmq_msg_init (&message);
  for (n = 0; n < MOST_AT_ONCE; n++)
    {
      const int len = zmq_msg_recv (&message, zmq->subscriber, wait && n == 0 ? 0 : ZMQ_DONTWAIT);
      const char *topic, *end;

      if (len < 0)
        break;
      topic = zmq_msg_data (&message);
      end = memchr (topic, '\0', (size_t) len);
      if (end != NULL)
        zmq->fn (zmq->user, end + 1, (size_t) len - (size_t) (end + 1 - topic));
    }
  zmq_msg_close (&message);
  return n;
}

static void
zmq_driver_close (void *client)
{
  Zmq *zmq = client;

  if (zmq->publisher != NULL)
    zmq_close (zmq->publisher);
  if (zmq->subscriber != NULL)
    zmq_close (zmq->subscriber);
  free (zmq);
}

const Driver driver = { zmq_driver_open,  zmq_driver_subscribe, zmq_driver_sync, zmq_driver_publish,
                        zmq_driver_flush, zmq_driver_poll,      zmq_driver_close };

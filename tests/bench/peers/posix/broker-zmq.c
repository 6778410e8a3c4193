/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <zmq.h>

/* `broker-zmq FRONT BACK`: publishers connect to FRONT, subscribers to BACK. Queues have no limit. */

#define MOST_SOCKETS 2000

static void *
bind_socket (void *context, int type, const char *endpoint)
{
  void *bound = zmq_socket (context, type);
  const int no_limit = 0;

  zmq_setsockopt (bound, ZMQ_SNDHWM, &no_limit, sizeof no_limit);
  zmq_setsockopt (bound, ZMQ_RCVHWM, &no_limit, sizeof no_limit);
  if (zmq_bind (bound, endpoint) == 0)
    return bound;
  perror (endpoint);
  return NULL;
}

int
main (int argc, char **argv)
{
  void *context = zmq_ctx_new (), *front, *back;

  if (argc < 3)
    return 2;
  zmq_ctx_set (context, ZMQ_MAX_SOCKETS, MOST_SOCKETS);
  front = bind_socket (context, ZMQ_XSUB, argv[1]);
  back = bind_socket (context, ZMQ_XPUB, argv[2]);
  if (front == NULL || back == NULL)
    return 1;
  return zmq_proxy (front, back, NULL) < 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* ZeroMQ PUB/SUB through an XSUB/XPUB proxy; addr is "FRONT BACK" endpoints.
 * One frame per message: topic, NUL, payload. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>
#include "driver.h"

typedef struct
{
  void *ctx, *pub, *sub;
  char front[256], back[256];
  DriverMessage fn;
  void *user;
} Z;

static void *ctx;

static void *
z_open (const char *addr, const DriverSettings *settings, DriverMessage fn, void *user)
{
  Z *z = calloc (1, sizeof *z);
  if (!ctx)
    {
      ctx = zmq_ctx_new ();
      zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 2000);
    }
  z->ctx = ctx;
  z->fn = fn;
  z->user = user;
  return sscanf (addr, "%255s %255s", z->front, z->back) == 2 ? z : NULL;
}

static void *
z_socket (Z *z, int type, const char *end)
{
  void *s = zmq_socket (z->ctx, type);
  int hwm = 0, ms = 100, linger = 10000;
  zmq_setsockopt (s, ZMQ_SNDHWM, &hwm, sizeof hwm);
  zmq_setsockopt (s, ZMQ_RCVHWM, &hwm, sizeof hwm);
  zmq_setsockopt (s, ZMQ_RCVTIMEO, &ms, sizeof ms);
  zmq_setsockopt (s, ZMQ_LINGER, &linger, sizeof linger);
  return zmq_connect (s, end) < 0 ? NULL : s;
}

static int
z_subscribe (void *c, const char *filter, const char *group)
{
  Z *z = c;
  size_t n = strlen (filter);
  if (group || strchr (filter, '+') || (!z->sub && !(z->sub = z_socket (z, ZMQ_SUB, z->back))))
    return -1;
  /* "a/#" is the prefix "a/"; an exact topic is a prefix ending in NUL */
  return zmq_setsockopt (z->sub, ZMQ_SUBSCRIBE, filter, filter[n - 1] == '#' ? n - 1 : n + 1);
}

static int
z_sync (void *c) /* no acks in zmq: the harness's probes tell */
{
  return 0;
}

static int
z_publish (void *c, const char *topic, const void *data, size_t len)
{
  Z *z = c;
  size_t tl = strlen (topic) + 1;
  zmq_msg_t m;
  if (!z->pub && !(z->pub = z_socket (z, ZMQ_PUB, z->front)))
    return -1;
  zmq_msg_init_size (&m, tl + len);
  memcpy (zmq_msg_data (&m), topic, tl);
  memcpy ((char *) zmq_msg_data (&m) + tl, data, len);
  return zmq_msg_send (&m, z->pub, 0) < 0 ? -1 : 0;
}

static int
z_flush (void *c) /* its I/O thread flushes on its own */
{
  return 0;
}

static int
z_poll (void *c, int wait)
{
  Z *z = c;
  int n = 0;
  zmq_msg_t m;
  zmq_msg_init (&m);
  for (; n < 1000; n++)
    {
      int r = zmq_msg_recv (&m, z->sub, wait && !n ? 0 : ZMQ_DONTWAIT);
      if (r < 0)
        break;
      const char *p = zmq_msg_data (&m), *e = memchr (p, 0, r);
      if (e)
        z->fn (z->user, e + 1, r - (e + 1 - p));
    }
  zmq_msg_close (&m);
  return n;
}

static void
z_close (void *c)
{
  Z *z = c;
  if (z->pub)
    zmq_close (z->pub);
  if (z->sub)
    zmq_close (z->sub);
  free (z);
}

const Driver driver = { z_open, z_subscribe, z_sync, z_publish, z_flush, z_poll, z_close };

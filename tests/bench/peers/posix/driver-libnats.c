/* SPDX-License-Identifier: Apache-2.0 */
/* NATS through libnats: its own threads read and deliver. */
#include <nats/nats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "driver.h"

typedef struct
{
  natsConnection *nc;
  DriverMessage fn;
  void *user;
  int flush_each;
  long n, seen; /* delivered; told to poll() */
  pthread_mutex_t mu;
  pthread_cond_t cv;
} Nats;

static const char *
subject (char *b, size_t n, const char *t)
{
  size_t i;
  for (i = 0; t[i] && i < n - 1; i++)
    b[i] = t[i] == '/' ? '.' : t[i] == '+' ? '*' : t[i] == '#' ? '>' : t[i];
  b[i] = 0;
  return b;
}

static void
on_nats (natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *user)
{
  Nats *m = user;
  m->fn (m->user, natsMsg_GetData (msg), natsMsg_GetDataLength (msg));
  natsMsg_Destroy (msg);
  pthread_mutex_lock (&m->mu);
  m->n++;
  pthread_cond_signal (&m->cv);
  pthread_mutex_unlock (&m->mu);
}

static void *
na_open (const char *addr, const DriverSettings *settings, DriverMessage fn, void *user)
{
  Nats *m = calloc (1, sizeof *m);
  natsOptions *o = NULL;
  char url[64];
  m->fn = fn;
  m->user = user;
  m->flush_each = settings->flush_each;
  pthread_mutex_init (&m->mu, NULL);
  pthread_cond_init (&m->cv, NULL);
  snprintf (url, sizeof url, "nats://127.0.0.1:%s", addr + 4);
  nats_SetMessageDeliveryPoolSize (1);
  if (natsOptions_Create (&o) || natsOptions_SetURL (o, url) || natsOptions_SetSendAsap (o, settings->flush_each)
      || natsOptions_UseGlobalMessageDelivery (o, true) || natsOptions_SetMaxPendingMsgs (o, 2000000)
      || natsConnection_Connect (&m->nc, o))
    return NULL;
  return m;
}

static int
na_subscribe (void *c, const char *filter, const char *group)
{
  Nats *m = c;
  natsSubscription *s;
  char f[128];
  subject (f, sizeof f, filter);
  if (group ? natsConnection_QueueSubscribe (&s, m->nc, f, group, on_nats, m)
            : natsConnection_Subscribe (&s, m->nc, f, on_nats, m))
    return -1;
  return natsSubscription_SetPendingLimits (s, -1, -1) ? -1 : 0;
}

static int
na_sync (void *c)
{
  return natsConnection_Flush (((Nats *) c)->nc) ? -1 : 0;
}

static int
na_publish (void *c, const char *topic, const void *data, size_t len)
{
  char b[128];
  return natsConnection_Publish (((Nats *) c)->nc, subject (b, sizeof b, topic), data, (int) len) ? -1 : 0;
}

static int
na_flush (void *c)
{
  Nats *m = c;
  return m->flush_each || !natsConnection_Flush (m->nc) ? 0 : -1;
}

static int
na_poll (void *c, int wait)
{
  Nats *m = c;
  struct timespec t;
  long n;
  clock_gettime (CLOCK_REALTIME, &t);
  t.tv_nsec += 100000000;
  t.tv_sec += t.tv_nsec / 1000000000;
  t.tv_nsec %= 1000000000;
  pthread_mutex_lock (&m->mu);
  while (wait && m->n == m->seen && !pthread_cond_timedwait (&m->cv, &m->mu, &t))
    ;
  n = m->n - m->seen;
  m->seen = m->n;
  pthread_mutex_unlock (&m->mu);
  return (int) n;
}

static void
na_close (void *c)
{
  natsConnection_Destroy (((Nats *) c)->nc);
}

const Driver driver = { na_open, na_subscribe, na_sync, na_publish, na_flush, na_poll, na_close };

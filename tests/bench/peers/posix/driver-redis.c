/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"
#include "stream.h"

/* Redis pub/sub in RESP2, implemented here. A connection that has subscribed must not publish, so there are two; the publishing
 * one has switched replies off. */

#define REPLY_OFF "*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$3\r\nOFF\r\n"

typedef struct
{
  Stream *subscribed, *publishing;
  const char *address;
  DriverMessage fn;
  void *user;
  long acknowledged, subscriptions;
} Redis;

static void *
redis_open (const char *address, const DriverSettings *settings, DriverMessage fn, void *user)
{
  Redis *redis = calloc (1, sizeof *redis);

  *redis = (Redis){ .address = address, .fn = fn, .user = user };
  return redis;
}

static int
redis_subscribe (void *client, const char *filter, const char *group)
{
  Redis *redis = client;
  const size_t len = strlen (filter);
  const int is_wild = filter[len - 1] == '#';
  char command[300], pattern[128];
  int n;

  if (redis->subscribed == NULL)
    redis->subscribed = stream_open (redis->address);
  if (group != NULL || redis->subscribed == NULL)
    return -1;
  snprintf (pattern, sizeof pattern, "%s", filter);
  if (is_wild)
    pattern[len - 1] = '*';
  n = snprintf (command, sizeof command, "*2\r\n$%d\r\n%sSUBSCRIBE\r\n$%zu\r\n%s\r\n", is_wild ? 10 : 9,
                is_wild ? "P" : "", len, pattern);
  redis->subscriptions++;
  return stream_send (redis->subscribed, command, (size_t) n, "", 0, "", 0);
}

/* Reads "$N\r\n", "*N\r\n" or ":N\r\n" at *at, and moves *at past it. Returns 0 if it is not complete. */
static int
read_number (const char **at, const char *end, long *number)
{
  const char *newline = memchr (*at, '\n', (size_t) (end - *at));

  if (newline == NULL)
    return 0;
  *number = 0;
  for (const char *digit = *at + 1; digit < newline - 1; digit++)
    *number = *number * 10 + (*digit - '0');
  *at = newline + 1;
  return 1;
}

typedef struct
{
  const char *kind, *last; /* the first string and the last one */
  long last_length;
} Reply;

/* Returns the end of a whole array, or NULL. */
static const char *
read_reply (const char *at, const char *end, Reply *reply)
{
  long items, len = 0;

  *reply = (Reply){ NULL, NULL, 0 };
  if (at == end || !read_number (&at, end, &items))
    return NULL;
  for (long i = 0; i < items; i++)
    {
      const int is_string = at < end && *at == '$';

      if (at >= end || !read_number (&at, end, &len) || (is_string && end - at < len + 2))
        return NULL;
      if (!is_string)
        continue;
      reply->last = at;
      reply->last_length = len;
      reply->kind = i == 0 ? at : reply->kind;
      at += len + 2;
    }
  return at;
}

static int
redis_poll (void *client, int wait)
{
  Redis *redis = client;
  Stream *stream = redis->subscribed;
  const int filled = stream_fill (stream, wait);
  int n = 0;

  if (filled <= 0)
    return filled;
  for (;;)
    {
      const char *begin = (const char *) stream_data (stream);
      Reply reply;
      const char *end = read_reply (begin, begin + stream_length (stream), &reply);

      if (end == NULL)
        return n;
      stream->begin += (size_t) (end - begin);
      /* message or pmessage; not subscribe or psubscribe */
      if (reply.kind != NULL && (*reply.kind == 'm' || *reply.kind == 'p') && reply.kind[1] != 's')
        {
          redis->fn (redis->user, reply.last, (size_t) reply.last_length);
          n++;
        }
      else
        redis->acknowledged++;
    }
}

static int
redis_sync (void *client)
{
  Redis *redis = client;

  if (stream_flush (redis->subscribed) < 0)
    return -1;
  while (redis->acknowledged < redis->subscriptions)
    if (redis_poll (client, 1) < 0)
      return -1;
  return 0;
}

static int
open_publishing (Redis *redis)
{
  redis->publishing = stream_open (redis->address);
  return redis->publishing == NULL ? -1 : stream_send (redis->publishing, REPLY_OFF, strlen (REPLY_OFF), "", 0, "", 0);
}

static int
redis_publish (void *client, const char *topic, const void *data, size_t len)
{
  Redis *redis = client;
  char command[200];
  int n;

  if (redis->publishing == NULL && open_publishing (redis) < 0)
    return -1;
  n = snprintf (command, sizeof command, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen (topic), topic, len);
  return stream_send (redis->publishing, command, (size_t) n, data, len, "\r\n", 2);
}

static int
redis_flush (void *client)
{
  return stream_flush (((Redis *) client)->publishing);
}

static void
redis_close (void *client)
{
  Redis *redis = client;

  if (redis->subscribed != NULL)
    stream_close (redis->subscribed);
  if (redis->publishing != NULL)
    stream_close (redis->publishing);
  free (redis);
}

const Driver driver = { redis_open, redis_subscribe, redis_sync, redis_publish, redis_flush, redis_poll, redis_close };

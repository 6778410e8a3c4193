/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"
#include "stream.h"

/*
 * The baseline: frames that begin with their length, through broker-raw. There are no topics: every subscriber gets every frame of
 * other connections. Frames are collected until the flush.
 */

typedef struct
{
  Stream *stream;
  DriverMessage fn;
  void *user;
  int is_synced;
} Raw;

static void *
raw_open (const char *address, const DriverSettings *settings, DriverMessage fn, void *user)
{
  Stream *stream = stream_open (address);
  Raw *raw;

  if (stream == NULL)
    return NULL;
  raw = calloc (1, sizeof *raw);
  *raw = (Raw){ .stream = stream, .fn = fn, .user = user };
  return raw;
}

static int
raw_subscribe (void *client, const char *filter, const char *group)
{
  return group != NULL ? -1 : 0;
}

static int
raw_flush (void *client)
{
  return stream_flush (((Raw *) client)->stream);
}

static int
raw_publish (void *client, const char *topic, const void *data, size_t len)
{
  Raw *raw = client;
  const uint32_t frame = (uint32_t) len;

  return stream_send (raw->stream, &frame, sizeof frame, data, len, "", 0);
}

static int
raw_poll (void *client, int wait)
{
  Raw *raw = client;
  Stream *stream = raw->stream;
  const int filled = stream_fill (stream, wait);
  uint32_t len = 0;
  int n = 0;

  if (filled <= 0)
    return filled;
  while (stream_length (stream) >= sizeof len)
    {
      const uint8_t *frame = stream_data (stream);

      memcpy (&len, frame, sizeof len);
      if (stream_length (stream) - sizeof len < len)
        break;
      stream->begin += sizeof len + len;
      if (len > 0)
        {
          raw->fn (raw->user, frame + sizeof len, len);
          n++;
        }
      else
        raw->is_synced = 1;
    }
  return n;
}

/* An empty frame subscribes; the relay returns it. */
static int
raw_sync (void *client)
{
  Raw *raw = client;

  if (stream_send (raw->stream, "\0\0\0\0", 4, "", 0, "", 0) < 0 || stream_flush (raw->stream) < 0)
    return -1;
  while (!raw->is_synced)
    if (raw_poll (client, 1) < 0)
      return -1;
  return 0;
}

static void
raw_close (void *client)
{
  stream_close (((Raw *) client)->stream);
  free (client);
}

const Driver driver = { raw_open, raw_subscribe, raw_sync, raw_publish, raw_flush, raw_poll, raw_close };

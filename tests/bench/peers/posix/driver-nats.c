/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"
#include "nats-subject.h"
#include "stream.h"

/* The core protocol of NATS, implemented here: the cost of a minimal client. driver-libnats.c uses the library of NATS. */

#define HELLO "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":true}\r\n"

typedef struct
{
  Stream *stream;
  DriverMessage fn;
  void *user;
  int pongs;
  int last_id; /* of a subscription */
} Nats;

/* The last number of a line: MSG subject sid [reply] #bytes\r\n */
static size_t
payload_length (const char *end_of_line)
{
  size_t len = 0, factor = 1;

  for (const char *digit = end_of_line - 2; *digit != ' '; digit--, factor *= 10)
    len += (size_t) (*digit - '0') * factor;
  return len;
}

static int
handle_line (Nats *nats, const char *line, const char *end)
{
  if (strncmp (line, "-ERR", 4) == 0)
    {
      fprintf (stderr, "%.*s\n", (int) (end - line), line);
      return -1;
    }
  if (strncmp (line, "PONG", 4) == 0)
    nats->pongs++;
  if (strncmp (line, "PING", 4) == 0)
    return stream_send (nats->stream, "PONG\r\n", 6, "", 0, "", 0) < 0 ? -1 : stream_flush (nats->stream);
  return 0;
}

static int
nats_poll (void *client, int wait)
{
  Nats *nats = client;
  Stream *stream = nats->stream;
  const int filled = stream_fill (stream, wait);
  int n = 0;

  if (filled <= 0)
    return filled;
  for (;;)
    {
      const char *line = (const char *) stream_data (stream), *end = memchr (line, '\n', stream_length (stream));
      size_t used, len;

      if (end == NULL)
        return n;
      used = (size_t) (end + 1 - line);
      if (*line == 'M')
        {
          len = payload_length (end);
          if (stream_length (stream) < used + len + 2)
            return n;
          stream->begin += used + len + 2;
          nats->fn (nats->user, end + 1, len);
          n++;
          continue;
        }
      if (handle_line (nats, line, end) < 0)
        return -1;
      stream->begin += used;
    }
}

static int
nats_sync (void *client)
{
  Nats *nats = client;
  const int wanted = nats->pongs + 1;

  if (stream_send (nats->stream, "PING\r\n", 6, "", 0, "", 0) < 0 || stream_flush (nats->stream) < 0)
    return -1;
  while (nats->pongs < wanted)
    if (nats_poll (nats, 1) < 0)
      return -1;
  return 0;
}

static void *
nats_open (const char *address, const DriverSettings *settings, DriverMessage fn, void *user)
{
  Stream *stream = stream_open (address);
  Nats *nats;

  if (stream == NULL)
    return NULL;
  nats = calloc (1, sizeof *nats);
  *nats = (Nats){ .stream = stream, .fn = fn, .user = user };
  return stream_send (stream, HELLO, strlen (HELLO), "", 0, "", 0) < 0 || nats_sync (nats) < 0 ? NULL : nats;
}

static int
nats_subscribe (void *client, const char *filter, const char *group)
{
  Nats *nats = client;
  char subject[128], line[256];
  const int len = snprintf (line, sizeof line, "SUB %s %s%s%d\r\n", nats_subject_map (subject, sizeof subject, filter),
                            group != NULL ? group : "", group != NULL ? " " : "", ++nats->last_id);

  return stream_send (nats->stream, line, (size_t) len, "", 0, "", 0);
}

/* Without printf, which would cost more than everything else. */
static int
nats_publish (void *client, const char *topic, const void *data, size_t len)
{
  Nats *nats = client;
  char line[160] = "PUB ", digits[24], *at = line + 4;
  size_t first = sizeof digits, left = len;

  nats_subject_map (at, 120, topic);
  at += strlen (at);
  *at++ = ' ';
  do
    digits[--first] = (char) ('0' + left % 10);
  while (left /= 10);
  memcpy (at, digits + first, sizeof digits - first);
  at += sizeof digits - first;
  *at++ = '\r';
  *at++ = '\n';
  return stream_send (nats->stream, line, (size_t) (at - line), data, len, "\r\n", 2);
}

static int
nats_flush (void *client)
{
  return stream_flush (((Nats *) client)->stream);
}

static void
nats_close (void *client)
{
  stream_close (((Nats *) client)->stream);
  free (client);
}

const Driver driver = { nats_open, nats_subscribe, nats_sync, nats_publish, nats_flush, nats_poll, nats_close };

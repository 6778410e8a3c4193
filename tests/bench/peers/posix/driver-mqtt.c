/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"
#include "stream.h"

/* MQTT 3.1.1 with QoS 0, implemented here. */

#define CONNECT         0x10
#define PUBLISH         0x30
#define SUBSCRIBE       0x82
#define MOST_SHORT      127 /* a length of one byte */
#define LENGTH_BYTES    4   /* at most */
#define HAS_MORE        0x80
#define TYPE_OF(packet) ((packet)[0] & 0xf0)

typedef struct
{
  Stream *stream;
  DriverMessage fn;
  void *user;
  uint64_t acknowledged, subscriptions;
  uint16_t last_packet;
} Mqtt;

static size_t
put_length (uint8_t *to, size_t length)
{
  size_t n = 0;

  do
    {
      to[n] = length & MOST_SHORT;
      length >>= 7;
      if (length > 0)
        to[n] |= HAS_MORE;
      n++;
    }
  while (length > 0);
  return n;
}

static size_t
put_text (uint8_t *to, const char *text)
{
  const size_t len = strlen (text);

  to[0] = (uint8_t) (len >> 8);
  to[1] = (uint8_t) len;
  memcpy (to + 2, text, len);
  return len + 2;
}

/* The length of the header of a packet that has arrived completely, or 0. */
static size_t
read_header (const Stream *stream, size_t *length)
{
  const uint8_t *packet = stream_data (stream);
  const size_t have = stream_length (stream);
  size_t n = 1;

  *length = 0;
  for (; n < have && n <= LENGTH_BYTES; n++)
    {
      *length |= (size_t) (packet[n] & MOST_SHORT) << (7 * (n - 1));
      if (!(packet[n] & HAS_MORE))
        break;
    }
  return n >= have || have - n - 1 < *length ? 0 : n + 1;
}

static int
mqtt_poll (void *client, int wait)
{
  Mqtt *mqtt = client;
  Stream *stream = mqtt->stream;
  const int filled = stream_fill (stream, wait);
  int n = 0;

  if (filled <= 0)
    return filled;
  for (;;)
    {
      const uint8_t *packet = stream_data (stream), *body;
      size_t length;
      const size_t header = read_header (stream, &length);

      if (header == 0)
        return n;
      body = packet + header;
      stream->begin += header + length;
      if (TYPE_OF (packet) == PUBLISH)
        {
          const size_t topic = (size_t) (body[0] << 8 | body[1]);

          mqtt->fn (mqtt->user, body + 2 + topic, length - 2 - topic);
          n++;
        }
      else
        mqtt->acknowledged++; /* CONNACK or SUBACK */
    }
}

static int
await_acknowledged (Mqtt *mqtt, uint64_t least)
{
  while (mqtt->acknowledged < least)
    if (mqtt_poll (mqtt, 1) < 0)
      return -1;
  return 0;
}

static void *
mqtt_open (const char *address, const DriverSettings *settings, DriverMessage fn, void *user)
{
  static int n_clients;
  uint8_t packet[64] = { CONNECT, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0 };
  Stream *stream = stream_open (address);
  Mqtt *mqtt;
  char id[32];

  if (stream == NULL)
    return NULL;
  mqtt = calloc (1, sizeof *mqtt);
  *mqtt = (Mqtt){ .stream = stream, .fn = fn, .user = user };
  snprintf (id, sizeof id, "b%d-%d", getpid (), n_clients++);
  packet[1] = (uint8_t) (10 + put_text (packet + 12, id));
  if (stream_send (stream, packet, (size_t) 2 + packet[1], "", 0, "", 0) < 0 || stream_flush (stream) < 0
      || await_acknowledged (mqtt, 1) < 0)
    return NULL;
  return mqtt;
}

static int
mqtt_subscribe (void *client, const char *filter, const char *group)
{
  Mqtt *mqtt = client;
  uint8_t packet[256] = { SUBSCRIBE };
  char pattern[160];
  size_t len = 4;

  if (++mqtt->last_packet == 0)
    mqtt->last_packet = 1;
  packet[2] = (uint8_t) (mqtt->last_packet >> 8);
  packet[3] = (uint8_t) mqtt->last_packet;
  snprintf (pattern, sizeof pattern, "%s%s%s%s", group != NULL ? "$share/" : "", group != NULL ? group : "",
            group != NULL ? "/" : "", filter);
  len += put_text (packet + len, pattern);
  packet[len++] = 0;
  packet[1] = (uint8_t) (len - 2);
  mqtt->subscriptions++;
  return len - 2 > MOST_SHORT ? -1 : stream_send (mqtt->stream, packet, len, "", 0, "", 0);
}

static int
mqtt_flush (void *client)
{
  return stream_flush (((Mqtt *) client)->stream);
}

static int
mqtt_sync (void *client)
{
  Mqtt *mqtt = client;

  return mqtt_flush (client) < 0 ? -1 : await_acknowledged (mqtt, 1 + mqtt->subscriptions);
}

static int
mqtt_publish (void *client, const char *topic, const void *data, size_t len)
{
  Mqtt *mqtt = client;
  uint8_t packet[160];
  size_t n = 1 + put_length (packet + 1, 2 + strlen (topic) + len);

  packet[0] = PUBLISH;
  n += put_text (packet + n, topic);
  return stream_send (mqtt->stream, packet, n, data, len, "", 0);
}

static void
mqtt_close (void *client)
{
  stream_close (((Mqtt *) client)->stream);
  free (client);
}

const Driver driver = { mqtt_open, mqtt_subscribe, mqtt_sync, mqtt_publish, mqtt_flush, mqtt_poll, mqtt_close };

/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <sys/epoll.h>

/*
 * The baseline: a relay, `broker-raw PATH`. It sends every frame to all other connections that have subscribed (with an empty
 * frame, which it returns), with blocking writes of all frames that have arrived. It has no topics, queues or limits.
 */

#define MOST_CONNECTIONS 4096
#define MOST_EVENTS      64
#define EMPTY_FRAME      "\0\0\0\0"

static Stream *connections[MOST_CONNECTIONS];
static int is_subscribed[MOST_CONNECTIONS];
static int last_fd;

static void
forward (int from, const void *frames, size_t len)
{
  for (int fd = 0; fd <= last_fd; fd++)
    {
      struct iovec vector = { (void *) frames, len };

      if (is_subscribed[fd] && fd != from && stream_write (fd, &vector, 1) < 0)
        is_subscribed[fd] = 0;
    }
}

static void
subscribe (int fd)
{
  struct iovec vector = { (void *) EMPTY_FRAME, 4 };

  is_subscribed[fd] = 1;
  stream_write (fd, &vector, 1);
}

/* Forwards @run bytes of whole frames, and leaves out @skip bytes after them. */
static size_t
forward_run (Stream *stream, size_t run, size_t skip)
{
  if (run > 0)
    forward (stream->fd, stream_data (stream), run);
  stream->begin += run + skip;
  return 0;
}

static int
relay_readable (Stream *stream)
{
  size_t run = 0; /* whole frames that are not forwarded yet */
  uint32_t len = 0;
  const int filled = stream_fill (stream, 0);

  if (filled <= 0)
    return filled;
  while (stream_length (stream) - run >= sizeof len)
    {
      memcpy (&len, stream_data (stream) + run, sizeof len);
      if (stream_length (stream) - run - sizeof len < len)
        break;
      if (len == 0)
        {
          run = forward_run (stream, run, sizeof len);
          subscribe (stream->fd);
          continue;
        }
      run += sizeof len + len;
    }
  forward_run (stream, run, 0);
  return 1;
}

static int
accept_connection (int epoll, int listener)
{
  const int fd = accept (listener, NULL, NULL);
  struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
  char address[32];

  if (fd < 0 || fd >= MOST_CONNECTIONS)
    return -1;
  snprintf (address, sizeof address, "fd:%d", fd);
  connections[fd] = stream_open (address);
  last_fd = fd > last_fd ? fd : last_fd;
  return epoll_ctl (epoll, EPOLL_CTL_ADD, fd, &event);
}

static void
drop_connection (int fd)
{
  is_subscribed[fd] = 0;
  stream_close (connections[fd]);
  connections[fd] = NULL;
}

static int
open_listener (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  const int fd = socket (AF_UNIX, SOCK_STREAM, 0);

  snprintf (address.sun_path, sizeof address.sun_path, "%s", path);
  if (bind (fd, (struct sockaddr *) &address, sizeof address) < 0 || listen (fd, 512) < 0)
    return -1;
  return fd;
}

int
main (int argc, char **argv)
{
  const int epoll = epoll_create1 (0);
  struct epoll_event event = { .events = EPOLLIN }, events[MOST_EVENTS];

  if (argc < 2)
    return 2;
  event.data.fd = open_listener (argv[1]);
  if (event.data.fd < 0 || epoll_ctl (epoll, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
    return 1;
  for (;;)
    {
      const int n = epoll_wait (epoll, events, MOST_EVENTS, -1);

      for (int i = 0; i < n; i++)
        if (events[i].data.fd == event.data.fd)
          {
            if (accept_connection (epoll, event.data.fd) < 0)
              return 1;
          }
        else if (relay_readable (connections[events[i].data.fd]) < 0)
          drop_connection (events[i].data.fd);
    }
}

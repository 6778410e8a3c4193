/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * A blocking stream socket with buffers, for the relay and for drivers that implement their protocol. Sent bytes are collected
 * until they are flushed or the buffer is full; large payloads are written at once. A read waits at most 100 ms.
 */

#define STREAM_OUT_SIZE (64 * 1024)
#define STREAM_IN_SIZE  (256 * 1024)
#define STREAM_WAIT_US  100000

typedef struct
{
  int fd;
  size_t out_length;
  size_t begin, end, capacity; /* in[begin..end) is not parsed yet */
  uint8_t *in;
  uint8_t out[STREAM_OUT_SIZE];
} Stream;

static inline int
stream_connect (Stream *stream, const char *address)
{
  if (strncmp (address, "unix:", 5) == 0)
    {
      struct sockaddr_un to = { .sun_family = AF_UNIX };

      snprintf (to.sun_path, sizeof to.sun_path, "%s", address + 5);
      stream->fd = socket (AF_UNIX, SOCK_STREAM, 0);
      return connect (stream->fd, (struct sockaddr *) &to, sizeof to);
    }
  if (strncmp (address, "tcp:", 4) == 0)
    {
      struct sockaddr_in to = { .sin_family = AF_INET,
                                .sin_port = htons ((uint16_t) atoi (address + 4)),
                                .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
      const int one = 1;

      stream->fd = socket (AF_INET, SOCK_STREAM, 0);
      setsockopt (stream->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      return connect (stream->fd, (struct sockaddr *) &to, sizeof to);
    }
  stream->fd = atoi (address + 3);
  return 0;
}

/* @address: "unix:PATH", "tcp:PORT" of this machine, or "fd:N". Returns NULL after a message. */
static inline Stream *
stream_open (const char *address)
{
  const struct timeval wait = { 0, STREAM_WAIT_US };
  Stream *stream = calloc (1, sizeof *stream);

  if (stream_connect (stream, address) < 0)
    {
      perror (address);
      free (stream);
      return NULL;
    }
  setsockopt (stream->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  stream->capacity = STREAM_IN_SIZE;
  stream->in = malloc (stream->capacity);
  return stream;
}

static inline void
stream_close (Stream *stream)
{
  close (stream->fd);
  free (stream->in);
  free (stream);
}

static inline int
stream_write (int fd, struct iovec *vector, int n)
{
  while (n > 0)
    {
      ssize_t written = writev (fd, vector, n);

      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return -1;
      for (; n > 0 && (size_t) written >= vector->iov_len; vector++, n--)
        written -= (ssize_t) vector->iov_len;
      if (n > 0)
        {
          vector->iov_base = (char *) vector->iov_base + written;
          vector->iov_len -= (size_t) written;
        }
    }
  return 0;
}

static inline int
stream_flush (Stream *stream)
{
  struct iovec vector = { stream->out, stream->out_length };

  if (stream->out_length == 0)
    return 0;
  stream->out_length = 0;
  return stream_write (stream->fd, &vector, 1);
}

static inline void
stream_append (Stream *stream, const void *data, size_t len)
{
  memcpy (stream->out + stream->out_length, data, len);
  stream->out_length += len;
}

/* Sends the three parts of a frame. */
static inline int
stream_send (Stream *stream,
             const void *head,
             size_t head_len,
             const void *data,
             size_t len,
             const void *tail,
             size_t tail_len)
{
  const size_t all = head_len + len + tail_len;

  if (all > STREAM_OUT_SIZE / 2)
    {
      struct iovec vector[4] = { { stream->out, stream->out_length },
                                 { (void *) head, head_len },
                                 { (void *) data, len },
                                 { (void *) tail, tail_len } };

      stream->out_length = 0;
      return stream_write (stream->fd, vector, 4);
    }
  if (stream->out_length + all > STREAM_OUT_SIZE && stream_flush (stream) < 0)
    return -1;
  stream_append (stream, head, head_len);
  stream_append (stream, data, len);
  stream_append (stream, tail, tail_len);
  return 0;
}

static inline const uint8_t *
stream_data (const Stream *stream)
{
  return stream->in + stream->begin;
}

static inline size_t
stream_length (const Stream *stream)
{
  return stream->end - stream->begin;
}

/* Makes room for at least half of the buffer. */
static inline void
stream_make_room (Stream *stream)
{
  const size_t have = stream_length (stream);

  if (have == 0)
    stream->begin = stream->end = 0;
  else if (stream->capacity - stream->end < stream->capacity / 2)
    {
      memmove (stream->in, stream->in + stream->begin, have);
      stream->begin = 0;
      stream->end = have;
      if (stream->capacity - have < stream->capacity / 2)
        stream->in = realloc (stream->in, stream->capacity *= 2);
    }
}

/* One read. Returns 1 if bytes were read, 0 if there were none, and -1 if the connection has ended. */
static inline int
stream_fill (Stream *stream, int wait)
{
  ssize_t got;

  stream_make_room (stream);
  got = recv (stream->fd, stream->in + stream->end, stream->capacity - stream->end, wait ? 0 : MSG_DONTWAIT);
  if (got > 0)
    {
      stream->end += (size_t) got;
      return 1;
    }
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

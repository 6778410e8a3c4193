/* SPDX-License-Identifier: Apache-2.0 */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct
{
  Relay *relay;
  int client; /* -1: closed */
  int broker; /* -1: closed */
  GSource *from_client;
  GSource *from_broker;
} RelayPair;

struct Relay
{
  char *address;
  char *path;
  int listener;
  GSource *accepting;
  GPtrArray *pairs; /* of RelayPair */
};

static struct sockaddr_un
relay_name (const char *path)
{
  struct sockaddr_un name = { .sun_family = AF_UNIX };

  g_assert_cmpuint (strlen (path), <, sizeof name.sun_path);
  strcpy (name.sun_path, path);
  return name;
}

static int
relay_socket (void)
{
  int fd = socket (AF_UNIX, SOCK_STREAM, 0);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (fcntl (fd, F_SETFD, FD_CLOEXEC), ==, 0);
  return fd;
}

static GSource *
relay_watch (int fd, GUnixFDSourceFunc func, gpointer data)
{
  GSource *source = g_unix_fd_source_new (fd, G_IO_IN);

  g_source_set_callback (source, G_SOURCE_FUNC (func), data, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

static void
relay_unwatch (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
relay_close (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
pair_end (RelayPair *pair)
{
  relay_unwatch (&pair->from_client);
  relay_unwatch (&pair->from_broker);
  relay_close (&pair->client);
  relay_close (&pair->broker);
}

static void
pair_free (gpointer data)
{
  pair_end (data);
  g_free (data);
}

/* Copies the bytes that have arrived. FALSE: one side has closed. */
static gboolean
pair_copy (int from, int to)
{
  char bytes[65536];
  ssize_t len = recv (from, bytes, sizeof bytes, 0);

  if (len < 0 && errno == EINTR)
    return TRUE;
  for (ssize_t at = 0; at < len;)
    {
      ssize_t n = send (to, bytes + at, (size_t) (len - at), MSG_NOSIGNAL);

      if (n < 0 && errno != EINTR)
        return FALSE;
      at += MAX (n, 0);
    }
  return len > 0;
}

static gboolean
pair_on_client (gint fd, GIOCondition condition, gpointer data)
{
  RelayPair *pair = data;

  if (!pair_copy (pair->client, pair->broker))
    pair_end (pair);
  return G_SOURCE_CONTINUE;
}

static gboolean
pair_on_broker (gint fd, GIOCondition condition, gpointer data)
{
  RelayPair *pair = data;

  if (!pair_copy (pair->broker, pair->client))
    pair_end (pair);
  return G_SOURCE_CONTINUE;
}

static gboolean
relay_on_accept (gint fd, GIOCondition condition, gpointer data)
{
  Relay *self = data;
  RelayPair *pair = g_new0 (RelayPair, 1);
  struct sockaddr_un name = relay_name (self->address);

  pair->relay = self;
  pair->client = accept (self->listener, NULL, NULL);
  g_assert_cmpint (pair->client, >=, 0);
  g_assert_cmpint (fcntl (pair->client, F_SETFD, FD_CLOEXEC), ==, 0);
  pair->broker = relay_socket ();
  g_assert_cmpint (connect (pair->broker, (const struct sockaddr *) &name, sizeof name), ==, 0);
  pair->from_client = relay_watch (pair->client, pair_on_client, pair);
  pair->from_broker = relay_watch (pair->broker, pair_on_broker, pair);
  g_ptr_array_add (self->pairs, pair);
  return G_SOURCE_CONTINUE;
}

Relay *
relay_new (const char *path, const char *address)
{
  Relay *self = g_new0 (Relay, 1);
  struct sockaddr_un name = relay_name (path);

  self->address = g_strdup (address);
  self->path = g_strdup (path);
  self->pairs = g_ptr_array_new_with_free_func (pair_free);
  self->listener = relay_socket ();
  g_assert_cmpint (bind (self->listener, (const struct sockaddr *) &name, sizeof name), ==, 0);
  g_assert_cmpint (listen (self->listener, 8), ==, 0);
  self->accepting = relay_watch (self->listener, relay_on_accept, self);
  return self;
}

void
relay_free (Relay *self)
{
  g_ptr_array_unref (self->pairs);
  relay_unwatch (&self->accepting);
  relay_close (&self->listener);
  unlink (self->path);
  g_free (self->path);
  g_free (self->address);
  g_free (self);
}

void
relay_cut (Relay *self)
{
  for (guint i = 0; i < self->pairs->len; i++)
    {
      RelayPair *pair = self->pairs->pdata[i];

      relay_unwatch (&pair->from_client);
      relay_unwatch (&pair->from_broker);
      relay_close (&pair->client);
    }
}

/* TRUE if the broker has closed the connection. Bytes that it sent before are discarded. */
static gboolean
pair_has_ended (RelayPair *pair)
{
  char bytes[65536];
  ssize_t len;

  do
    len = recv (pair->broker, bytes, sizeof bytes, MSG_DONTWAIT);
  while (len > 0 || (len < 0 && errno == EINTR));
  return len == 0 || errno != EAGAIN;
}

guint
relay_count_cut (Relay *self)
{
  guint n = 0;

  for (guint i = 0; i < self->pairs->len; i++)
    {
      RelayPair *pair = self->pairs->pdata[i];

      n += pair->client < 0 && pair->broker >= 0 && !pair_has_ended (pair);
    }
  return n;
}

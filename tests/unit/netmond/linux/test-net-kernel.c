/* SPDX-License-Identifier: Apache-2.0 */
#include "net-reading.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Tests with the kernel of this machine and sockets of the test. They are skipped where it does not list sockets. */

typedef struct
{
  int listener, client, server;
  guint16 port;
} Sockets;

static int
open_listener (struct sockaddr_in *address)
{
  socklen_t len = sizeof *address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  *address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *) address, len), ==, 0);
  g_assert_cmpint (listen (fd, 3), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) address, &len), ==, 0);
  return fd;
}

static Sockets
sockets_open (void)
{
  struct sockaddr_in address;
  Sockets sockets = { .listener = open_listener (&address), .client = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };

  g_assert_cmpint (connect (sockets.client, (struct sockaddr *) &address, sizeof address), ==, 0);
  sockets.server = accept4 (sockets.listener, NULL, NULL, SOCK_CLOEXEC);
  g_assert_cmpint (sockets.server, >=, 0);
  sockets.port = ntohs (address.sin_port);
  return sockets;
}

static void
sockets_close (const Sockets *sockets)
{
  close (sockets->client);
  close (sockets->server);
  close (sockets->listener);
}

static gboolean
is_of_port (const NetSocket *socket, gconstpointer data)
{
  const Sockets *sockets = data;

  return socket->local_port == sockets->port || socket->peer_port == sockets->port;
}

static gboolean
is_any (const NetSocket *socket, gconstpointer data)
{
  return TRUE;
}

/* (transfer full); NULL: the test is skipped. */
static NetTable *
read_all (const NetRange *range, guint step)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NetReading) reading = net_reading_new (range, &error);
  NetTable *table;
  guint done, total;

  if (reading == NULL)
    {
      g_test_skip (error->message);
      return NULL;
    }
  while (net_reading_step (reading, step, &done, &total))
    ;
  table = net_reading_end (reading, &error);
  if (table == NULL && g_error_matches (error, NET_KERNEL_ERROR, NET_KERNEL_ERROR_REFUSED))
    g_test_skip (error->message);
  else
    g_assert_no_error (error);
  return table;
}

static gboolean
has_me (const NetSocket *socket)
{
  guint n = 0, more;
  const NetOwner *owners = socket->owners != NULL ? net_owners_get (socket->owners, &n, &more) : NULL;

  for (guint i = 0; owners != NULL && i < n; i++)
    if (owners[i].pid == (guint32) getpid ())
      return TRUE;
  return FALSE;
}

static void
test_own_sockets (void)
{
  Sockets sockets = sockets_open ();
  const NetRange range
      = { .protocols = 1u << NET_TCP, .states = NET_ALL_STATES, .limit = 100, .wants = is_of_port, .data = &sockets };
  g_autoptr (NetTable) table = read_all (&range, 1);
  guint listeners = 0;

  for (guint i = 0; table != NULL && i < table->sockets->len; i++)
    {
      const NetSocket *socket = &g_array_index (table->sockets, NetSocket, i);

      listeners += socket->state == NET_LISTENING ? 1 : 0;
      g_assert_true (has_me (socket));
      g_assert_cmpuint (socket->uid, ==, getuid ());
    }
  if (table != NULL)
    {
      g_assert_cmpuint (table->sockets->len, ==, 3);
      g_assert_cmpuint (listeners, ==, 1);
      g_assert_cmpuint (table->processes, >, 0);
      g_assert_cmpuint (table->namespace_inode, >, 0);
    }
  sockets_close (&sockets);
}

/* Known owners are copied from the previous table, and no process is read. */
static void
test_followed (void)
{
  Sockets sockets = sockets_open ();
  NetRange range
      = { .protocols = 1u << NET_TCP, .states = NET_ALL_STATES, .limit = 100, .wants = is_of_port, .data = &sockets };
  g_autoptr (NetTable) first = read_all (&range, G_MAXUINT);
  g_autoptr (NetTable) second = NULL;

  range.before = first;
  second = first != NULL ? read_all (&range, G_MAXUINT) : NULL;
  if (second != NULL)
    {
      g_assert_cmpuint (second->sockets->len, ==, 3);
      g_assert_cmpuint (second->processes, ==, 0);
      g_assert_true (has_me (&g_array_index (second->sockets, NetSocket, 0)));
    }
  sockets_close (&sockets);
}

static void
test_all_protocols (void)
{
  const NetRange range = { .protocols = 1u << NET_TCP | 1u << NET_UDP | 1u << NET_UNIX,
                           .states = NET_ALL_STATES,
                           .limit = 100000,
                           .without_owners = TRUE,
                           .wants = is_any };
  const struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  int fds[] = { -1, -1, socket (AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
  g_autoptr (NetTable) table = NULL;
  guint found = 0;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  if (fds[2] >= 0 && bind (fds[2], (const struct sockaddr *) &address, sizeof address) == 0)
    found |= 1u << NET_UDP;
  table = read_all (&range, 3);
  for (guint i = 0; table != NULL && i < table->sockets->len; i++)
    {
      const NetSocket *socket = &g_array_index (table->sockets, NetSocket, i);

      g_assert_null (socket->owners);
      if (socket->protocol == NET_UNIX)
        found |= 1u << NET_UNIX;
      else if (socket->protocol == NET_UDP && socket->family == NET_IPV6)
        found &= ~(1u << NET_UDP);
    }
  if (table != NULL && table->refused == 0)
    g_assert_cmpuint (found, ==, 1u << NET_UNIX);
  for (guint i = 0; i < 3; i++)
    if (fds[i] >= 0)
      close (fds[i]);
}

/* The kernel reports the end of each socket, and of a socket by its cookie. */
static void
test_notices (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NetNotices) notices = net_notices_open (&error);
  g_autoptr (GArray) ended = g_array_new (FALSE, TRUE, sizeof (NetSocket));
  Sockets sockets = sockets_open ();
  const NetRange range = { .protocols = 1u << NET_TCP,
                           .states = NET_ALL_STATES,
                           .limit = 100,
                           .without_owners = TRUE,
                           .wants = is_of_port,
                           .data = &sockets };
  g_autoptr (NetTable) table = read_all (&range, G_MAXUINT);
  guint found = 0;
  gboolean lost;

  sockets_close (&sockets);
  if (table == NULL || notices == NULL)
    {
      g_test_skip ("the kernel gives no notices");
      return;
    }
  /* Some sockets end a little after the call: wait until all of them have. */
  while (found < 3)
    {
      guint before = ended->len;

      g_assert_true (net_notices_take (notices, ended, 10000, &lost, &error));
      for (guint i = before; i < ended->len; i++)
        if (net_table_find (table, g_array_index (ended, NetSocket, i).cookie) != NULL)
          found++;
    }
  for (guint i = 0; i < ended->len; i++)
    g_assert_cmpuint (g_array_index (ended, NetSocket, i).state, ==, NET_STATE_ANY);
}

/* Notices above the maximum of the caller count as lost. */
static void
test_too_many_notices (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NetNotices) notices = net_notices_open (&error);
  g_autoptr (GArray) ended = g_array_new (FALSE, TRUE, sizeof (NetSocket));
  gboolean lost = FALSE;

  if (notices == NULL)
    {
      g_test_skip (error->message);
      return;
    }
  while (!lost)
    {
      Sockets sockets = sockets_open ();

      sockets_close (&sockets);
      g_assert_true (net_notices_take (notices, ended, 2, &lost, &error));
    }
  g_assert_cmpuint (ended->len, >=, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/netmond/kernel/own-sockets", test_own_sockets);
  g_test_add_func ("/netmond/kernel/followed", test_followed);
  g_test_add_func ("/netmond/kernel/all-protocols", test_all_protocols);
  g_test_add_func ("/netmond/kernel/notices", test_notices);
  g_test_add_func ("/netmond/kernel/too-many-notices", test_too_many_notices);
  return g_test_run ();
}

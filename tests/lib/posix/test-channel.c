/* SPDX-License-Identifier: Apache-2.0 */
#include "test-channel.h"

#include <fcntl.h>
#include <gio/gunixconnection.h>
#include <sys/socket.h>
#include <unistd.h>

#define INHERITED_FD 3 /* the number that test_system_prepare_child() gives it */

struct TestChannel
{
  GSocketConnection *connection;
};

static TestChannel *
channel_for_fd (int fd)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, &error);
  TestChannel *self = g_new0 (TestChannel, 1);

  g_assert_no_error (error);
  self->connection = g_socket_connection_factory_create_connection (socket);
  return self;
}

TestChannel *
test_channel_new (gintptr *child_end)
{
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (pair); i++)
    g_assert_cmpint (fcntl (pair[i], F_SETFD, FD_CLOEXEC), ==, 0);
  *child_end = pair[1];
  return channel_for_fd (pair[0]);
}

TestChannel *
test_channel_inherited (void)
{
  return fcntl (INHERITED_FD, F_SETFD, FD_CLOEXEC) == 0 ? channel_for_fd (INHERITED_FD) : NULL;
}

void
test_channel_free (TestChannel *self)
{
  g_object_unref (self->connection);
  g_free (self);
}

void
test_channel_send (TestChannel *self, gintptr handle)
{
  g_autoptr (GError) error = NULL;

  g_unix_connection_send_fd (G_UNIX_CONNECTION (self->connection), (int) handle, NULL, &error);
  g_assert_no_error (error);
}

gintptr
test_channel_receive (TestChannel *self)
{
  g_autoptr (GError) error = NULL;
  int fd = g_unix_connection_receive_fd (G_UNIX_CONNECTION (self->connection), NULL, &error);

  g_assert_no_error (error);
  return fd;
}

void
test_channel_close_handle (gintptr handle)
{
  close ((int) handle);
}

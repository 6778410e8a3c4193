/* SPDX-License-Identifier: Apache-2.0 */
#include "service-fixture.h"

#include "raw-peer.h"
#include "test-system.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * A broker service on POSIX: files at its address, descriptors that a peer sends, and running out of descriptors.
 */

typedef ServiceFixture Fixture;

static int
bind_socket (const char *path, gboolean listens)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  if (listens)
    g_assert_cmpint (listen (fd, 1), ==, 0);
  return fd;
}

static void
test_stale_socket_is_replaced (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  close (bind_socket (f->address, TRUE));
  f->service = service_fixture_start_at (f->address, &error);
  g_assert_no_error (error);
}

static void
test_foreign_listener_is_kept (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  int fd = bind_socket (f->address, TRUE);

  g_assert_null (service_fixture_start_at (f->address, &error));
  g_assert_error (error, LISTENER_ERROR, LISTENER_ERROR_IN_USE);
  g_assert_cmpint (g_access (f->address, F_OK), ==, 0);
  close (fd);
  g_unlink (f->address);
  {
    g_autofree char *lock = g_strconcat (f->address, ".lock", NULL);

    g_unlink (lock);
  }
}

static void
test_bad_places (Fixture *f, gconstpointer data)
{
  g_autofree char *file = g_build_filename (f->directory, "file", NULL);
  g_autofree char *symlink_path = g_build_filename (f->directory, "link", NULL);
  g_autofree char *open_dir = g_build_filename (f->directory, "open", NULL);
  g_autofree char *in_open_dir = g_build_filename (open_dir, "bus.sock", NULL);
  g_autofree char *in_directory = g_strconcat (f->directory, "/", NULL);
  g_autofree char *dots = g_build_filename (f->directory, "..", NULL);
  g_autofree char *filler = g_strnfill (120, 'x');
  g_autofree char *long_path = g_build_filename (f->directory, filler, NULL);
  g_autofree char *limit = g_strdup_printf ("at most %zu", sizeof (((struct sockaddr_un *) NULL)->sun_path) - 1);
  const struct
  {
    const char *path;
    const char *want;
  } cases[] = {
    { file, "is not a socket" },
    { symlink_path, "is not a socket" },
    { in_open_dir, "other users can write" },
    { long_path, limit },
    { "relative.sock", "not an absolute path" },
    { in_directory, "names a directory" },
    { dots, "names a directory" },
  };

  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  g_assert_cmpint (symlink (file, symlink_path), ==, 0);
  g_assert_cmpint (g_mkdir (open_dir, 0700), ==, 0);
  g_assert_cmpint (g_chmod (open_dir, 0777), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *lock = g_strconcat (cases[i].path, ".lock", NULL);

      g_assert_null (service_fixture_start_at (cases[i].path, &error));
      g_assert_error (error, LISTENER_ERROR, LISTENER_ERROR_ADDRESS);
      g_assert_nonnull (strstr (error->message, cases[i].want));
      g_unlink (lock);
    }
  g_assert_true (g_file_test (file, G_FILE_TEST_IS_REGULAR));
  g_unlink (file);
  g_unlink (symlink_path);
  g_rmdir (open_dir);
}

static void
send_with_fds (int fd, const void *bytes, gsize len)
{
  int fds[8];
  union
  {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof fds)];
  } control;
  struct iovec part = { (void *) bytes, len };
  struct msghdr message
      = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = fd;
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (sizeof fds);
  memcpy (CMSG_DATA (header), fds, sizeof fds);
  g_assert_cmpint (sendmsg (fd, &message, MSG_NOSIGNAL), ==, (gssize) len);
}

static void
test_many_descriptors_opened (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) hello = raw_peer_hello_bytes ("spray", "procmond", RAW_VERSION_1, RAW_VERSION_1);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  BusCoreStats stats;
  guint before;

  g_strlcpy (address.sun_path, f->address, sizeof address.sun_path);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  do
    service_stats (f->service, &stats);
  while (stats.connections == 0);
  before = test_system_count_descriptors ();
  for (guint i = 0; i + 1 < hello->len; i++)
    send_with_fds (fd, hello->data + i, 1);
  g_assert_cmpint (send (fd, hello->data + hello->len - 1, 1, MSG_NOSIGNAL), ==, 1);
  do
    service_stats (f->service, &stats);
  while (stats.peers == 0);
  g_assert_cmpuint (test_system_count_descriptors (), ==, before);
  close (fd);
}

/* Uses all descriptors; in a separate process, so that other tests are not affected. */
static void
test_out_of_descriptors (Fixture *f, gconstpointer data)
{
  if (g_test_subprocess ())
    {
      struct rlimit limit = { 64, 64 };
      int clients[8], filler[64];
      guint n = 0;
      g_autoptr (RawPeer) late = NULL;

      g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
      for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
        clients[i] = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      while (n < G_N_ELEMENTS (filler) && (filler[n] = open ("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        n++;
      for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
        {
          struct sockaddr_un address = { .sun_family = AF_UNIX };
          guint8 header[WIRE_FRAME_HEADER_LEN];

          g_strlcpy (address.sun_path, f->address, sizeof address.sun_path);
          g_assert_cmpint (connect (clients[i], (struct sockaddr *) &address, sizeof address), ==, 0);
          /* Each connection is refused with a reason, with pauses in between. */
          g_assert_cmpint (recv (clients[i], header, sizeof header, MSG_WAITALL), ==, (gssize) sizeof header);
          g_assert_cmpuint (header[4], ==, WIRE_KIND_GOODBYE);
        }
      while (n > 0)
        close (filler[--n]);
      late = raw_peer_connect (f->address);
      g_assert_cmpuint (raw_peer_hello (late, "late", "procmond"), ==, RAW_VERSION_1);
      for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
        close (clients[i]);
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr_unmatched ("*Too many open files*");
  g_test_trap_assert_stderr (
      "*accepting connections pauses: no file descriptors are left*; 1 pauses since the last record*");
}

/* --- an address that is taken away --- */

/* Records about the address: their texts, in the order of writing. */
static void
on_log (void *user_data, DaemoneyeLogLevel level, const char *message, const DaemoneyeLogField *fields, size_t n_fields)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "ADDRESS"))
      {
        g_assert_true (g_str_has_prefix (message, fields[i].value));
        g_assert_cmpint (level, ==,
                         strstr (message, " restored: ") != NULL ? DAEMONEYE_LOG_NOTICE : DAEMONEYE_LOG_WARNING);
        g_async_queue_push (user_data, g_strdup (message));
      }
}

static void
expect_record (GAsyncQueue *records, const char *text)
{
  g_autofree char *record = g_async_queue_pop (records);

  g_test_message ("%s", record);
  g_assert_nonnull (strstr (record, text));
}

static guint
count_peers (Fixture *f)
{
  BusCoreStats stats;

  service_stats (f->service, &stats);
  return stats.peers;
}

/* The timer of the watch detects the loss. Connected peers stay, and new ones can connect. */
static void
test_address_restored (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncQueue) records = g_async_queue_new_full (g_free);
  g_autofree char *file = g_build_filename (f->directory, "file", NULL);
  DaemoneyeHost host = { .struct_size = sizeof host, .address = f->address, .log = on_log, .user_data = records };
  g_autoptr (GError) error = NULL;
  g_autoptr (RawPeer) early = NULL;
  g_autoptr (RawPeer) late = NULL;

  f->service = service_start (bus_config_new (), &host, &error);
  g_assert_no_error (error);
  early = raw_peer_connect (f->address);
  raw_peer_hello (early, "early", "procmond");
  g_assert_false (service_is_lost (f->service));

  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  g_assert_cmpint (g_rename (file, f->address), ==, 0);
  expect_record (records, "address lost");
  expect_record (records, "is not a socket");
  g_assert_true (service_is_lost (f->service));
  g_assert_cmpint (g_unlink (f->address), ==, 0);
  expect_record (records, "address restored");
  g_assert_false (service_is_lost (f->service));

  late = raw_peer_connect (f->address);
  raw_peer_hello (late, "late", "procmond");
  g_assert_cmpuint (count_peers (f), ==, 2);
  g_assert_true (raw_peer_send_hello (early, "early", "procmond", RAW_VERSION_1, RAW_VERSION_1));
  raw_peer_expect_goodbye (early, NULL); /* the broker has received the second HELLO, which is an error */
  g_assert_null (g_async_queue_try_pop (records));
}

#define ADD(path, data, function)                                                                                      \
  g_test_add (path, Fixture, data, service_fixture_set_up, function, service_fixture_tear_down)
#define STOPPED ((gconstpointer) "stopped")

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/service/A13-stale-socket-is-replaced", STOPPED, test_stale_socket_is_replaced);
  ADD ("/service/A13-foreign-listener-is-kept", STOPPED, test_foreign_listener_is_kept);
  ADD ("/service/A12-bad-places", STOPPED, test_bad_places);
  ADD ("/service/A13-address-restored", STOPPED, test_address_restored);
  ADD ("/service/R07-many-descriptors-opened", NULL, test_many_descriptors_opened);
  ADD ("/service/R02-out-of-descriptors", NULL, test_out_of_descriptors);
  return g_test_run ();
}

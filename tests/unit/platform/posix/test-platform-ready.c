/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-ready.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <unistd.h>

/* The process that started this one reads one line, and then the end of the stream. */
static void
test_report (void)
{
  int ends[2];
  char text[64] = "";

  g_assert_true (g_unix_open_pipe (ends, FD_CLOEXEC, NULL));
  platform_ready_report (ends[1], "ready test");
  g_assert_cmpint (read (ends[0], text, sizeof text - 1), ==, 11);
  g_assert_cmpstr (text, ==, "ready test\n");
  g_assert_cmpint (read (ends[0], text, sizeof text - 1), ==, 0);
  g_assert_cmpint (fcntl (ends[1], F_GETFD), ==, -1);
  close (ends[0]);
}

static void
test_standard_stream_stays_open (void)
{
  int saved = dup (STDOUT_FILENO);
  int ends[2];
  char text[64] = "";

  g_assert_true (g_unix_open_pipe (ends, FD_CLOEXEC, NULL));
  dup2 (ends[1], STDOUT_FILENO);
  close (ends[1]);
  platform_ready_report (STDOUT_FILENO, "/address");
  g_assert_cmpint (fcntl (STDOUT_FILENO, F_GETFD), !=, -1);
  dup2 (saved, STDOUT_FILENO);
  close (saved);
  g_assert_cmpint (read (ends[0], text, sizeof text - 1), ==, 9);
  g_assert_cmpstr (text, ==, "/address\n");
  close (ends[0]);
}

static void
test_without_a_reader (void)
{
  platform_ready_report (-1, "ready test");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/platform/ready/report", test_report);
  g_test_add_func ("/platform/ready/standard-stream-stays-open", test_standard_stream_stays_open);
  g_test_add_func ("/platform/ready/without-a-reader", test_without_a_reader);
  return g_test_run ();
}

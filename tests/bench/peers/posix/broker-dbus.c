/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

/* `broker-dbus PATH`: a dbus-broker without its launcher and without systemd. This process is its controller: it gives the broker
 * one listener, with a policy that allows everything. */

#define BATCH        "bta(btbs)a(btssssuutt)a(btssssuutt)"
#define ANY_UID      "u(" BATCH ")"
#define POLICY       "a(" ANY_UID ")a(buu(" BATCH "))a(ss)bs"
#define ALLOW_ALL    1, 1, (uint64_t) 1, "", "", "", "", 0, 0, (uint64_t) 0, UINT64_MAX
#define SOCKET_FLAGS (SOCK_STREAM | SOCK_NONBLOCK)

static int
open_listener (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  const int fd = socket (AF_UNIX, SOCKET_FLAGS, 0);

  snprintf (address.sun_path, sizeof address.sun_path, "%s", path);
  if (bind (fd, (struct sockaddr *) &address, sizeof address) < 0 || listen (fd, 512) < 0)
    return -1;
  return fd;
}

static void
run_broker (int controller)
{
  char fd[16];

  prctl (PR_SET_PDEATHSIG, SIGTERM);
  snprintf (fd, sizeof fd, "%d", controller);
  execlp ("dbus-broker", "dbus-broker", "--controller", fd, "--machine-id", "0123456789abcdef0123456789abcdef",
          "--max-bytes", "8000000000", "--max-matches", "1000000", "--max-objects", "1000000", "--max-fds", "100000",
          NULL);
  _exit (127);
}

static int
append_policy (sd_bus_message *call)
{
  int result = sd_bus_message_open_container (call, 'v', "(" POLICY ")");

  if (result >= 0)
    result = sd_bus_message_open_container (call, 'r', POLICY);
  if (result >= 0)
    result = sd_bus_message_append (call, "a(" ANY_UID ")", 1, (uint32_t) -1, 1, (uint64_t) 1, 1, 1, (uint64_t) 1, 1,
                                    "", ALLOW_ALL, ALLOW_ALL);
  if (result >= 0)
    result = sd_bus_message_append (call, "a(buu(" BATCH "))", 0);
  if (result >= 0)
    result = sd_bus_message_append (call, "a(ss)bs", 0, 0, "unconfined");
  if (result >= 0)
    result = sd_bus_message_close_container (call);
  if (result >= 0)
    result = sd_bus_message_close_container (call);
  return result;
}

static int
add_listener (sd_bus *bus, int listener)
{
  sd_bus_error error = SD_BUS_ERROR_NULL;
  sd_bus_message *call = NULL;
  int result = sd_bus_message_new_method_call (bus, &call, NULL, "/org/bus1/DBus/Broker", "org.bus1.DBus.Broker",
                                               "AddListener");

  if (result >= 0)
    result = sd_bus_message_append (call, "oh", "/org/bus1/DBus/Listener/0", listener);
  if (result >= 0)
    result = append_policy (call);
  if (result >= 0)
    result = sd_bus_call (bus, call, 0, &error, NULL);
  if (result < 0)
    fprintf (stderr, "controller: %s %s\n", strerror (-result), error.message != NULL ? error.message : "");
  return result;
}

int
main (int argc, char **argv)
{
  sd_bus *bus = NULL;
  int pair[2], listener;

  if (argc < 2)
    return 2;
  listener = open_listener (argv[1]);
  if (listener < 0 || socketpair (AF_UNIX, SOCKET_FLAGS, 0, pair) < 0)
    return 1;
  if (fork () == 0)
    {
      close (pair[0]);
      run_broker (pair[1]);
    }
  close (pair[1]);
  if (sd_bus_new (&bus) < 0 || sd_bus_set_fd (bus, pair[0], pair[0]) < 0 || sd_bus_start (bus) < 0
      || add_listener (bus, listener) < 0)
    return 1;
  close (listener);
  for (;;)
    if (sd_bus_process (bus, NULL) < 0 || sd_bus_wait (bus, UINT64_MAX) < 0)
      return 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "unix-path.h"

/*
 * Checks that the broker's address still leads to its socket, and restores the address after another program, such as a
 * cleaner of temporary files, has removed the socket, the lock or their directory.
 *
 * A timer of two seconds compares the files (two calls of lstat()), because file monitors miss events and need a thread. A
 * broker that has lost its address tries to listen there again, with all checks of the start, until it succeeds; connected
 * peers are not affected. It never takes the address from another program: while another broker holds the lock, or another file is
 * in the way, it only reports that. Each change is reported once.
 *
 * Invariant: the address is lost from one report of LOST to the next report of RESTORED.
 */

typedef enum
{
  UNIX_WATCH_LOST,          /* text: the reason */
  UNIX_WATCH_NOT_RESTORED,  /* text: the reason; the watch tries again */
  UNIX_WATCH_RESTORED,      /* no text */
  UNIX_WATCH_LOCK_RESTORED, /* text: the reason. The address was not lost. */
} UnixWatchEvent;

typedef struct
{
  /* Receives a new listening socket, and takes ownership of it. The previous one may still be open. */
  void (*moved) (gpointer user, int fd);
  void (*report) (gpointer user, UnixWatchEvent event, const char *text);
} UnixWatchHandler;

typedef struct UnixWatch UnixWatch;

/* @place: an address that listens. The caller owns it, and keeps it until unix_watch_free(). */
UnixWatch *unix_watch_new (GMainContext *context, UnixPath *place, const UnixWatchHandler *handler, gpointer user);
void unix_watch_free (UnixWatch *self);

/* Checks the address at once, as the timer does. */
void unix_watch_check (UnixWatch *self);

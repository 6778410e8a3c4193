/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fs-watch.h"

/*
 * A directory that is watched, and the events in the order of their arrival.
 *
 * Names are relative to the directory. Functions that wait iterate the main context until the condition is true, under a
 * watchdog.
 */

typedef struct
{
  FsEventKind kind;
  char *path;     /* relative to the directory; NULL: none */
  char *moved_to; /* likewise */
  FsFacts facts;
  gboolean found, complete, moved;
  guint folded;
} WatchSeen;

typedef struct WatchFixture WatchFixture;

struct WatchFixture
{
  char *dir;
  FsWatch *watch;
  GPtrArray *seen;   /* of WatchSeen */
  guint next;        /* index in seen of the next event to expect */
  gboolean refuse;   /* every event is refused */
  guint refuse_each; /* n: every n-th event is refused; 0: none */
  guint refused, offered;
  FsWatchSettings settings;
  void (*on_changed) (WatchFixture *fixture); /* (nullable): called when the coverage changes */
};

void watch_fixture_set_up (WatchFixture *fixture, gconstpointer data);
void watch_fixture_tear_down (WatchFixture *fixture, gconstpointer data);
/* Begins to watch the directory, or the named one; returns when it is settled. */
void watch_fixture_watch (WatchFixture *fixture, const char *name, gboolean flat);
void watch_fixture_settle (WatchFixture *fixture);

char *watch_fixture_path (const WatchFixture *fixture, const char *name);
void watch_fixture_mkdir (const WatchFixture *fixture, const char *name);
void watch_fixture_put (const WatchFixture *fixture, const char *name, const char *text);
void watch_fixture_rename (const WatchFixture *fixture, const char *from, const char *to);
void watch_fixture_unlink (const WatchFixture *fixture, const char *name);
void watch_fixture_rmdir (const WatchFixture *fixture, const char *name);

/* Waits for the event after all earlier expected events, and returns it. Other events before it are skipped. */
const WatchSeen *watch_fixture_expect (WatchFixture *fixture, FsEventKind kind, const char *name);
/* Returns the number of events of the kind and name so far. */
guint watch_fixture_count (const WatchFixture *fixture, FsEventKind kind, const char *name);
/* Waits for events of a file that is created now; so all earlier notices of that directory have been handled. */
void watch_fixture_catch_up (WatchFixture *fixture, const char *directory);

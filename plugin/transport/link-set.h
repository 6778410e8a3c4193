/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "transport.h"

/*
 * All links of a broker on ONE GSource.
 *
 * With a source per connection a message costs five to ten times as much when hundreds of clients are idle. Two
 * implementations fill LinkPoller: epoll on Linux, poll elsewhere; the set itself does turns and the shared buffer.
 *
 * A turn is 64 KiB a link when one is ready, 8 KiB when the same wait shows more, so that a flood does not make the others
 * wait. A large frame is read to its place at once, and what that is beyond the turn is taken off the next ones: deficit
 * round robin by bytes (M. Shreedhar, G. Varghese, "Efficient Fair Queueing Using Deficit Round Robin", SIGCOMM 1995), with
 * debts instead of savings as nobody knows beforehand how much there is to read. Level-triggered: what was not read is
 * shown again.
 *
 * The source has the priority of the context's timers and of accepting: with a higher one, a flood that always has something
 * to read would keep deadlines from coming and new clients from connecting.
 *
 * Invariant: a link is in the set from link_new() until it is closed, and closed once.
 */

#define LINK_SET_BUFFER  262144u
#define LINK_TURN_ALONE  65536u
#define LINK_TURN_SHARED 8192u

/* How a set waits: one of these per way. */
typedef struct
{
  GSource *(*source_new) (LinkSet *set);
  gboolean (*add) (GSource *source, Link *link, int fd);
  void (*watch_writable) (GSource *source, Link *link, int fd, gboolean wanted);
  void (*remove) (GSource *source, Link *link, int fd);
} LinkPoller;

extern const LinkPoller link_poller_poll;
#ifdef __linux__
extern const LinkPoller link_poller_epoll;
#endif

/* @poller: NULL: the best of this system. The source hangs on @context. */
LinkSet *link_set_new (GMainContext *context, const LinkPoller *poller, const TransportHandler *handler, gpointer user);
/* Closes what is left. */
void link_set_free (LinkSet *set);
guint link_set_size (const LinkSet *set);

/* For pollers: what a wait showed. */
typedef struct
{
  Link *link;
  gboolean readable; /* or hung up */
  gboolean writable;
} LinkReady;
void link_set_dispatch (LinkSet *set, const LinkReady *ready, guint n);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link-io.h"
#include "transport.h"

/*
 * A poller: waits for all links of a set with one GSource.
 *
 * Each system implements one or more pollers. The callback of the source is a LinkReadyFunc; the source dispatches it when
 * at least one link is ready. Readiness is level-triggered: a link with unread bytes is reported again. A link is always
 * watched for reading, and for writing only while it has asked for that.
 *
 * A thread that runs a loop of its own may call wait() instead of g_poll(). This saves a system call per turn, because the
 * dispatch of the source need not ask the kernel again which links are ready. If wait() found only links, the thread may take
 * them with take() and handle them without a dispatch of the context.
 *
 * Invariant: a link that was removed is not reported any more, except by a dispatch that is already running.
 */

typedef struct
{
  Link *link;
  gboolean readable; /* or closed by the other side */
  gboolean writable;
} LinkReady;

typedef void (*LinkReadyFunc) (LinkSet *set, const LinkReady *ready, guint n);

typedef struct
{
  const char *name;
  GSource *(*source_new) (void);
  gboolean (*add) (GSource *source, Link *link, LinkHandle handle);
  void (*watch_writable) (GSource *source, Link *link, LinkHandle handle, gboolean wanted);
  void (*remove) (GSource *source, Link *link, LinkHandle handle);
  /* Does the same as g_poll(), for the descriptors of the context that the source is attached to. NULL: use g_poll(). */
  gint (*wait) (GSource *source, GPollFD *fds, guint n, gint timeout_ms);
  /* Returns the number of links that the last wait() found ready, and sets @ready to them; the source does not report them
   * again. 0: another descriptor of the context is ready, so the context has to be dispatched, or no link is ready. @ready is
   * valid until the next call of the poller. NULL if wait() is NULL. */
  guint (*take) (GSource *source, const LinkReady **ready);
  /* Waits for at most @timeout_ms (-1: without limit), for the descriptors of the last wait(), and takes the links that are ready.
   * 0: another descriptor is ready, or the time is over; then the caller has to call wait(). NULL if wait() is NULL. */
  guint (*wait_links) (GSource *source, gint timeout_ms, const LinkReady **ready);
} LinkPoller;

/* The pollers of this system, the best one first; NULL ends the list. */
extern const LinkPoller *const link_pollers[];

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link-io.h"
#include "transport.h"

/*
 * The wait of a link set for its links: one GSource for all of them.
 *
 * Each system implements one or more pollers. The callback of the source is a LinkReadyFunc; the source dispatches it when
 * at least one link is ready. Readiness is level-triggered: a link that was not read to its end is reported again. A link is
 * always watched for reading, and for writing only while it asks for it.
 *
 * A thread that runs a loop of its own may wait with wait() instead of g_poll(). It spares a system call per turn, because the
 * source need not ask again which links are ready.
 *
 * Invariant: a link that was removed is not reported any more, except by the dispatch that is already running.
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
  /* As g_poll(), for the descriptors of the context that the source is attached to. NULL: use g_poll(). */
  gint (*wait) (GSource *source, GPollFD *fds, guint n, gint timeout_ms);
} LinkPoller;

/* Those of this system, the best one first, NULL at the end. */
extern const LinkPoller *const link_pollers[];

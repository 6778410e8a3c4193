/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link-poller.h"
#include "link.h"

/* The structs that link.c and link-set.c share, and the functions of a link that its set calls. No other file includes this. */

#define LINK_SET_BUFFER 262144u

struct LinkSet
{
  GMainContext *context;
  const LinkPoller *poller;
  GSource *source;
  TransportHandler handler;
  gpointer user;
  GHashTable *links; /* of Link; not owned */
  GPtrArray *dead;   /* links that a dispatch closed; freed at its end */
  gboolean dispatching;
  guint turn; /* rotates which of the ready links reads first */
  guint8 buffer[LINK_SET_BUFFER];
};

struct Link
{
  LinkSet *set;
  LinkHandle handle;
  gsize debt;   /* bytes read, or their cost in bytes, beyond its turns */
  gsize weight; /* what a byte of the last read cost, in bytes; at least 1 after the first */
  gpointer peer;
  gboolean is_blocked; /* the poller watches for room to write */
  gboolean is_closing; /* link_close() was called */
  gboolean is_shut;    /* everything is written and the sending side has ended */
  gboolean is_dead;    /* closed() was called; waits to be freed */
  GSource *linger;     /* timer; NULL: not closing */
};

/* Reads once: @budget bytes, and what a large frame still needs. Returns how many bytes were read; the link may be dead
 * afterwards. */
gsize link_on_readable (Link *link, gsize budget);
void link_on_writable (Link *link);
void link_destroy (Link *link, TransportClosed why);

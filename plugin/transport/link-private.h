/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link-crowd.h"
#include "link-poller.h"
#include "link.h"

/* The structs that link.c and link-set.c share, and the functions of a link that only its set calls. No other file includes
 * this header. */

#define LINK_SET_BUFFER 262144u

struct LinkSet
{
  GMainContext *context;
  const LinkPoller *poller;
  GSource *source;
  TransportHandler handler;
  gpointer user;
  GPtrArray *links; /* Link, each at its place; the set does not own them */
  GPtrArray *dead;  /* links that a dispatch closed; freed at its end */
  gboolean dispatching;
  gint64 prepared_until_us; /* no source of the context has to run before, except the handler's; 0: not known */
  LinkCrowd crowd;
  guint turn; /* number of turns with several links; it selects the link that is read first */
  guint8 buffer[LINK_SET_BUFFER];
};

struct Link
{
  LinkSet *set;
  LinkHandle handle;
  gsize debt; /* cost, in bytes, of reads beyond the share of its turns */
  gpointer peer;
  GSource *linger;      /* timer; NULL: not closing */
  guint place;          /* in the links of the set */
  guint weight;         /* cost of the last read per byte, in bytes; 0 before the first read, then at least 1 */
  guint turn;           /* the turn of the set in which it was read last */
  guint has_more : 1;   /* the last read took all that it was allowed to, so there is probably more */
  guint is_blocked : 1; /* the poller watches for room to write */
  guint is_closing : 1; /* link_close() was called */
  guint is_shut : 1;    /* everything is written and the sending side has ended */
  guint is_dead : 1;    /* closed() was called; waits to be freed */
};

/* Reads once: at most @budget bytes, plus the missing bytes of a large frame, however many these are. Returns the number of
 * bytes read. The link may be dead afterwards. */
gsize link_on_readable (Link *link, gsize budget);
void link_on_writable (Link *link);
void link_destroy (Link *link, TransportClosed why);

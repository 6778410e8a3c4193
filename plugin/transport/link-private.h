/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link.h"

#include <sys/socket.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* GSocket ignores SIGPIPE for the process there */
#endif

/* What link and link-set share; nobody else looks in here. */

struct LinkSet
{
  GMainContext *context;
  const LinkPoller *poller;
  GSource *source;
  TransportHandler handler;
  gpointer user;
  GHashTable *links;
  GPtrArray *dead; /* freed at the end of the dispatch that closed them */
  gboolean dispatching;
  guint turn; /* who begins */
  guint8 buffer[LINK_SET_BUFFER];
};

struct Link
{
  LinkSet *set;
  int fd;
  gsize debt; /* bytes read beyond its turns */
  gpointer peer;
  gboolean is_blocked; /* waits for room to write */
  gboolean is_closing; /* link_close() was called */
  gboolean is_shut;    /* all is written and the sending side is down */
  gboolean is_dead;    /* handed to closed(), waits to be freed */
  GSource *linger;
};

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link-set.h"
#include "link.h"

/*
 * A link set whose handler is an echo in place of a broker: it returns the received bytes at the end of a turn. Each test runs
 * with every poller of the system.
 *
 * The other end of a link is a socket of the test. Only the test iterates the fixture's context.
 */

#define LINK_FIXTURE_MAX   (4u << 20) /* bytes of the largest round trip */
#define LINK_FIXTURE_PLACE 100000u

/* The handler's state for one connection. */
typedef struct
{
  Link *link;
  GByteArray *echo; /* received and not sent back yet */
  guint8 *place;
  gboolean places; /* offers a place for direct reads */
  gsize placed;
  gsize received; /* in the place or not */
  guint work;     /* units for each byte */
  gsize cheap;    /* the next bytes, which cost no work */
  gsize sent_at;  /* bytes that all links had received when this one last sent bytes back */
} LinkEcho;

typedef struct
{
  GMainContext *context;
  LinkSet *set;
  GPtrArray *echoes;
  guint closed;
  TransportClosed why;
  const char *refusal;                /* NULL: accepts */
  guint64 work;                       /* of the received bytes */
  gsize received;                     /* by all links */
  guint crowd_changes;                /* calls of crowded() */
  gboolean is_crowded;                /* of the last one */
  gint64 due_us;                      /* when a source of the handler has to run */
  void (*turn_ended) (gpointer user); /* NULL: the handler only sends the bytes back */
} LinkFixture;

typedef struct
{
  const char *path; /* below /transport/link/POLLER */
  void (*function) (LinkFixture *f, gconstpointer poller);
} LinkFixtureTest;

/* The other end; nonblocking. */
int link_fixture_open (LinkFixture *f);
/* The handler's state for the link that was opened as number @i. */
LinkEcho *link_fixture_echo (LinkFixture *f, guint i);

/* Writes and reads as much as the socket allows, and runs the context in between, until all bytes have come back. */
void link_fixture_round_trip (LinkFixture *f, int fd, const guint8 *bytes, gsize len);
/* Writes a few bytes and runs link_set_iterate() until they have come back. After two of these calls the set waits without
 * preparing the context. */
void link_fixture_use (LinkFixture *f, int fd);
/* Writes until the socket is full. */
void link_fixture_fill (int fd);
guint8 *link_fixture_pattern (gsize len);

/* Runs the tests with each poller. Returns the status of the program. */
int link_fixture_run (int argc, char **argv, const LinkFixtureTest *tests, guint n);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * Calls that read the timeline in pages, and the check of each page. When such a call reaches the broker, check-pages computes
 * the right page from the list of all records; the reply is compared with it.
 *
 * A client asks for one page at a time, and continues at the end of the page before, even if the timeline has changed since
 * then. These calls have a random stream of their own, so they do not change the other operations of a seed.
 */

#define SIM_PAGE_ITEMS 128u /* more than the timeline of the simulator has room for */

typedef struct
{
  guint64 number;
  guint64 accept_seq;
  guint depth;
  char id[8];
  char stage[8];
} SimPageItem;

typedef struct
{
  WireStatus status; /* OK: a page; otherwise the reason for which there is none */
  char root[8];
  guint n;
  SimPageItem items[SIM_PAGE_ITEMS];
  guint64 next;
  guint64 lost;
} SimPage;

typedef struct
{
  guint connection;    /* of the asker */
  guint64 call;        /* its id; 0: none is in transit */
  gboolean is_reached; /* the call has reached the broker, and the expected page is known */
  guint id;            /* the id that is asked for */
  guint64 after;
  guint limit;
  guint64 lost; /* the number in the page before */
  SimPage page;
} SimPageCall;

struct SimPages
{
  SimPageCall calls[SIM_CLIENTS];
};

SimPages *sim_pages_new (void);
void sim_pages_free (SimPages *pages);

/* Called once in each step. */
void sim_pages_run (SimWorld *world);
/* The call reaches the broker. */
void sim_pages_reached (SimWorld *world, const SimClient *client);
/* The client received a REPLY, or an ERROR, to any call. */
void sim_pages_replied (const SimClient *client, const WireEnvelope *envelope);
void sim_pages_failed (const SimClient *client, const WireEnvelope *envelope);

/* Computes the page that answers the call; see check-pages.c. */
void sim_check_page (SimWorld *world, const SimClient *client, SimPageCall *call);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * Calls that read the timeline in pages. When the broker gets such a call, check-pages works out from the list of all records
 * which page answers it; the reply is compared with that.
 *
 * A client asks for one page at a time, and continues where the page before ended, even if the timeline has changed meanwhile.
 * These calls have a random stream of their own.
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
  WireStatus status; /* OK: a page, otherwise why there is none */
  char root[8];
  guint n;
  SimPageItem items[SIM_PAGE_ITEMS];
  guint64 next;
  guint64 lost;
} SimPage;

typedef struct
{
  guint connection;    /* of the asker */
  guint64 call;        /* its id; 0: none is on its way */
  gboolean is_reached; /* by the call: the page is known */
  guint id;            /* that is asked for */
  guint64 after;
  guint limit;
  guint64 lost; /* as the page before said */
  SimPage page;
} SimPageCall;

struct SimPages
{
  SimPageCall calls[SIM_CLIENTS];
};

SimPages *sim_pages_new (void);
void sim_pages_free (SimPages *pages);

/* Once in each step. */
void sim_pages_run (SimWorld *world);
/* The broker gets the call. */
void sim_pages_reached (SimWorld *world, const SimClient *client);
/* A REPLY, and an ERROR, came; to whatever call. */
void sim_pages_replied (const SimClient *client, const WireEnvelope *envelope);
void sim_pages_failed (const SimClient *client, const WireEnvelope *envelope);

/* The page that answers the call; see check-pages.c. */
void sim_check_page (SimWorld *world, const SimClient *client, SimPageCall *call);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * All questions to many collectors: the lists that they are in, and counters of those that are over. See bus-gather.h.
 */

typedef struct
{
  GQueue all;     /* BusGather, by their link */
  GQueue dirty;   /* the same, by their dirty_link: to be checked */
  GQueue sending; /* by their send_link: they have an answer or the manifest to send */
  GQueue done;    /* by their send_link: their call has to end */
  guint64 last_query;
  guint64 n_complete; /* questions that ended with the verdict COMPLETE */
  guint64 n_partial;  /* questions that ended with another verdict */
} BusGathers;

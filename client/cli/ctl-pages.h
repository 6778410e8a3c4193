/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The way through a listing that the broker returns in pages: each page names the cursor of the next one.
 *
 * It does not ask for pages. Invariant: all pages of a listing are of one broker, and no page comes twice.
 */

typedef struct
{
  guint n;           /* pages that have come */
  guint64 epoch;     /* of the broker that sent them */
  const char *after; /* cursor for the next page; it belongs to the last one. NULL: that was all */
} CtlPages;

/* A page has come. @next: its cursor, "" in the last one. FALSE: it does not continue the listing. */
gboolean ctl_pages_take (CtlPages *pages, guint64 epoch, const char *next, GError **error);

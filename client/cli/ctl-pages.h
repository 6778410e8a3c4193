/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The position in a listing that the broker returns in pages: each page contains the cursor of the next one. This module does not
 * request the pages.
 *
 * Invariant: all pages of a listing are from one epoch of the broker, and no page is accepted twice.
 */

typedef struct
{
  guint n;           /* pages received so far */
  guint64 epoch;     /* of the broker that sent them */
  const char *after; /* cursor of the next page, owned by the last page; NULL: there are no more */
} CtlPages;

/* Takes note of a page. @next: the cursor of the next page; "" in the last page. FALSE: the page does not continue the listing. */
gboolean ctl_pages_take (CtlPages *pages, guint64 epoch, const char *next, GError **error);

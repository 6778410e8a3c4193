/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"

#include <protobuf-c/protobuf-c.h>

/*
 * One page of the broker's tree while it is filled: entries until their number or their bytes are enough, and what it has
 * cost. It does not know what its entries are.
 *
 * Invariant: what was put fits the reply; blocks and texts last as long as the page.
 */

#define BUS_PAGE_CURSOR_MAX 520u /* a topic; or a segment, a slash, a number */

/* Units of work, each about 10 ns; see bus_introspect_spend(). What is not named here is one. */
#define BUS_WORK_ENTRY    40u /* written, measured, packed */
#define BUS_WORK_MATCH    40u /* a topic looked up in the index, besides what it finds */
#define BUS_WORK_QUESTION 8u  /* to the policy */
#define BUS_WORK_MEMBER   8u
#define BUS_WORK_MESSAGE  8u   /* that waits, looked at */
#define BUS_WORK_ANSWER   200u /* whatever it says */
#define BUS_WORK_BYTES    256u /* of an answer */

typedef struct
{
  const BusPeer *asker;
  BusCore *core;
  gint64 now_us;
  const BusPeer *only; /* NULL: all that the asker may see */
  gboolean all;        /* agent and tool */

  /* The cursor: what was told last. */
  char after[BUS_PAGE_CURSOR_MAX];
  guint32 after_number;

  guint limit;
  gsize room; /* bytes left for entries */
  gboolean is_full;
  guint64 work;
  GPtrArray *entries;  /* ProtobufCMessage, in blocks */
  GPtrArray *blocks;   /* of entries that did not fit, too */
  GStringChunk *texts; /* protobuf wants a NUL behind them */
} BusPage;

/* Zeroed; the page's. */
gpointer bus_page_block (BusPage *page, gsize size);
char *bus_page_text (BusPage *page, WireSpan text);
gboolean bus_page_fits (const BusPage *page, const ProtobufCMessage *entry);
/* FALSE: there is more than this page takes. */
gboolean bus_page_put (BusPage *page, ProtobufCMessage *entry);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

#include <protobuf-c/protobuf-c.h>

/*
 * One page of an answer (introspect, stats, lists) while it is filled: it takes entries until their number or size is reached, and
 * counts the work. It does not depend on the type of the entries.
 *
 * Invariant: the entries that the page took fit the reply; blocks and texts are valid as long as the page.
 */

#define BUS_PAGE_REPLY_MAX  (256u * 1024u)
#define BUS_PAGE_ENTRY_HEAD 4u   /* tag and length of an entry */
#define BUS_PAGE_CURSOR_MAX 520u /* a topic; or a segment, a slash and a number */

typedef struct
{
  const BusPeer *asker;
  BusCore *core;
  gint64 now_us;
  const BusPeer *only; /* NULL: every peer that the asker may see */
  gboolean all;        /* the asker is agent or tool */

  /* The cursor: names the last entry of the page before. */
  char after[BUS_PAGE_CURSOR_MAX];
  guint32 after_number;

  guint limit;
  gsize room; /* bytes left for entries */
  gboolean is_full;
  guint64 work;
  GPtrArray *entries;  /* ProtobufCMessage, in blocks */
  GPtrArray *blocks;   /* also of entries that did not fit */
  GStringChunk *texts; /* copies with a NUL at the end, which protobuf-c needs */
} BusPage;

/* A zeroed block that the page owns. */
gpointer bus_page_block (BusPage *page, gsize size);
/* A copy of a text that the page owns. */
char *bus_page_text (BusPage *page, WireSpan text);
/* TRUE if there are enough bytes for the entry. */
gboolean bus_page_fits (const BusPage *page, const ProtobufCMessage *entry);
/* Adds an entry. FALSE: it does not fit, and the page is full. */
gboolean bus_page_put (BusPage *page, ProtobufCMessage *entry);

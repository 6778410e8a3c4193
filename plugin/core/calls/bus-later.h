/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-timer.h"
#include "calls/bus-method.h"
#include "wire-status.h"

/*
 * Calls of the broker that are answered later.
 *
 * Most methods of control.bus.* answer in the same input call. A method that waits for something (a peer that connects, a
 * member of a group that has drained) makes a record that begins with a BusLater. It sends any number of replies without the flag
 * FINAL, and at last one FINAL reply or an ERROR. The call ends with this last answer, with a CANCEL of its asker, at the deadline
 * that the asker set (if any), or with the connection of the asker.
 *
 * The record is charged to its asker, and counts for max_pending_requests together with requests to other peers. At each of
 * these ends this module calls the function `ended` of the kind, which unlinks the record from the lists of the method.
 *
 * Invariant: the record is in the list of its asker until it has ended; it ends exactly once, and is freed then.
 */

typedef struct BusLater BusLater;

/* The kind of a call; one constant for each method that answers later. */
typedef struct
{
  gsize size;                       /* of the record that embeds the BusLater */
  const char *overdue;              /* detail of the ERROR with TIMEOUT at the deadline */
  void (*due) (BusLater *record);   /* answers it at the deadline; NULL: with an ERROR */
  void (*ended) (BusLater *record); /* unlinks it; the record has been answered, and is freed afterwards */
} BusLaterKind;

struct BusLater
{
  BusTimer timer; /* armed if it has a deadline */
  const BusLaterKind *kind;
  BusPeer *asker;
  guint64 id; /* of the request */
  GList link; /* in the list `later` of the asker */
};

/* Makes a record of @kind->size bytes for this call; everything behind the BusLater is zero. NULL: refused, and the asker got an
 * ERROR (LIMIT or DUPLICATE_ID). */
gpointer bus_later_new (const BusCall *call, const BusLaterKind *kind);

/* Sends a reply that is not the last one. FALSE: no memory, and nothing was sent. */
gboolean bus_later_continue (BusLater *later, const ProtobufCMessage *message);

/* Send the last answer, and end the call. */
void bus_later_finish (BusLater *later, const ProtobufCMessage *message);
void bus_later_fail (BusLater *later, WireStatus status, const char *detail);

/* The deadline of the call has passed. */
void bus_later_due (BusLater *later);

/* TRUE if @asker waits for the answer to a call with this id. */
gboolean bus_later_is_pending (const BusPeer *asker, guint64 id);

/* The asker does not wait any more: ends its call without an answer. FALSE: it has no such call. */
gboolean bus_later_cancel (BusPeer *asker, guint64 id);

/* The peer disconnects: all its calls end. */
void bus_later_forget_peer (BusPeer *asker);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-timer.h"
#include "calls/bus-method.h"
#include "wire-status.h"

/*
 * Calls of the broker that are answered later.
 *
 * Most methods of control.bus.* answer in the same input call. A method that waits for something (a peer that connects, a
 * member of a group that has drained) makes a BusLater instead, embedded as the first field of its own record. It sends
 * any number of replies without the flag FINAL, and at last one FINAL reply or an ERROR. The call ends with that answer,
 * with CANCEL by its asker, at the deadline that the asker gave (without one it has none), or with the asker's connection.
 *
 * The record is charged to its asker and counts for max_pending_requests together with requests to other peers. The method
 * does not look for the end: its kind has a function that unlinks the record from the method's own lists.
 *
 * Invariant: the record is in the list of its asker until it has ended; it ends exactly once, and is freed then.
 */

typedef struct BusLater BusLater;

/* One for each method that answers later. */
typedef struct
{
  gsize size;                       /* of the record that embeds the BusLater */
  const char *overdue;              /* detail of the ERROR with TIMEOUT at the deadline */
  void (*due) (BusLater *record);   /* answers it at the deadline; NULL: with an ERROR */
  void (*ended) (BusLater *record); /* unlinks it; it has been answered, and is freed after this */
} BusLaterKind;

struct BusLater
{
  BusTimer timer; /* its deadline, if it has one */
  const BusLaterKind *kind;
  BusPeer *asker;
  guint64 id; /* of the request */
  GList link; /* in later of the asker */
};

/* A record of @kind->size bytes for this call; the rest of it is zero. NULL: refused, and the asker got an ERROR (LIMIT or
 * DUPLICATE_ID). */
gpointer bus_later_new (const BusCall *call, const BusLaterKind *kind);

/* Sends a reply; more follow. FALSE: no memory, and nothing was sent. */
gboolean bus_later_continue (BusLater *later, const ProtobufCMessage *message);

/* Send the last answer, and end the call. */
void bus_later_finish (BusLater *later, const ProtobufCMessage *message);
void bus_later_fail (BusLater *later, WireStatus status, const char *detail);

/* Its deadline came. */
void bus_later_due (BusLater *later);

/* TRUE if a call of @asker with this id waits for its answer. */
gboolean bus_later_is_pending (const BusPeer *asker, guint64 id);

/* The asker does not wait any more: ends its call without an answer. FALSE: it has no such call. */
gboolean bus_later_cancel (BusPeer *asker, guint64 id);

/* The peer disconnects: all its calls end. */
void bus_later_forget_peer (BusPeer *asker);

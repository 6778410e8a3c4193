/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-types.h"
#include "wire-span.h"
#include "wire-status.h"

/*
 * Notes: log records that the core makes for its caller.
 *
 * The core does not write a log. It adds records to a ring, and the caller takes them out and logs them. A record contains the id,
 * account and process of the peer, so it stays valid after the peer is freed. Text that a peer chose is escaped and cut when the
 * record is made, so that a peer cannot forge a line of the log.
 *
 * A peer can cause records at any rate, so a cap bounds their number in a second. There is one cap in each peer. Records about the
 * beginning and the end of connections have a cap for each account instead, because a client that connects again and again is a
 * new peer each time. Suppressed records are counted, and the next record under the same cap contains their number. So a peer
 * cannot suppress the records of a peer of another account, nor those of another connected peer.
 *
 * Invariant: the ring contains at most BUS_NOTES_MAX records; if it is full, the oldest record is dropped and counted.
 */

#define BUS_NOTES_MAX         512u
#define BUS_NOTES_PER_PEER    10u  /* a second */
#define BUS_NOTES_PER_ACCOUNT 100u /* a second: connected, refused, closed, gone */
#define BUS_NOTE_ACCOUNTS     16u  /* accounts whose caps are kept; a further one replaces the least recently used */

typedef enum
{
  BUS_NOTE_CONNECTED, /* HELLO was accepted */
  BUS_NOTE_REFUSED,   /* HELLO was refused */
  BUS_NOTE_CLOSED,    /* the broker closed the connection */
  BUS_NOTE_GONE,      /* the peer closed the connection */
  BUS_NOTE_DENIED,    /* the peer had no right for a frame */
  BUS_NOTE_DROPPED,   /* messages of a subscription were dropped */
  BUS_NOTE_DEMOTED,   /* a subscription blocked publishers for too long */
  BUS_NOTE_CASCADE,   /* a message was refused because of the messages that caused it */
  BUS_NOTE_TASKS,     /* a tool, or the agent for another account, has changed tasks */
} BusNoteKind;

typedef struct
{
  gint64 since_us; /* when the current second began */
  guint n;         /* records admitted in this second */
  guint64 suppressed;
} BusNoteCap;

typedef struct
{
  BusNoteKind kind;
  WireStatus status;
  guint32 account;
  guint32 pid;
  char id[72];        /* escaped, may be cut; empty before HELLO */
  char detail[200];   /* English, escaped, may be cut */
  guint64 suppressed; /* records under the same cap that were suppressed since the last one */

  /* Empty, NULL and 0 when they do not apply. */
  char topic[520];       /* topic or pattern, escaped, may be cut */
  const char *operation; /* static, as the next two */
  const char *rule;
  const char *policy;
  guint32 subscription;
  guint64 count; /* messages dropped since the last such record of the subscription */
} BusNote;

typedef struct
{
  guint32 account;
  gint64 used_us; /* 0: the place is free */
  BusNoteCap cap;
} BusNoteAccount;

typedef struct
{
  GQueue records; /* BusNote, oldest first */
  guint64 missed; /* records lost since one was taken last: dropped, or suppressed under a cap that was replaced */
  BusNoteAccount accounts[BUS_NOTE_ACCOUNTS];
} BusNoteRing;

/* Asks for one more record. FALSE: @most records were admitted in this second already; the record is counted as suppressed. */
gboolean bus_note_cap_admit (BusNoteCap *cap, guint most, gint64 now_us);
/* The cap of an account for records about the beginning and the end of connections. */
BusNoteCap *bus_note_account_cap (BusNoteRing *ring, guint32 account, gint64 now_us);

/* Adds a record without a check of any cap. The caller may set further fields of the record until the next call with @ring.
 * @id: (nullable): of the peer. @detail: (nullable) */
BusNote *bus_note_add (BusNoteRing *ring,
                       BusNoteKind kind,
                       WireStatus status,
                       const BusCredentials *who,
                       const char *id,
                       const char *detail);

/* Takes the oldest record out. FALSE: there is none. @missed: (out) (optional): number of records lost since one was taken last */
gboolean bus_note_take (BusNoteRing *ring, BusNote *note, guint64 *missed);

void bus_note_set_topic (BusNote *note, WireSpan topic);

void bus_note_ring_clear (BusNoteRing *ring);

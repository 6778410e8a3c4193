/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-types.h"
#include "wire-span.h"
#include "wire-status.h"

/*
 * Notes: log records that the core leaves for its caller.
 *
 * The core writes no log. It adds plain records to a ring, and the caller takes them out and logs them. A record
 * names the peer by id, account and process, so it stays valid after the peer is freed. Text that a peer chose is
 * escaped and cut when the record is made, so that no peer can forge a line of the log.
 *
 * A peer can cause records as fast as it likes, so their rate is capped: for a peer that is connected, by a cap in the
 * peer; for records about the begin and the end of connections, by a cap for each account, because a peer that connects
 * again and again is a new peer each time. A capped record is counted, and the next record under the same cap contains
 * the number. So no peer suppresses the records of another.
 *
 * Invariant: the ring holds at most BUS_NOTES_MAX records; when it is full the oldest one is dropped and counted.
 */

#define BUS_NOTES_MAX         512u
#define BUS_NOTES_PER_PEER    10u  /* a second */
#define BUS_NOTES_PER_ACCOUNT 100u /* a second: connected, refused, closed, gone */
#define BUS_NOTE_ACCOUNTS     16u  /* whose caps are kept; the one that was used least recently makes room */

typedef enum
{
  BUS_NOTE_CONNECTED, /* HELLO was accepted */
  BUS_NOTE_REFUSED,   /* HELLO was refused */
  BUS_NOTE_CLOSED,    /* the broker closed the connection */
  BUS_NOTE_GONE,      /* the peer closed the connection */
  BUS_NOTE_DENIED,    /* the peer tried what its rights do not allow */
  BUS_NOTE_DROPPED,   /* messages of a subscription were dropped */
  BUS_NOTE_DEMOTED,   /* a subscription blocked publishers for too long */
  BUS_NOTE_CASCADE,   /* a message was refused because of the messages that caused it */
  BUS_NOTE_TASKS,     /* a tool, or the agent for another account, has changed tasks */
} BusNoteKind;

typedef struct
{
  gint64 since_us; /* when the current second began */
  guint n;         /* admitted in it */
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
  guint64 suppressed; /* records under the same cap that were left out since the last one */

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
  guint64 missed; /* dropped since the last one was taken */
  BusNoteAccount accounts[BUS_NOTE_ACCOUNTS];
} BusNoteRing;

/* FALSE: @most records were admitted in this second; the record is counted as suppressed. */
gboolean bus_note_cap_admit (BusNoteCap *cap, guint most, gint64 now_us);
/* The cap of an account for the begin and the end of connections. */
BusNoteCap *bus_note_account_cap (BusNoteRing *ring, guint32 account, gint64 now_us);

/* Adds a record, whatever the caps say. The caller may fill in the fields that do not apply to all records, before the next
 * call with @ring. @id: (nullable): of the peer. @detail: (nullable) */
BusNote *bus_note_add (BusNoteRing *ring,
                       BusNoteKind kind,
                       WireStatus status,
                       const BusCredentials *who,
                       const char *id,
                       const char *detail);

/* Takes the oldest record out. FALSE: there is none. @missed: (out) (optional): records dropped since the last take */
gboolean bus_note_take (BusNoteRing *ring, BusNote *note, guint64 *missed);

void bus_note_set_topic (BusNote *note, WireSpan topic);

void bus_note_ring_clear (BusNoteRing *ring);

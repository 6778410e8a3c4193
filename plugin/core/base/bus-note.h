/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-types.h"
#include "wire-status.h"

/*
 * Notes: log records that the core leaves for its caller.
 *
 * The core writes no log. It adds plain records to a ring, and the caller takes them out and logs them. A record
 * names the peer by id, account and process, so it stays valid after the peer is freed. Text that a peer chose is
 * escaped and cut when the record is made, so that no peer can forge a line of the log.
 *
 * Invariant: the ring holds at most BUS_NOTES_MAX records; when it is full the oldest one is dropped and counted.
 */

#define BUS_NOTES_MAX 256u

typedef enum
{
  BUS_NOTE_CONNECTED, /* HELLO was accepted */
  BUS_NOTE_REFUSED,   /* HELLO was refused */
  BUS_NOTE_CLOSED,    /* the broker closed the connection, or the peer said goodbye */
  BUS_NOTE_GONE,      /* the connection ended without goodbye */
  BUS_NOTE_DENIED,    /* the peer tried what its rights do not allow */
  BUS_NOTE_DROPPED,   /* messages of a slow subscription were dropped */
} BusNoteKind;

typedef struct
{
  BusNoteKind kind;
  WireStatus status;
  guint32 account;
  guint32 pid;
  char id[72];      /* escaped, may be cut; empty before HELLO */
  char detail[160]; /* English, escaped, may be cut */
} BusNote;

typedef struct
{
  GQueue records; /* BusNote, oldest first */
  guint missed;   /* dropped since the last one was taken */
} BusNoteRing;

/* @id: (nullable): of the peer. @detail: (nullable) */
void bus_note_add (BusNoteRing *ring,
                   BusNoteKind kind,
                   WireStatus status,
                   const BusCredentials *who,
                   const char *id,
                   const char *detail);

/* Takes the oldest record out. FALSE: there is none. @missed: (out) (optional): records dropped since the last take */
gboolean bus_note_take (BusNoteRing *ring, BusNote *note, guint *missed);

void bus_note_ring_clear (BusNoteRing *ring);

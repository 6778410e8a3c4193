/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-tree.h"

/*
 * What each peer says of itself: services, and the types of their payloads. Asked once, by waiting, all at once, or in the
 * background; who can't be asked is taken as one who says nothing, for a while.
 *
 * What a peer says is its own word: its types count for its own messages only, never for another one's.
 *
 * Invariant: a peer has one description, which is there before its answer is.
 */

#define CTL_BUS_ID "bus"

typedef Daemoneye__Eventbus__V1__IntrospectReply CtlServices;

typedef struct
{
  char *peer;
  gboolean pending; /* asked in the background, not answered */
  WireGuard *guard; /* NULL: no answer */
  GError *error;    /* why */
  gint64 asked_us;
  CtlTypes *types; /* of its answer */
} CtlDescription;

/* NULL: no answer. */
const CtlServices *ctl_description_services (const CtlDescription *description);

/* @peer: an id, or "bus". Waits; @patient: as long as for any call, else a short time. (transfer none) */
const CtlDescription *ctl_described_get (Ctl *ctl, const char *peer, gboolean patient);

/* Asks all of them that were not asked yet, at once, and waits a short time. */
void ctl_described_ask_all (Ctl *ctl, const CtlTree *peers);

/* Asks without waiting. TRUE: there is an answer, or why there is none; else @done is called when there is. */
typedef void (*CtlDescribedFunc) (gpointer data);
gboolean ctl_described_want (Ctl *ctl, const char *peer, CtlDescribedFunc done, gpointer data);

/* Forgets the oldest above so many: for those who run on and on. */
void ctl_described_trim (Ctl *ctl, guint most);

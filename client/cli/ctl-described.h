/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-tree.h"

/*
 * The descriptions that peers give of themselves: their services, and the types of their payloads. Each peer is asked only once:
 * alone while the caller waits, together with others, or in the background. A peer that can't be asked is treated as a
 * peer without services for a few seconds.
 *
 * The types of a peer are used only for messages of this peer.
 *
 * Invariant: a peer has at most one description; it exists as soon as the peer is asked.
 */

#define CTL_BUS_ID "bus"

typedef Daemoneye__Eventbus__V1__IntrospectReply CtlServices;

typedef struct
{
  char *peer;
  gboolean pending; /* asked in the background, not answered yet */
  WireGuard *guard; /* NULL: no answer */
  GError *error;    /* the reason why there is no answer */
  gint64 asked_us;
  CtlTypes *types; /* the types in the answer */
} CtlDescription;

/* NULL: no answer. */
const CtlServices *ctl_description_services (const CtlDescription *description);

/* Asks @peer (an id, or "bus") and waits for its answer. @patient: as long as for any call; else only a short time.
 * (transfer none) */
const CtlDescription *ctl_described_get (Ctl *ctl, const char *peer, gboolean patient);

/* Asks all those of @peers that were not asked yet, at the same time, and waits a short time. */
void ctl_described_ask_all (Ctl *ctl, const CtlTree *peers);

/* Asks without waiting. TRUE: the peer has already answered or failed; otherwise @done is called when it does. */
typedef void (*CtlDescribedFunc) (gpointer data);
gboolean ctl_described_want (Ctl *ctl, const char *peer, CtlDescribedFunc done, gpointer data);

/* Removes the oldest descriptions until @most are left, for verbs that run without an end. */
void ctl_described_trim (Ctl *ctl, guint most);

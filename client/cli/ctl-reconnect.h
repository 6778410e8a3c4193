/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * Reports on standard error that the connection has ended, and that the client has connected again. It is for verbs that run
 * until the user stops them. It does not decide whether the client connects again.
 *
 * Invariant: each report of an end is followed by one report of the new connection, unless the program ends before.
 */

typedef struct
{
  DeyeBusClient *client; /* NULL: reports nothing */
  const char *missed;    /* translated: the effect of the interruption */
  gboolean is_interrupted;
} CtlReconnect;

/* @self and @missed must exist until ctl_reconnect_clear(). */
void ctl_reconnect_init (CtlReconnect *self, DeyeBusClient *client, const char *missed);
void ctl_reconnect_clear (CtlReconnect *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtlReconnect, ctl_reconnect_clear)

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/*
 * Prints a peer that the library has reported, as the verbs `wait` and `watch` do: a line for people, or one JSON object with
 * the fields of the protocol's PeerState.
 */

/* @text: the line for people. */
void ctl_peer_view_show (Ctl *ctl, DeyeBusPeer *peer, const char *text);

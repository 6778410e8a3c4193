/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

#include <json-glib/json-glib.h>

/*
 * The stations that a message passed (--trace), so that it shows where a slow message was slow. A station that is not known is
 * left out.
 */

/* A table: when the message passed each station, and how long after the one before it. */
void ctl_hops_show (Ctl *ctl, DeyeBusMessage *message);

/* Members "hop.accepted" and so on, in microseconds since the first station. */
void ctl_hops_add (JsonObject *object, DeyeBusMessage *message);

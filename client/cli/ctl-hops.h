/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

#include <json-glib/json-glib.h>

/*
 * The time stamps of the stations that a message has passed (--trace). They show where a slow message was delayed. Stations
 * without a time stamp are left out.
 */

/* Prints a table: the time at each station, and the difference from the station before. */
void ctl_hops_show (Ctl *ctl, DeyeBusMessage *message);

/* Adds the members "hop.accepted" and so on, in microseconds since the first station. */
void ctl_hops_add (JsonObject *object, DeyeBusMessage *message);

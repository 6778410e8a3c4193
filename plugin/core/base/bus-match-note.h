/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A note of bus-match-make in a peer or group while it makes a match, valid for the match with the same stamp only.
 */

typedef struct
{
  guint64 stamp;
  guint64 member_stamp; /* of a peer: it is a candidate of the group with this stamp */
  guint place;          /* among the receivers or groups of the match */
} BusMatchNote;

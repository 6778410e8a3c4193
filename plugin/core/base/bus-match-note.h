/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Scratch space of bus-match-make, embedded in each peer and group: with it bus-match-make finds the place of a peer or group in
 * the match that is being made, without a look-up. It is valid only for the match with the same stamp.
 */

typedef struct
{
  guint64 stamp;
  guint64 member_stamp; /* of a peer: the stamp of the group of which it is a candidate */
  guint place;          /* among the receivers or groups of the match */
} BusMatchNote;

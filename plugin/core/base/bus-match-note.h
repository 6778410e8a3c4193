/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Scratch space of bus-match-make in each peer and group, so that it finds the place of a peer in the match that it makes without
 * a look-up. It is valid only while the match with the same stamp is made.
 */

typedef struct
{
  guint64 stamp;
  guint64 member_stamp; /* of a peer: the stamp of the group of which it is a candidate */
  guint place;          /* among the receivers or groups of the match */
} BusMatchNote;

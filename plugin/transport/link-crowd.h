/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Detects that several links send more than the broker can read for a while.
 *
 * One turn is not enough, because several publishers may have sent a burst at the same time. So each turn in which several links
 * probably have more raises a level, and each other turn lowers it by less. The set is crowded from the turn in which the level
 * reaches its maximum until the turn in which it is zero again. While more than one turn in nine has several busy links, the
 * level does not fall. link-set calls link_crowd_note() once in each turn; the module uses neither links nor a clock.
 *
 * Invariant: the level is between 0 and LINK_CROWD_MAX, and the state changes only at these two values.
 */

#define LINK_CROWD_MAX  256u
#define LINK_CROWD_STEP 8u /* so 32 turns in a row make a set crowded, and 256 other turns end this */

typedef struct
{
  guint level;
  gboolean is_crowded;
} LinkCrowd;

/* Notes a turn. @is_busy: several links probably have more. TRUE: is_crowded has changed */
static inline gboolean
link_crowd_note (LinkCrowd *crowd, gboolean is_busy)
{
  if (is_busy)
    crowd->level = MIN (crowd->level + LINK_CROWD_STEP, LINK_CROWD_MAX);
  else if (crowd->level > 0)
    crowd->level--;
  if (crowd->level != (crowd->is_crowded ? 0 : LINK_CROWD_MAX))
    return FALSE;
  crowd->is_crowded = !crowd->is_crowded;
  return TRUE;
}

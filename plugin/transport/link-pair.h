/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link-io.h"

/* Opens a connection inside the process, for the host of the module. @ours is for link_set_adopt(). @theirs is the host's end:
 * a socket or the system's equivalent, which child processes do not inherit. The caller owns both. */
gboolean link_pair_open (LinkHandle *ours, gintptr *theirs, GError **error);

/* Closes the host's end, if it can't be passed to the host. */
void link_pair_close_theirs (gintptr theirs);

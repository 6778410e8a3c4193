/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link-io.h"

/* A connection inside the process, for the host of the module. @ours is for link_set_adopt(). @theirs is for the host: a
 * socket or what the system has in its place, closed in child processes, owned by the caller. */
gboolean link_pair_open (LinkHandle *ours, gintptr *theirs, GError **error);

/* Closes the host's end, when it can't be handed out. */
void link_pair_close_theirs (gintptr theirs);

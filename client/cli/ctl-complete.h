/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/* Prints the words that a shell can complete, one per line: `deyebusctl complete-words WHAT`, where WHAT is peers,
 * methods PEER, or topics. Without a broker it prints nothing, not even an error, because the user is still typing a
 * command. */
gboolean ctl_complete (Ctl *ctl, char **args, GError **error);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/* Words for the shells' completions, one a line: `deyebusctl complete-words WHAT`; WHAT is peers, methods PEER, or topics.
 * Says nothing when there is no broker: a shell that completes is no place for errors. */
gboolean ctl_complete (Ctl *ctl, char **args, GError **error);

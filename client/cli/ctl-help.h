/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-verb-table.h"

/* The help texts: the list of verbs, and the options of one verb. */

void ctl_help_show_verbs (Ctl *ctl);
void ctl_help_show_verb (Ctl *ctl, const CtlVerb *verb);

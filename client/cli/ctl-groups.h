/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-tree.h"

/*
 * Queue groups with all of their members.
 *
 * The broker lists only a limited number of members with a group, so a peer that joins with many subscriptions could hide other
 * members. Members that the broker leaves out are taken from the section of subscriptions, which has no such limit.
 */

/* The entries are CtlGroup. */
CtlTree *ctl_groups_read (Ctl *ctl, GError **error);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/* Creates the specification of a task from the options. */

/* @given: (nullable): the value of --payload. NULL: see @error. (transfer full) */
DeyeBusTaskSpec *ctl_submit_spec_new (Ctl *ctl, const char *operation, GBytes *given, GError **error);

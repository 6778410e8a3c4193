/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/* The specification of a task as the options give it. */

/* @given: (nullable): content of --payload. (transfer full) NULL: see @error. */
DeyeBusTaskSpec *ctl_submit_spec_new (Ctl *ctl, const char *operation, GBytes *given, GError **error);

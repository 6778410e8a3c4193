/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-type-batch.h"

/*
 * Builds descriptors of enums and messages, with the same layout as those of protoc-c.
 *
 * It builds one declared type of a batch at a time. All memory is from the batch's pool, so a type that is refused half-way
 * needs no clean-up.
 */

gboolean ctl_type_build_enum (CtlBatch *batch, CtlType *type, GError **error);
/* The enums of the batch must already be built. */
gboolean ctl_type_build_message (CtlBatch *batch, CtlType *type, GError **error);

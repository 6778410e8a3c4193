/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-type-batch.h"

/*
 * Descriptors of enums and messages, laid out as protoc-c would.
 *
 * It builds one declared type of a batch at a time. All memory comes from the batch's pool, so a type that is refused
 * half-way leaves nothing to clean up.
 */

gboolean ctl_type_build_enum (CtlBatch *batch, CtlType *type, GError **error);
/* The enums of the batch must be built. */
gboolean ctl_type_build_message (CtlBatch *batch, CtlType *type, GError **error);

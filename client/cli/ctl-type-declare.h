/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-type-batch.h"

/*
 * Enters the declarations of a file of a set into the batch: each enum and message, nested ones included, under its
 * full name.
 *
 * It checks only names and counts. The descriptors are built later, when all names of the set are known.
 */

gboolean ctl_type_declare_file (CtlBatch *batch, const FileProto *file, GError **error);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/* The manifest of a question to many collectors: on standard error all of it, or on standard output who did not answer. */

/* As text, or with --json as an object. */
void ctl_manifest_report (Ctl *ctl, DeyeBusManifest *manifest);
/* A table, or with --json an object for each one. */
void ctl_manifest_show_missing (Ctl *ctl, DeyeBusManifest *manifest);

/* Adds what @extent says. @extent: (nullable) */
void ctl_manifest_set_extent (JsonObject *object, DeyeBusExtent *extent);

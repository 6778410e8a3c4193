/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/* Prints the manifest of a question to many collectors: all of it on standard error, or on standard output only the collectors
 * that did not answer. */

/* Prints all of it as text, or with --json as an object. */
void ctl_manifest_report (Ctl *ctl, DeyeBusManifest *manifest);
/* Prints the collectors that did not answer: a table, or with --json an object for each one. */
void ctl_manifest_show_missing (Ctl *ctl, DeyeBusManifest *manifest);

/* Adds the members of @extent (nullable). */
void ctl_manifest_set_extent (JsonObject *object, DeyeBusExtent *extent);

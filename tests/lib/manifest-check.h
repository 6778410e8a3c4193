/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gather.pb-c.h"

#include <glib.h>

/*
 * Checks that the manifest of a question to many collectors is consistent. Every test that gets a manifest uses this function.
 *
 * It compares the manifest with itself: the counts are those of its members, their sum is the expected number, and the verdict and
 * the requirement follow from them. The test itself compares the manifest with the events.
 */

/* The first inconsistency; NULL: none. @one_each: each collector is at most once in the manifest (not for shards) */
const char *manifest_problem (const Daemoneye__Eventbus__V1__Manifest *manifest, gboolean one_each);

/* A text like "complete met: one=answered two=empty". A member that was not asked has its reason: "two=never-asked/draining". */
char *manifest_text (const Daemoneye__Eventbus__V1__Manifest *manifest);

/* The name of a value without the prefix of its enumeration, like "never-asked" or "complete". Valid until the next call. */
const char *manifest_word (const ProtobufCEnumDescriptor *type, int value);

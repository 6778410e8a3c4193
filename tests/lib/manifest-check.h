/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gather.pb-c.h"

#include <glib.h>

/*
 * The account of a question to many has to add up: each test that sees a manifest checks it with this one function.
 *
 * It compares the manifest with itself: the counts are those of its members, their sum is what was expected, verdict and
 * requirement follow from them. Whether it agrees with the events is checked by the test itself.
 */

/* The first thing that does not add up; NULL: nothing. @one_each: no collector may be in it twice (not of shards) */
const char *manifest_problem (const Daemoneye__Eventbus__V1__Manifest *manifest, gboolean one_each);

/* "complete met: one=answered two=empty", with the reasons of those that were not asked: "three=never-asked/draining". */
char *manifest_text (const Daemoneye__Eventbus__V1__Manifest *manifest);

/* "never-asked", "not-registered", "complete": without the prefix of the enumeration. Valid until the next call. */
const char *manifest_word (const ProtobufCEnumDescriptor *type, int value);

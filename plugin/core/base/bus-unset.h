/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * BUS_UNSET: marks a local variable that the compiler should not clear.
 *
 * The build clears every local variable (-ftrivial-auto-var-init=zero). For a large struct that is used for each message, this can
 * take longer than the rest of the function. Use the attribute only for a variable that an initializer function of its type sets
 * member by member before any other code reads it.
 */
#ifdef __has_attribute
#if __has_attribute(uninitialized)
#define BUS_UNSET __attribute__ ((uninitialized))
#endif
#endif
#ifndef BUS_UNSET
#define BUS_UNSET
#endif

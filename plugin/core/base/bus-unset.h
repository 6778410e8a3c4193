/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * BUS_UNSET: a variable that is written before it is read.
 *
 * The build clears every automatic variable (-ftrivial-auto-var-init=zero). For a large struct that is made for each message
 * this costs more than the function that has it. The attribute is only for variables that a function of their own type
 * sets member by member, before anything else has their address.
 */
#ifdef __has_attribute
#if __has_attribute(uninitialized)
#define BUS_UNSET __attribute__ ((uninitialized))
#endif
#endif
#ifndef BUS_UNSET
#define BUS_UNSET
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Attributes that place functions in the program. They change no result.
 *
 * WIRE_HOT marks a function that runs between the read and the write of a message that arrives alone. The linker puts these
 * functions side by side, so that the message needs few pages and cache lines of code: broker and clients have slept before it, and
 * all their code is cold. WIRE_COLD marks a function that such a function calls in rare cases only. It is not inlined there, and is
 * placed far from the others.
 */
#if defined(__GNUC__)
#define WIRE_HOT  __attribute__ ((hot))
#define WIRE_COLD __attribute__ ((cold, noinline))
#else
#define WIRE_HOT
#define WIRE_COLD
#endif

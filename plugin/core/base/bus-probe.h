/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Static probes (USDT) of the broker, for bpftrace, perf and SystemTap: a probe that nobody uses is one instruction that does
 * nothing. Their names and arguments are documented in doc/architecture.md; they belong to the provider daemoneye_eventbus.
 *
 * The macros are of <sys/sdt.h>. The build includes it (option -include, with the feature `probes`), so the core itself names no
 * header of a system. Arguments are evaluated in any case: they are values that the caller has, never calls.
 */

#ifdef DEYE_BUS_PROBES
#define BUS_PROBE3(name, a, b, c)    DTRACE_PROBE3 (daemoneye_eventbus, name, a, b, c)
#define BUS_PROBE4(name, a, b, c, d) DTRACE_PROBE4 (daemoneye_eventbus, name, a, b, c, d)
#else
#define BUS_PROBE3(name, a, b, c)    ((void) 0)
#define BUS_PROBE4(name, a, b, c, d) ((void) 0)
#endif

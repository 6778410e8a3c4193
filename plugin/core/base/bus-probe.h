/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Static probes (USDT) of the broker, for bpftrace, perf and SystemTap. A probe that no tracer uses is one instruction that does
 * nothing. doc/architecture.md documents names and arguments; the provider is daemoneye_eventbus.
 *
 * The macros come from <sys/sdt.h>. The build includes it (option -include, with the feature `probes`), so the core itself
 * includes no header of an operating system. With probes, arguments are evaluated even if no tracer is attached, so they must be
 * values that the caller has already, never calls.
 */

#ifdef DEYE_BUS_PROBES
#define BUS_PROBE3(name, a, b, c)    DTRACE_PROBE3 (daemoneye_eventbus, name, a, b, c)
#define BUS_PROBE4(name, a, b, c, d) DTRACE_PROBE4 (daemoneye_eventbus, name, a, b, c, d)
#else
#define BUS_PROBE3(name, a, b, c)    ((void) 0)
#define BUS_PROBE4(name, a, b, c, d) ((void) 0)
#endif

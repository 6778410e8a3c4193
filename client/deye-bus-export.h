/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Marks what the library exports; everything else is hidden. */
#if defined(_WIN32)
#define DEYE_BUS_API
#else
#define DEYE_BUS_API __attribute__ ((visibility ("default")))
#endif

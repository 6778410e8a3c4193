/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Marks the functions that the library exports; all others are hidden. */
#if defined(_WIN32) && defined(DEYE_BUS_COMPILATION)
#define DEYE_BUS_API __declspec(dllexport)
#elif defined(_WIN32)
#define DEYE_BUS_API
#else
#define DEYE_BUS_API __attribute__ ((visibility ("default")))
#endif

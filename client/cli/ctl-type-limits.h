/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Limits of all sets of types that one registry accepts together. Peers choose the sets, so each size in them needs a limit. */

#define CTL_TYPES_SET_MAX      1048576u /* bytes */
#define CTL_TYPES_FILES_MAX    4096u
#define CTL_TYPES_MESSAGES_MAX 4096u
#define CTL_TYPES_FIELDS_MAX   16384u
#define CTL_TYPES_VALUES_MAX   16384u /* of all enums */
#define CTL_TYPES_NAME_MAX     512u   /* bytes, of a full name */
#define CTL_TYPES_NESTING_MAX  16u    /* declarations inside declarations; wire-guard's depth allows fewer */

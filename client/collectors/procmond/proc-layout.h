/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The constants of the messages of Linux' process connector, so that their parser can be built and tested on every system. On
 * Linux linux/proc-connector.c does not compile if a constant differs from the kernel's headers.
 *
 * A message is a netlink header, a header of the connector, and an event: its kind, a time, and data that depends on the kind.
 */

/* linux/netlink.h */
#define PROC_LAYOUT_HEADER_BYTES 16u
#define PROC_LAYOUT_HEADER_TYPE  4u /* this constant and those below are offsets */
#define PROC_LAYOUT_TYPE_DONE    3u

/* linux/connector.h */
#define PROC_LAYOUT_CONNECTOR_BYTES 20u
#define PROC_LAYOUT_CONNECTOR_ACK   12u
#define PROC_LAYOUT_CONNECTOR_LEN   16u
#define PROC_LAYOUT_INDEX           1u
#define PROC_LAYOUT_VALUE           1u

/* linux/cn_proc.h */
#define PROC_LAYOUT_LISTEN     1u
#define PROC_LAYOUT_EVENT_TIME 8u
#define PROC_LAYOUT_EVENT_DATA 16u
#define PROC_LAYOUT_EVENT_NONE 0x00000000u
#define PROC_LAYOUT_EVENT_FORK 0x00000001u
#define PROC_LAYOUT_EVENT_EXEC 0x00000002u
#define PROC_LAYOUT_EVENT_COMM 0x00000200u
#define PROC_LAYOUT_EVENT_EXIT 0x80000000u

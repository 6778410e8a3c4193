/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link-poller.h"

/* The two pollers of POSIX systems; link_pollers lists those that are built. */

extern const LinkPoller link_poller_epoll;
extern const LinkPoller link_poller_poll;

/* SPDX-License-Identifier: Apache-2.0 */
#include "posix-pollers.h"

const LinkPoller *const link_pollers[] = {
#ifdef HAVE_EPOLL
  &link_poller_epoll,
#endif
  &link_poller_poll,
  NULL,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-notify.h"

const char *const agent_notify_variables[] = { NULL };

void
agent_notify_ready (const char *text)
{
}

void
agent_notify_reloading (void)
{
}

void
agent_notify_stopping (void)
{
}

gint64
agent_notify_watchdog_us (void)
{
  return 0;
}

void
agent_notify_alive (void)
{
}

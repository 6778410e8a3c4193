/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-ready.h"

#include <stdio.h>
#include <unistd.h>

void
platform_ready_report (gintptr handle, const char *line)
{
  int fd = (int) handle;

  if (fd < 0)
    return;
  dprintf (fd, "%s\n", line);
  if (fd > STDERR_FILENO)
    close (fd);
}

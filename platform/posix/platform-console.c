/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-console.h"

#include <fcntl.h>
#include <unistd.h>

void
platform_console_fill_streams (void)
{
  int fd;

  do
    fd = open ("/dev/null", O_RDONLY);
  while (fd >= STDIN_FILENO && fd <= STDERR_FILENO);
  if (fd > STDERR_FILENO)
    close (fd);
}

gboolean
platform_console_is_terminal (void)
{
  return isatty (STDOUT_FILENO) == 1;
}

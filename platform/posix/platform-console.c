/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-console.h"

#include <unistd.h>

gboolean
platform_console_is_terminal (void)
{
  return isatty (STDOUT_FILENO) == 1;
}

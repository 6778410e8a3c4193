/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-process.h"

#include <unistd.h>

guint32
platform_process_id (void)
{
  return (guint32) getpid ();
}

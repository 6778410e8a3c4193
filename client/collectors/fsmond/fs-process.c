/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-process.h"

void
fs_process_clear (FsProcess *process)
{
  g_clear_pointer (&process->paths, g_ptr_array_unref);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-process.h"

FsProcessResult
fs_process_read (guint32 pid, const FsProcessLimits *limits, FsProcess *process)
{
  *process = (FsProcess){ 0 };
  return FS_PROCESS_UNSUPPORTED;
}

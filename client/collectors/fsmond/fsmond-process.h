/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collector-question.h"

/*
 * The questions about the open files of a process (fs-process): describe_process, which several types of collectors answer, and
 * open_paths_of, which fails if there is no such process.
 */

extern const CollectorQuestion fsmond_describe_question;
extern const CollectorQuestion fsmond_open_paths_question;

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collector-question.h"

/*
 * The question what a process is: tasks of the operation describe_process, which all kinds of collectors answer with what they
 * know. procmond answers with a ProcessTable of that process. It is empty if there is no such process.
 */

extern const CollectorQuestion procmond_describe_question;

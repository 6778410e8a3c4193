/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collector-question.h"

/*
 * The question about one process: tasks of the operation describe_process, which several types of collectors answer with their
 * data. procmond answers with a ProcessTable that contains the process. It is empty if there is no such process.
 */

extern const CollectorQuestion procmond_describe_question;

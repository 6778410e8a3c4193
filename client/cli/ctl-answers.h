/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/* Prints the answers of a request to many, one line each, until the request ends. */
gboolean ctl_answers_show (Ctl *ctl, DeyeBusAnswers *answers, GError **error);

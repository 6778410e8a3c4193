/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/* Shows the answers of a request with several, one line each, until it ends. */
gboolean ctl_answers_show (Ctl *ctl, DeyeBusAnswers *answers, GError **error);

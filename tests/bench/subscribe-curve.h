/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Curves over the number of subscriptions, or of topics; see subscribe-curve.c. As JSON: one object in each line. */
void subscribe_curve_print (gboolean as_json);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "introspection.pb-c.h"

#include <glib-object.h>

/*
 * A property's value: one of five kinds, each a GType here and a field of Value on the wire. Integers of any size become
 * the 64-bit ones.
 *
 * Invariant: a normalized value has one of the types of deye_bus_value_type().
 */

typedef Daemoneye__Eventbus__V1__Value DeyeBusWireValue;

/* The type that values of @type are kept as; G_TYPE_INVALID: a property can't be one. */
GType deye_bus_value_type (GType type);

/* How Value calls it: "natural". */
const char *deye_bus_value_kind (GType type);

/* @value as @type, without loss; text has to be UTF-8. @result: zero-filled; set on success. */
gboolean deye_bus_value_convert (const GValue *value, GType type, GValue *result);

gboolean deye_bus_value_equal (const GValue *a, const GValue *b);

/* @wire points into @value. */
void deye_bus_value_to_wire (const GValue *value, DeyeBusWireValue *wire);
/* FALSE: it says nothing. @value: zero-filled. */
gboolean deye_bus_value_from_wire (const DeyeBusWireValue *wire, GValue *value);

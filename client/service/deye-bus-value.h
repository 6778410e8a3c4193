/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "introspection.pb-c.h"

#include <glib-object.h>

/*
 * The value of a property: a GValue of one of five types. Each type has its field in the message Value on the wire. Integers of
 * other sizes are converted to 64 bits.
 *
 * Invariant: a normalized value has one of the types that deye_bus_value_type() returns.
 */

typedef Daemoneye__Eventbus__V1__Value DeyeBusWireValue;

/* The normalized type for values of @type; G_TYPE_INVALID: a property cannot have the type @type. */
GType deye_bus_value_type (GType type);

/* The name of the field of Value: "natural". */
const char *deye_bus_value_kind (GType type);

/* Converts @value to @type, without loss; text has to be UTF-8. @result: zero-filled; set on success. FALSE: not possible. */
gboolean deye_bus_value_convert (const GValue *value, GType type, GValue *result);

gboolean deye_bus_value_equal (const GValue *a, const GValue *b);

/* @wire points into @value. */
void deye_bus_value_to_wire (const GValue *value, DeyeBusWireValue *wire);
/* FALSE: @wire holds no value. @value: zero-filled. */
gboolean deye_bus_value_from_wire (const DeyeBusWireValue *wire, GValue *value);

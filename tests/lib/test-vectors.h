/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Messages that protoc, as an independent implementation, encoded when the tests were built. make-vectors.py makes the
 * table from a file in tests/data, one table for each test program.
 */

typedef struct
{
  const char *name;
  const char *type; /* full name of the message type */
  gsize len;
  const char *bytes;
} TestVector;

extern const TestVector test_vectors[]; /* ends with a row without a name */

/* Ends the test if there is no vector of that name. */
const TestVector *test_vector_find (const char *name);

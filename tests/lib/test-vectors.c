/* SPDX-License-Identifier: Apache-2.0 */
#include "test-vectors.h"

const TestVector *
test_vector_find (const char *name)
{
  for (const TestVector *vector = test_vectors; vector->name != NULL; vector++)
    if (g_str_equal (vector->name, name))
      return vector;
  g_error ("no vector is named %s", name);
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NATS_SUBJECT_H
#define NATS_SUBJECT_H

#include <stddef.h>

/* Writes @topic as a subject of NATS to @to: a/+/b/# becomes a.*.b.> */
static inline const char *
nats_subject_map (char *to, size_t size, const char *topic)
{
  size_t i;

  for (i = 0; topic[i] != '\0' && i < size - 1; i++)
    to[i] = topic[i] == '/' ? '.' : topic[i] == '+' ? '*' : topic[i] == '#' ? '>' : topic[i];
  to[i] = '\0';
  return to;
}

#endif

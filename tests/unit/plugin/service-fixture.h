/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "listener.h"
#include "service.h"

/*
 * A broker service with its thread and its real socket in the process of the test, and a directory for its address.
 *
 * Teardown asserts that the service removes its files.
 */

typedef struct
{
  char *directory;
  char *address;
  Service *service;
} ServiceFixture;

/* For g_test_add(). @data: NULL to start the service; otherwise the test starts it. */
void service_fixture_set_up (ServiceFixture *f, gconstpointer data);
void service_fixture_tear_down (ServiceFixture *f, gconstpointer data);
Service *service_fixture_start_at (const char *address, GError **error);

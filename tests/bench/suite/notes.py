# SPDX-License-Identifier: Apache-2.0
"""Text of the page that no run can write: why a floor is not met, and what it would take. The key is the workload of floors.py."""

NOTES = {}
